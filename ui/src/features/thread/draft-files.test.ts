import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { DroppedItem } from '../../ipc/generated';
import { MOST_BYTES, dropped, enclose, keepDraftFiles, letGo, readDraftFiles } from './draft-files';

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
    expect(readDraftFiles(null)).toEqual([]);
    keepDraftFiles('c', []);
    expect(readDraftFiles('c')).toEqual([]);
  });
});
