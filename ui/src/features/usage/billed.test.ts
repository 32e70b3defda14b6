import { render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { BilledUsage } from '../../ipc/generated';
import Billed from './Billed.svelte';

const billed: BilledUsage = {
  estimated_usd: 4.31,
  tokens: 412_000,
  calls: 137,
  plan: 'plus',
  subscription_status: 'past_due',
  subscription_ends_at: null,
  day: { used: 37, limit: 500, left: 463, resets_at: null },
  read_at: null,
  payments: [{ at: '2026-01-05T00:00:00.000000Z', amount: 20, currency: 'EUR', status: 'succeeded', description: 'Plus' }],
};
const request = { by: 'conversation' as const, since: '2026-01-01', until: null };

beforeEach(() => vi.restoreAllMocks());

test('what the server billed stands beside one’s own costs, with what the plan leaves of today', async () => {
  const asked = vi.spyOn(ipc, 'billedUsage').mockResolvedValue(billed);
  render(Billed, { request });
  const section = await screen.findByTestId('billed');
  expect(asked).toHaveBeenCalledWith({ by: 'day', since: '2026-01-01', until: null });
  expect(screen.getByTestId('billed-day').textContent).toMatch(/37 of 500 messages.*463 left/s);
  expect(screen.getByTestId('billed-cost').textContent).toContain('$4.31');
  expect(section.textContent).toContain('past_due');
  expect(section.textContent).toContain('€20.00');
  expect(section.textContent).toContain('never added up');
});

test('a plan without a limit has none left to tell, and an unknown one is not free', async () => {
  vi.spyOn(ipc, 'billedUsage').mockResolvedValue({ ...billed, plan: null, estimated_usd: null, calls: 0, payments: [], day: { used: 3, limit: null, left: null, resets_at: null } });
  render(Billed, { request });
  expect((await screen.findByTestId('billed-day')).textContent?.trim()).toBe('3 messages, no limit');
  expect(screen.getByTestId('billed').textContent).toContain('Not known');
  expect(screen.getByTestId('billed-cost').textContent?.trim()).toBe('Nothing');
});

test('without an account nothing stands there, and an older answer does not take the place of a newer one', async () => {
  vi.spyOn(ipc, 'billedUsage').mockResolvedValueOnce(null);
  const shown = render(Billed, { request });
  await waitFor(() => expect(ipc.billedUsage).toHaveBeenCalledTimes(1));
  expect(screen.queryByTestId('billed')).toBeNull();
  let late: (answer: BilledUsage) => void = () => undefined;
  vi.spyOn(ipc, 'billedUsage').mockImplementationOnce(() => new Promise((resolve) => (late = resolve))).mockResolvedValueOnce(billed);
  await shown.rerender({ request: { ...request, since: '2026-02-01' } });
  await shown.rerender({ request: { ...request, since: '2026-03-01' } });
  await waitFor(() => expect(screen.getByTestId('billed-cost').textContent).toContain('$4.31'));
  late({ ...billed, estimated_usd: 9 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(screen.getByTestId('billed-cost').textContent).toContain('$4.31');
});
