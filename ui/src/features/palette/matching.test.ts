import { expect, test } from 'vitest';
import { matching } from './matching';

test('every word must be there, case and accents aside; what begins so comes first, else the order stays', () => {
  const names = ['Open the archive', 'Archive', 'Café au lait', 'Settings'];
  const found = (typed: string) => matching(names, (name) => name, typed);
  expect(found('arch')).toEqual(['Archive', 'Open the archive']);
  expect(found('the OPEN')).toEqual(['Open the archive']);
  expect(found('cafe')).toEqual(['Café au lait']);
  expect(found('')).toEqual(names);
  expect(found('zz')).toEqual([]);
});
