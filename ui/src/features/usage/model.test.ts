import { expect, it } from 'vitest';
import type { UsageRow } from '../../ipc/generated';
import { shareOf, sinceOf } from './model.svelte';

const row = (messages: number, total_tokens: number): UsageRow => ({
  key: 'k',
  messages,
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens,
});

it('draws bars by tokens, and by messages where no tokens are known', () => {
  expect(shareOf(row(9, 50), [row(9, 50), row(1, 100)])).toBe(0.5);
  expect(shareOf(row(2, 0), [row(2, 0), row(8, 0)])).toBe(0.25);
  expect(shareOf(row(0, 0), [row(0, 0)])).toBe(0);
});

it('counts a period back from now', () => {
  expect(sinceOf('30', new Date('2025-03-31T10:00:00Z'))).toBe('2025-03-01');
  expect(sinceOf('all', new Date())).toBeNull();
});
