import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { DroppedItem } from '../ipc/generated';
import { createStore, keys } from 'idb-keyval';
import type { DraftFile } from './draft-files';
import { MOST_BYTES, dropped, enclose, forgetAllDraftFiles, keepDraftFiles, letGo, readDraftFiles } from './draft-files';

const item = (part: Partial<DroppedItem>): DroppedItem => ({ name: 'a.png', path: '/home/mira/a.png', size: 9, ticket: 't-1', refusal: null, picture: false, ...part });

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:x');
  URL.revokeObjectURL = vi.fn();
});

describe('a file that goes along', () => {
  it('travels with its name and bytes, and shows itself when it is a picture', async () => {
    const text = await enclose(new File(['hello'], 'a.txt'));
    expect(text).toMatchObject({ name: 'a.txt', size: 5, preview: null, source: { kind: 'bytes', name: 'a.txt', base64: 'aGVsbG8=' } });
    const picture = await enclose(new File(['x'], 'a.png', { type: 'image/png' }));
    expect(picture?.preview).toBe('blob:x');
    const svg = await enclose(new File(['<svg/>'], 'a.svg', { type: 'image/svg+xml' }));
    expect(svg?.preview).toBe(null);
    letGo(picture!);
    letGo(text!);
    expect(URL.revokeObjectURL).toHaveBeenCalledTimes(1);
  });

  it('stays behind when it is too large', async () => {
    const large = Object.defineProperty(new File([''], 'b.bin'), 'size', { value: MOST_BYTES + 1 });
    expect(await enclose(large)).toBe(null);
  });

  it('that was dropped goes by its ticket and never by its path', () => {
    const file = dropped(item({ picture: true }));
    expect(file).toMatchObject({ name: 'a.png', size: 9, source: { kind: 'dropped', ticket: 't-1' } });
    expect(JSON.stringify(file)).not.toContain('/home');
    expect((file as { preview: string }).preview).toMatch(/dropped\/t-1$/);
    expect(dropped(item({ picture: false }))).toMatchObject({ preview: null });
  });

  it.each(['folder', 'empty', 'too_large', 'unreadable'] as const)('that cannot be attached says why: %s', (refusal) => {
    expect(dropped(item({ name: 'Trip', ticket: null, refusal }))).toContain('Trip');
  });

  it('waits with its conversation', () => {
    const file = dropped(item({}));
    if (typeof file === 'string') throw new Error(file);
    keepDraftFiles('c', [file]);
    expect(readDraftFiles('c')).toEqual([file]);
    expect(readDraftFiles('other')).toEqual([]);
    keepDraftFiles('c', []);
    expect(readDraftFiles('c')).toEqual([]);
  });

  it('is there after a restart, and what is added meanwhile too', async () => {
    const restarted = async () => {
      vi.resetModules();
      return import('./draft-files');
    };
    const picture = await enclose(new File(['x'], 'a.png', { type: 'image/png' }));
    const notes = dropped(item({ name: 'notes.md', ticket: 't-2' })) as DraftFile;
    keepDraftFiles('r', [picture!, notes]);
    keepDraftFiles('new', [notes]);

    const second = await restarted();
    expect(second.readDraftFiles('r')).toEqual([]);
    const bringing = second.bringDraftFiles('r');
    const added = (await second.enclose(new File(['y'], 'b.txt')))!;
    second.keepDraftFiles('r', [added]);
    const files = (await bringing)!;
    expect(files.map(({ name, size, source, preview }) => [name, size, source.kind, preview])).toEqual([
      ['a.png', 1, 'bytes', 'blob:x'],
      ['notes.md', 9, 'dropped', null],
      ['b.txt', 1, 'bytes', null],
    ]);
    expect(files[0]?.source).toEqual(picture?.source);
    expect(new Set(files.map(({ key }) => key)).size).toBe(3);
    expect(second.readDraftFiles('r')).toEqual(files);
    expect(await second.bringDraftFiles('r')).toEqual(files);
    expect((await second.bringDraftFiles('new')).map(({ name }) => name)).toEqual(['notes.md']);
    second.keepDraftFiles('r', []);

    const third = await restarted();
    expect(await third.bringDraftFiles('r')).toEqual([]);
  });

  it('is there for whoever comes back before it was read', async () => {
    keepDraftFiles('back', [dropped(item({})) as DraftFile]);
    vi.resetModules();
    const again = await import('./draft-files');
    const [first, second] = await Promise.all([again.bringDraftFiles('back'), again.bringDraftFiles('back')]);
    expect([first.length, second.length]).toEqual([1, 1]);
  });

  it('goes with its profile', async () => {
    keepDraftFiles('p/mine', [dropped(item({})) as DraftFile]);
    const kept = () => keys<string>(createStore('airi.drafts', 'files'));
    await vi.waitFor(async () => expect(await kept()).toContain('p/mine'));
    await forgetAllDraftFiles('other');
    expect(await kept()).toContain('p/mine');
    await forgetAllDraftFiles('p');
    expect([(await kept()).includes('p/mine'), readDraftFiles('p/mine')]).toEqual([false, []]);
  });

  it('goes when nobody looked at its draft for long', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    keepDraftFiles('old', [dropped(item({})) as DraftFile]);
    vi.setSystemTime(Date.now() + 91 * 86_400_000);
    vi.resetModules();
    const later = await import('./draft-files');
    await later.bringDraftFiles('other');
    await vi.waitFor(async () => expect(await keys(createStore('airi.drafts', 'files'))).not.toContain('old'));
    vi.useRealTimers();
  });
});
