import { expect, it } from 'vitest';
import { en } from '../../messages/en';
import { Pace, leftText } from './pace';

it('tells the time left from the speed of the last minute', () => {
  const pace = new Pace();
  pace.feed({ done: 0, total: 100_000 }, 0);
  expect(pace.left()).toBeNull();
  pace.feed({ done: 10_000, total: 100_000 }, 10_000);
  expect(pace.left()).toBeCloseTo(90);
  // Much slower for two minutes: the quick start is forgotten.
  for (let second = 20; second <= 130; second += 10) pace.feed({ done: 10_000 + second * 10, total: 100_000 }, second * 1000);
  expect(pace.left()).toBeCloseTo((100_000 - 11_300) / 10);
});

it('does not take a pause for slowness, nor another sync for the same', () => {
  const pace = new Pace();
  pace.feed({ done: 0, total: 1000 }, 0);
  pace.feed({ done: 500, total: 1000 }, 5_000);
  pace.rest();
  pace.feed({ done: 500, total: 1000 }, 65_000);
  pace.feed({ done: 700, total: 1000 }, 67_000);
  expect(pace.left()).toBeCloseTo(3);
  pace.feed({ done: 10, total: 9000 }, 70_000);
  expect(pace.left()).toBeNull();
  pace.feed(null, 71_000);
  expect(pace.left()).toBeNull();
});

it('says it roughly', () => {
  const text = en.account.first;
  expect(leftText(null, text)).toBeNull();
  expect(leftText(12, text)).toBe('less than a minute left');
  expect(leftText(70, text)).toBe('about 1 minute left');
  expect(leftText(290, text)).toBe('about 5 minutes left');
  expect(leftText(9_000, text)).toBe('about 3 hours left');
});
