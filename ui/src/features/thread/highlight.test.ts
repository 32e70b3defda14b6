import { expect, test } from 'vitest';
import { placesIn } from './highlight';

test('places are those of the text as it stands, whatever folding does to its length', () => {
  expect(placesIn('Café ﬁne CAFE', ['cafe', 'fine'])).toEqual([[0, 4], [5, 8], [9, 13]]);
  expect(placesIn('🙂 猫と猫', ['猫'])).toEqual([[3, 4], [5, 6]]);
  expect(placesIn('ＰＡＲＳＥＲ', ['parser'])).toEqual([[0, 6]]);
});

test('nothing is found where nothing is', () => {
  expect(placesIn('abc', ['', 'd'])).toEqual([]);
  expect(placesIn('が', ['か'])).toEqual([[0, 1]]);
  expect(placesIn('', ['a'])).toEqual([]);
});
