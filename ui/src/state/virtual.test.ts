import { expect, it } from 'vitest';
import { place, visible } from './virtual';

const placed = place(
  Array.from({ length: 100_000 }, (_, index) => index),
  (index) => (index % 10 === 0 ? 38 : 35),
);

it('draws what touches the screen and nothing more', () => {
  const drawn = visible(placed, 1_000_000, 1_000_800);
  expect(drawn.length).toBeLessThan(26);
  expect(drawn[0]!.top).toBeLessThanOrEqual(1_000_000);
  expect(drawn[0]!.top + drawn[0]!.height).toBeGreaterThan(1_000_000);
  expect(drawn.at(-1)!.top).toBeLessThan(1_000_800);
});

it('has nothing to draw beyond the ends', () => {
  expect(visible(placed, -900, -100)).toEqual([]);
  expect(visible(placed, 1e9, 2e9)).toEqual([]);
  expect(visible([], 0, 500)).toEqual([]);
});
