import { expect, it } from 'vitest';
import type { UsageRow } from '../../ipc/generated';
import { costText, costsOf, requestFor, shareOf, sinceOf } from './model.svelte';

const row = (messages: number, total_tokens: number): UsageRow => ({
  key: 'k',
  title: null,
  messages,
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens,
  cost_usd: null,
  unpriced_tokens: 0,
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

it('takes days of choice, both counted in, or open on either side', () => {
  const now = new Date('2025-03-31T10:00:00Z');
  expect(requestFor('day', 'own', { from: '2024-02-01', to: '2024-02-29' }, now)).toEqual({ by: 'day', since: '2024-02-01', until: '2024-03-01' });
  expect(requestFor('model', 'own', { from: '', to: '' }, now)).toEqual({ by: 'model', since: null, until: null });
  expect(requestFor('model', '30', { from: '2024-02-01', to: '' }, now)).toEqual({ by: 'model', since: '2025-03-01', until: null });
});

it('never takes an unknown price for none', () => {
  const rows = [{ ...row(1, 10), cost_usd: 1.5 }, { ...row(1, 20), unpriced_tokens: 20 }, row(3, 0)];
  expect(costsOf(rows)).toEqual({ usd: 1.5, unpriced: 20 });
  const text = (usd: number | null, unpriced: number) => costText({ usd, unpriced }, 'en', 'Not known');
  expect([text(1.5, 20), text(1.5, 0), text(null, 20), text(null, 0), text(0, 0), text(0.0123, 0)]).toEqual([
    '≥ $1.50', '$1.50', 'Not known', '', '$0.00', '$0.0123',
  ]);
});
