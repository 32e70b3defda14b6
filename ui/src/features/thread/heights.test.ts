import { describe, expect, it } from 'vitest';
import { Heights } from './heights';

/** The plain way, to compare with. */
function model(estimate: number, known: Map<number, number>) {
  const of = (index: number) => known.get(index) ?? estimate;
  const top = (index: number) => Array.from({ length: index }, (_, at) => of(at)).reduce((sum, height) => sum + height, 0);
  return { top, of };
}

describe('Heights', () => {
  it('agrees with adding up, whatever was measured', () => {
    const heights = new Heights(300, 100);
    const known = new Map<number, number>();
    let seed = 7;
    for (let round = 0; round < 200; round += 1) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const index = seed % 300;
      const height = 20 + (seed % 700);
      heights.set(index, height);
      known.set(index, height);
    }
    const plain = model(100, known);
    for (const index of [0, 1, 63, 64, 65, 128, 200, 299, 300]) expect(heights.top(index)).toBeCloseTo(plain.top(index));
    for (const index of [0, 5, 63, 64, 150, 299]) {
      expect(heights.at(plain.top(index))).toBe(index);
      expect(heights.at(plain.top(index) + plain.of(index) - 0.5)).toBe(index);
    }
  });

  it('takes a new measure of the same message in place of the old', () => {
    const heights = new Heights(10, 100);
    heights.set(3, 500);
    heights.set(3, 50);
    expect(heights.height).toBe(950);
  });

  it('stays inside the thread', () => {
    const heights = new Heights(10, 100);
    heights.set(-1, 5);
    heights.set(10, 5);
    expect(heights.height).toBe(1000);
    expect(heights.at(-50)).toBe(0);
    expect(heights.at(99_999)).toBe(9);
    expect(new Heights(0, 100).at(5)).toBe(0);
  });

  it('never grows beyond what a browser can place', () => {
    expect(new Heights(1_000_000, 190).height).toBeLessThan(16_000_000);
  });
});
