import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })));

const report = (here_bytes: number) => ({
  keep_offline: 'all' as const, disk_bound_mb: 5120, here: 3, here_bytes, waiting: 2, remote: 4, remote_bytes: 9_000_000, library_bytes: 5_000_000,
});

async function shown(here_bytes: number) {
  const { ipc } = await import('../../ipc/commands');
  const files = vi.spyOn(ipc, 'files').mockResolvedValue(report(here_bytes));
  const set = vi.spyOn(ipc, 'setSettings').mockImplementation((next) => Promise.resolve(next));
  const { session } = await import('../../state/session.svelte');
  await session.change({ files: { keep_offline: 'all', disk_bound_mb: 5120 } });
  session.status = { account: { email: 'm@example.org' } } as never;
  set.mockClear();
  render((await import('./Files.svelte')).default);
  return { files, set };
}

test('tells what is used, and keeps what is chosen', async () => {
  const { set } = await shown(12_000_000);
  await screen.findByText(/3 files here, 12 MB/);
  expect(screen.getByTestId('files-used').textContent).toMatch(/2 still to be sent.*4 more only on the server, 9 MB/s);
  await fireEvent.click(screen.getByText('On demand'));
  await waitFor(() => expect(set).toHaveBeenCalled());
  expect(set.mock.calls[0]?.[0].files).toEqual({ keep_offline: 'on_demand', disk_bound_mb: 5120 });
  expect(screen.queryByTestId('files-above')).toBeNull();
});

test('a limit is taken in GiB; one that makes no sense is refused in words', async () => {
  const { set } = await shown(12_000_000_000);
  await screen.findByTestId('files-above');
  const bound = screen.getByTestId('files-bound');
  expect((bound as HTMLInputElement).value).toBe('5');
  await fireEvent.change(bound, { target: { value: '0.01' } });
  expect(screen.getByRole('alert').textContent).toContain('from 0.1 to 100,000');
  expect(set).not.toHaveBeenCalled();
  await fireEvent.change(bound, { target: { value: '2.5' } });
  await waitFor(() => expect(set.mock.calls[0]?.[0].files.disk_bound_mb).toBe(2560));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('when the files cannot be counted, it is said, and can be tried again', async () => {
  const { ipc } = await import('../../ipc/commands');
  vi.spyOn(ipc, 'files').mockRejectedValueOnce({ code: 'io', message: 'No permission.', retryable: false }).mockResolvedValue(report(1));
  render((await import('./Files.svelte')).default);
  expect((await screen.findByRole('alert')).textContent).toContain('No permission.');
  await fireEvent.click(screen.getByText('Retry'));
  await screen.findByTestId('files-used');
  expect(screen.queryByRole('alert')).toBeNull();
});
