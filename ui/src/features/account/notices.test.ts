import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { Limits, ServerNews, Status } from '../../ipc/generated';
import { nav } from '../../state/navigation.svelte';
import { news } from '../../state/news.svelte';
import Notices from './Notices.svelte';

const limit = { used: 1, limit: 10, left: 9, resets_at: null };
const limits = (part: Partial<Limits> = {}): Limits => ({ plan: 'free', day: limit, hour: limit, suspended: false, suspended_until: null, ...part });
const status = (part: Partial<Status> = {}) => ({ sync: 'in_step', account: { signed_in: true }, ...part }) as Status;

async function told(part: Partial<ServerNews>) {
  vi.spyOn(ipc, 'serverNews').mockResolvedValue({ read_at: null, notice: null, providers: [], limits: null, ...part });
  await news.read();
}

beforeEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
  news.seen = null;
  nav.close();
});

test('the operator’s words are shown until they are put aside; other words are shown again', async () => {
  await told({ notice: 'Tonight at ten.' });
  render(Notices, { status: status() });
  expect(screen.getByTestId('server-notice').textContent).toContain('Tonight at ten.');
  await fireEvent.click(screen.getByTestId('dismiss-notice'));
  expect(screen.queryByTestId('server-notice')).toBeNull();
  await told({ notice: 'Tomorrow at nine.' });
  expect((await screen.findByTestId('server-notice')).textContent).toContain('Tomorrow at nine.');
});

test('a suspension says until when and that reading and exporting go on', async () => {
  await told({ limits: limits({ suspended: true, suspended_until: '2031-05-06T07:08:00.000000Z' }) });
  render(Notices, { status: status({ sync: 'suspended' }) });
  const banner = screen.getByTestId('suspended-banner');
  expect(banner.textContent).toContain('2031');
  expect(banner.textContent).toContain('exporting go on');
  await fireEvent.click(screen.getByText('Export…'));
  expect(nav.overlay).toEqual({ kind: 'export', id: null, title: null });
});

test('offline, what was read last still stands; and nothing is told to who is signed out', async () => {
  await told({ limits: limits({ suspended: true }) });
  vi.spyOn(ipc, 'serverNews').mockRejectedValue(new Error('no'));
  await news.read();
  const shown = render(Notices, { status: status({ sync: 'offline' }) });
  expect(screen.getByTestId('suspended-banner').textContent).toContain('Until its operator lifts it');
  await shown.rerender({ status: status({ sync: 'signed_out', account: { signed_in: false } as Status['account'] }) });
  expect(screen.queryByTestId('suspended-banner')).toBeNull();
});

test('a provider is found by its id or its name', async () => {
  await told({ providers: [{ id: 'openai', name: 'OpenAI', status: 'degraded', last_check_at: null }] });
  expect([news.healthOf('OPENAI')?.status, news.healthOf('ollama')]).toEqual(['degraded', null]);
});
