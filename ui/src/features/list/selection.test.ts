import { expect, test } from 'vitest';
import { Selection, rangeOf } from './selection.svelte';

const order = ['a', 'b', 'c', 'd', 'e'];

test('a range runs either way, and from nowhere is one row', () => {
  expect(rangeOf(order, 'b', 'd')).toEqual(['b', 'c', 'd']);
  expect(rangeOf(order, 'd', 'b')).toEqual(['b', 'c', 'd']);
  expect(rangeOf(order, null, 'c')).toEqual(['c']);
  expect(rangeOf(order, 'gone', 'c')).toEqual(['c']);
});

test('a range shrinks again, and leaves alone what was chosen apart from it', () => {
  const chosen = new Selection();
  chosen.toggle('a');
  chosen.toggle('c');
  chosen.extend(order, 'e', null);
  expect([...chosen.ids].sort()).toEqual(['a', 'c', 'd', 'e']);
  chosen.extend(order, 'd', null);
  expect([...chosen.ids].sort()).toEqual(['a', 'c', 'd']);
  chosen.toggle('a');
  chosen.extend(order, 'b', null);
  expect([...chosen.ids].sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('the first range begins at the row in use, and clearing forgets where it began', () => {
  const chosen = new Selection();
  chosen.extend(order, 'c', 'b');
  expect([...chosen.ids]).toEqual(['b', 'c']);
  chosen.clear();
  chosen.extend(order, 'e', 'd');
  expect([...chosen.ids]).toEqual(['d', 'e']);
});
