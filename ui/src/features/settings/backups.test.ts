import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { BackupRow, RestoreReport } from '../../ipc/generated';
import { ask } from '../../state/ask.svelte';
import { toasts } from '../../state/toasts.svelte';
import Backups from './Backups.svelte';

const row: BackupRow = {
  path: '/b', made_at: '2026-01-02T03:04:05.000000Z', profile: 'local', account: null,
  conversations: 3, messages: 12, files: 1, files_missing: 0, bytes: 1000,
};
const report = (profile: string | null, unsent_before: number): RestoreReport => ({
  backup: row, profile, before: 'local', unsent_before, message: `${unsent_before} were never sent`,
});

beforeEach(() => {
  vi.restoreAllMocks();
  toasts.list = [];
  vi.spyOn(ipc, 'listBackups').mockResolvedValue([]);
});

test('a backup made now is told, and is the last one from then on', async () => {
  vi.spyOn(ipc, 'backUp').mockResolvedValue(row);
  render(Backups);
  await screen.findByText(/None yet/);
  await fireEvent.click(screen.getByTestId('back-up'));
  await screen.findByText(/The last one/);
  expect(toasts.list[0]?.text).toContain('12 messages');
});

test('a backup is looked at, asked about, and only then restored', async () => {
  vi.spyOn(ipc, 'pickPath').mockResolvedValue('/b');
  vi.spyOn(ipc, 'checkBackup').mockResolvedValue(report(null, 0));
  const restored = vi.spyOn(ipc, 'restoreBackup').mockResolvedValue(report('restored', 2));
  render(Backups);

  await fireEvent.click(screen.getByTestId('restore'));
  await waitFor(() => expect(ask.question?.text).toContain('3 conversations'));
  ask.answer(false);
  await waitFor(() => expect(screen.getByTestId('restore')).toHaveProperty('disabled', false));
  expect(restored).not.toHaveBeenCalled();

  await fireEvent.click(screen.getByTestId('restore'));
  await waitFor(() => expect(ask.question).not.toBeNull());
  ask.answer(true);
  await waitFor(() => expect(restored).toHaveBeenCalledWith({ path: '/b' }));
  await waitFor(() => expect(toasts.list[0]?.text).toBe('2 were never sent'));
});

test('a backup that cannot be read is told, and nothing is restored', async () => {
  vi.spyOn(ipc, 'pickPath').mockResolvedValue('/b');
  vi.spyOn(ipc, 'checkBackup').mockRejectedValue({ code: 'invalid_input', message: 'It is damaged.', retryable: false });
  const restored = vi.spyOn(ipc, 'restoreBackup');
  render(Backups);
  await fireEvent.click(screen.getByTestId('restore'));
  await waitFor(() => expect(toasts.list[0]?.detail).toBe('It is damaged.'));
  expect(restored).not.toHaveBeenCalled();
});
