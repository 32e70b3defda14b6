import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { AppInfo, Status } from '../../ipc/generated';
import { nav } from '../../state/navigation.svelte';
import { toasts } from '../../state/toasts.svelte';

// jsdom knows no colour schemes.
const { session } = await import('../../state/session.svelte');
const { default: SampleStrip } = await import('./SampleStrip.svelte');
const { default: Welcome } = await import('./Welcome.svelte');

const info = (part: Partial<AppInfo> = {}) => ({ version: '0', platform: 'linux', demo: false, server: null, ...part }) as AppInfo;
const ways = () => [...document.querySelectorAll('[data-testid^=welcome-]')].map((one) => one.getAttribute('data-testid'));

beforeEach(() => {
  vi.restoreAllMocks();
  nav.close();
  session.info = info();
  session.status = { account: null } as Status;
});

test('an empty library offers four ways, each named for screen readers, and reads its heading first', () => {
  render(Welcome);
  expect(ways()).toEqual(['welcome-chat', 'welcome-import', 'welcome-sign-in', 'welcome-sample']);
  expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Welcome to AIRI' }));
  for (const button of screen.getAllByRole('button')) {
    expect(button.querySelector('.name')?.textContent).toBeTruthy();
    expect(document.getElementById(button.getAttribute('aria-describedby')!)?.textContent).toBeTruthy();
  }
});

test('each way leads where it says', async () => {
  const opened = vi.spyOn(ipc, 'openSample').mockResolvedValue(null);
  render(Welcome);
  await fireEvent.click(screen.getByTestId('welcome-chat'));
  expect(nav.overlay).toEqual({ kind: 'start-chat' });
  await fireEvent.click(screen.getByTestId('welcome-import'));
  expect(nav.overlay).toEqual({ kind: 'import' });
  await fireEvent.click(screen.getByTestId('welcome-sign-in'));
  expect(nav.overlay).toEqual({ kind: 'sign-in', add: false });
  await fireEvent.click(screen.getByTestId('welcome-sample'));
  expect(opened).toHaveBeenCalledTimes(1);
});

test('a sample that cannot be opened is told', async () => {
  vi.spyOn(ipc, 'openSample').mockRejectedValue({ code: 'io', message: 'no such file', retryable: true });
  render(Welcome);
  await fireEvent.click(screen.getByTestId('welcome-sample'));
  await waitFor(() => expect(toasts.list.at(-1)?.detail).toBe('no such file'));
});

test('who is signed in is not asked to, and a sample offers no other sample', () => {
  session.status = { account: { email: 'mira@example.org' } } as Status;
  session.info = info({ demo: true });
  render(Welcome);
  expect(ways()).toEqual(['welcome-chat', 'welcome-import']);
});

test('a sample says that it is one, and is left by its button', async () => {
  const left = vi.spyOn(ipc, 'leaveSample').mockResolvedValue(null);
  render(SampleStrip);
  expect(screen.getByTestId('sample-strip').textContent).toContain('Nothing you do here is kept');
  await fireEvent.click(screen.getByTestId('leave-sample'));
  expect(left).toHaveBeenCalledTimes(1);
});
