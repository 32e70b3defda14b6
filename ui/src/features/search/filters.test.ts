import { describe, expect, test } from 'vitest';
import { compose, cut, namesFor, unfinished, widerThan, written } from './filters';

describe('cutting filters out of a text', () => {
  test('one that is still typed stays text until a blank ends it', () => {
    expect(cut('role:user', true)).toEqual({ filters: [], text: 'role:user' });
    expect(cut('role:user ', true)).toEqual({ filters: [{ name: 'role', value: 'user', negated: false }], text: '' });
    expect(cut('borrow -is:archived checker', true)).toEqual({
      filters: [{ name: 'is', value: 'archived', negated: true }],
      text: 'borrow checker',
    });
  });

  test('a whole question is cut whole, quotes and all', () => {
    expect(cut('tag:"to read" in:“trip to Kyoto” trains', false)).toEqual({
      filters: [
        { name: 'tag', value: 'to read', negated: false },
        { name: 'in', value: 'trip to Kyoto', negated: false },
      ],
      text: 'trains',
    });
  });

  test('words with colons, addresses and quoted filters are words', () => {
    for (const text of ['std::vec x', 'https://example.com x', 'main:x y', '"is:starred" z', 'in::x y', 'role: x']) {
      expect(cut(text, false)).toEqual({ filters: [], text });
    }
  });
});

test('what is cut and put together asks the same', () => {
  const question = 'tag:"to read" -is:archived borrow checker';
  const { filters, text } = cut(question, false);
  expect(compose(filters, text)).toBe(question);
  expect(written({ name: 'in', value: 'say "hi" now', negated: false })).toBe('in:"say  hi  now"');
});

test('what is typed at the end may become a name or a value', () => {
  expect(unfinished('borrow ro')).toEqual({ kind: 'name', negated: false, typed: 'ro', start: 7 });
  expect(unfinished('-mod')).toEqual({ kind: 'name', negated: true, typed: 'mod', start: 0 });
  expect(unfinished('x tag:"to r')).toEqual({ kind: 'value', negated: false, name: 'tag', typed: 'to r', start: 2 });
  expect(unfinished('role:')).toEqual({ kind: 'value', negated: false, name: 'role', typed: '', start: 0 });
  for (const text of ['', 'borrow ', 'role:user x ', 'std::v']) expect(unfinished(text), text).toBeNull();
  expect(namesFor('I')).toEqual(['in', 'is']);
  expect(namesFor('zz')).toEqual([]);
});

test('nothing found has ways out', () => {
  const { filters, text } = cut('role:user one two -three', false);
  expect(widerThan(filters, text)).toEqual({ without: filters, words: ['one', 'two'] });
  expect(widerThan([], 'one').words).toEqual([]);
});
