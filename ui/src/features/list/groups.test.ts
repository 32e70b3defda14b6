import { describe, expect, it } from 'vitest';
import { groupKey, groupOf } from './groups';
import { linesOf } from './lines';
import type { Item } from './model.svelte';
import { belongs, newerFirst } from './model.svelte';

// Local times, so that the tests mean the same in every zone.
const now = new Date(2025, 2, 10, 9, 30);
const at = (...parts: [number, number, number, number?]) => new Date(parts[0], parts[1], parts[2], parts[3] ?? 12).toISOString();

describe('groupOf', () => {
  it.each([
    ['this morning', at(2025, 2, 10, 0), 'today'],
    ['a clock that runs ahead', at(2025, 2, 11, 8), 'today'],
    ['late last night', at(2025, 2, 9, 23), 'yesterday'],
    ['two days ago', at(2025, 2, 8), 'week'],
    ['seven days ago', at(2025, 2, 3), 'week'],
    ['eight days ago', at(2025, 2, 2), 'month'],
    ['thirty days ago', at(2025, 1, 8), 'month'],
    ['thirty-one days ago', at(2025, 1, 7), '2025-1'],
    ['a month of another year', at(2023, 11, 24), '2023-11'],
  ])('%s', (_, time, expected) => {
    expect(groupKey(groupOf(time, now))).toBe(expected);
  });

  it('reads microseconds', () => {
    expect(groupOf(at(2025, 2, 10, 1).replace('Z', '123Z'), now)).toEqual({ kind: 'today' });
  });
});

function item(id: string, time: string, part: Partial<Item> = {}): Item {
  return { id, title: id, last_message_at: time, is_starred: false, is_archived: false, deleted_at: null, waiting: false, tags: [], only_here: false, on_server: false, ...part };
}

describe('linesOf', () => {
  const star = item('s', at(2025, 2, 10), { is_starred: true });
  const rows = [star, item('a', at(2025, 2, 10)), item('b', at(2025, 2, 9))];

  it('shows a starred conversation once, above', () => {
    const lines = linesOf([star], rows, { now, unfolded: false, grouped: true });
    expect(lines.map((line) => line.key)).toEqual(['h-starred', 's-s', 'h-today', 'a', 'h-yesterday', 'b']);
  });

  it('folds many starred ones', () => {
    const stars = Array.from({ length: 9 }, (_, index) => item(`s${index}`, at(2025, 2, 10), { is_starred: true }));
    const folded = linesOf(stars, [], { now, unfolded: false, grouped: true });
    expect(folded.at(-1)).toEqual({ kind: 'more', key: 'more', hidden: 3 });
    expect(linesOf(stars, [], { now, unfolded: true, grouped: true })).toHaveLength(11);
  });
});

describe('order and place', () => {
  it('sorts by last message, then id', () => {
    const sorted = [item('a', at(2025, 1, 1)), item('b', at(2025, 1, 1)), item('c', at(2025, 1, 2))].sort(newerFirst);
    expect(sorted.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('puts each conversation in one list', () => {
    const gone = item('x', at(2025, 1, 1), { is_archived: true, deleted_at: at(2025, 1, 2) });
    expect([belongs(gone, 'active', null), belongs(gone, 'archived', null), belongs(gone, 'trash', null)]).toEqual([false, false, true]);
  });
});

it('shows what has a tag wherever it is, but not in the trash', () => {
  const archived = item('x', at(2025, 1, 1), { is_archived: true, tags: ['rust'] });
  expect([belongs(archived, 'active', 'rust'), belongs(archived, 'active', 'work')]).toEqual([true, false]);
  expect(belongs({ ...archived, deleted_at: at(2025, 1, 2) }, 'active', 'rust')).toBe(false);
});
