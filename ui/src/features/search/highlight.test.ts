import { expect, it, vi } from 'vitest';
import { split } from './highlight';
import { Latest } from './latest';

it('marks what the ranges name', () => {
  expect(split('one two three', [[4, 7]])).toEqual([
    { text: 'one ', marked: false },
    { text: 'two', marked: true },
    { text: ' three', marked: false },
  ]);
});

it('counts characters, not UTF-16 units', () => {
  expect(split('🙂🙂 猫 sat', [[3, 4]])).toEqual([
    { text: '🙂🙂 ', marked: false },
    { text: '猫', marked: true },
    { text: ' sat', marked: false },
  ]);
});

it('bears ranges that touch, overlap, or lie outside', () => {
  expect(split('abcdef', [[2, 4], [0, 2], [3, 5], [9, 12]]).map((part) => part.text).join('')).toBe('abcdef');
  expect(split('', [[0, 3]])).toEqual([]);
});

it('drops answers that were overtaken', async () => {
  const latest = new Latest();
  const take = vi.fn();
  let answerFirst: (value: string) => void = () => undefined;
  const first = latest.ask(() => new Promise<string>((resolve) => (answerFirst = resolve)), take, take);
  await latest.ask(() => Promise.resolve('second'), take, take);
  answerFirst('first');
  await first;
  expect(take.mock.calls).toEqual([['second']]);
});
