import { expect, it } from 'vitest';
import type { GalleryFile } from '../../../ipc/generated';
import { FILE_PX, GAP_PX, WORDS_PX, columnsOf, heightOf, linesOf, placeAfter, sideOf } from './lines';

/** `p` a picture, `f` another file. */
function files(kinds: string): GalleryFile[] {
  return [...kinds].map((kind, at) => ({ id: `${at}`, mime_type: kind === 'p' ? 'image/png' : 'text/csv' }) as GalleryFile);
}

const shape = (kinds: string, columns = 2) => linesOf(files(kinds), columns).map((line) => `${line.pictures ? 'p' : 'f'}${line.first}+${line.files.length}`);

it('puts pictures side by side and every other file on a line, in their order', () => {
  expect(shape('pppfpffpp')).toEqual(['p0+2', 'p2+1', 'f3+1', 'p4+1', 'f5+1', 'f6+1', 'p7+2']);
  expect(shape('')).toEqual([]);
  const svg = { id: 'x', mime_type: 'image/svg+xml' } as GalleryFile;
  expect(linesOf([svg], 2)[0]?.pictures, 'what is never shown is no picture').toBe(false);
});

it('fills the width with squares that are not too small', () => {
  expect([columnsOf(100), columnsOf(316), columnsOf(800)]).toEqual([1, 2, 5]);
  expect(sideOf(316) * 2 + GAP_PX).toBeLessThanOrEqual(316);
  const [pictures, file] = linesOf(files('pf'), 2);
  expect(heightOf(pictures!, 150)).toBe(150 + WORDS_PX + GAP_PX);
  expect(heightOf(file!, 150)).toBe(FILE_PX + GAP_PX);
});

it('goes by arrows as the eye does', () => {
  const lines = linesOf(files('pppfpp'), 2);
  const go = (at: number, ...keys: string[]) => keys.reduce((place, key) => placeAfter(lines, place, key), at);
  expect(go(1, 'ArrowDown'), 'a shorter line has its last').toBe(2);
  expect(go(0, 'ArrowDown', 'ArrowDown', 'ArrowDown')).toBe(4);
  expect(go(5, 'ArrowUp')).toBe(3);
  expect(go(2, 'ArrowRight', 'ArrowLeft', 'ArrowLeft')).toBe(1);
  expect(go(0, 'ArrowLeft')).toBe(0);
  expect(go(5, 'ArrowRight')).toBe(5);
  expect(go(4, 'ArrowDown'), 'nothing lies below').toBe(4);
  expect([go(3, 'Home'), go(3, 'End')]).toEqual([0, 5]);
});
