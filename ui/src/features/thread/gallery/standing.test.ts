import { expect, it } from 'vitest';
import type { FileState, GalleryFile } from '../../../ipc/generated';
import { meansOf, standingOf, standingText } from './standing';

const file = (state: FileState, keep: boolean | null = null, problem: string | null = null) => ({ state, keep, problem, received: 20, file_size: 80 }) as GalleryFile;

it.each([
  [file('here'), 'here'],
  [file('here', true), 'kept'],
  [file('here', false), 'leaving'],
  [file('remote'), 'remote'],
  [file('remote', true), 'coming'],
  [file('remote', false), 'remote'],
  [file('remote', true, 'Its bytes differ.'), 'failed'],
  [file('waiting'), 'waiting'],
  [file('waiting', null, 'Too large for the server.'), 'failed'],
  [file('downloading'), 'downloading'],
  [file('missing'), 'missing'],
] as const)('tells where the bytes are: %#', (of, standing) => {
  expect(standingOf(of)).toBe(standing);
});

it('tells how far a download is', () => {
  expect(standingText(file('downloading'))).toContain('25');
});

it('offers what can be done and nothing else', () => {
  expect(meansOf(file('remote'), true)).toEqual({ download: true, save: false, keep: true, letGo: false });
  expect(meansOf(file('here', true), true)).toEqual({ download: false, save: true, keep: false, letGo: true });
  expect(meansOf(file('waiting'), true)).toEqual({ download: false, save: true, keep: true, letGo: false });
  expect(meansOf(file('missing'), true)).toEqual({ download: false, save: false, keep: false, letGo: false });
  expect(meansOf(file('here'), false), 'without an account all of it is here alone').toEqual({ download: false, save: true, keep: false, letGo: false });
});
