import { describe, expect, it } from 'vitest';
import { HELD, join, missing } from './window';

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, index) => first + index);

describe('missing', () => {
  it('wants nothing while the screen is well inside', () => {
    expect(missing({ first: 100, end: 180 }, { first: 130, end: 150 }, 1000)).toBeNull();
  });

  it('wants nothing beyond the ends of the thread', () => {
    expect(missing({ first: 0, end: 30 }, { first: 0, end: 30 }, 30)).toBeNull();
    expect(missing({ first: 0, end: 0 }, { first: 0, end: 0 }, 0)).toBeNull();
  });

  it('wants the neighbouring page near an end', () => {
    expect(missing({ first: 100, end: 180 }, { first: 105, end: 120 }, 1000)).toEqual({ side: 'before' });
    expect(missing({ first: 100, end: 180 }, { first: 160, end: 175 }, 1000)).toEqual({ side: 'after' });
  });

  it('jumps when the screen is far from what is held', () => {
    expect(missing({ first: 0, end: 40 }, { first: 50_000, end: 50_010 }, 100_000)).toEqual({ at: 49_985 });
    expect(missing({ first: 500, end: 540 }, { first: 0, end: 8 }, 1000)).toEqual({ at: 0 });
  });
});

describe('join', () => {
  it('puts pages before and after', () => {
    const held = { first: 40, items: range(40, 80) };
    expect(join(held, { first: 0, items: range(0, 40) }, 50)).toEqual({ first: 0, items: range(0, 80) });
    expect(join(held, { first: 80, items: range(80, 120) }, 70)).toEqual({ first: 40, items: range(40, 120) });
  });

  it('does not double what overlaps', () => {
    const held = { first: 40, items: range(40, 80) };
    expect(join(held, { first: 60, items: range(60, 100) }, 70)).toEqual({ first: 40, items: range(40, 100) });
  });

  it('starts anew where pages do not touch', () => {
    expect(join({ first: 0, items: range(0, 40) }, { first: 500, items: range(500, 540) }, 510).first).toBe(500);
  });

  it('never holds more than its limit, and keeps what is on the screen', () => {
    let held = { first: 0, items: range(0, 40) };
    for (let first = 40; first < 4000; first += 40) held = join(held, { first, items: range(first, first + 40) }, first);
    expect(held.items.length).toBe(HELD);
    expect(held.first).toBeLessThanOrEqual(3960);
    expect(held.first + held.items.length).toBe(4000);
    expect(held.items[0]).toBe(held.first);
  });
});
