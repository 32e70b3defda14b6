import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import { CommandFailure } from '../../ipc/errors';
import type { ProfileRow, Status } from '../../ipc/generated';
import { nav } from '../../state/navigation.svelte';

// jsdom knows no colour schemes.
const { default: Leaving } = await import('./Leaving.svelte');

const account = { url: 'https://airi.example.org', email: 'mira@example.org', user_id: 'u', signed_in: true, session_in: 'keyring' };
const profile: ProfileRow = { name: 'account-1', in_use: true, account, conversations: 3, unsent: 0, problem: null };
const go = () => screen.getByTestId<HTMLButtonElement>('leaving-go');
const type = (text: string) => fireEvent.input(screen.getByTestId('leaving-word'), { target: { value: text } });

beforeEach(() => {
  vi.restoreAllMocks();
  // jsdom knows no modal dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

test('an account that is on the server goes without a word; one with more here is asked for its address', async () => {
  const done = vi.fn();
  const removed = vi.spyOn(ipc, 'removeProfile').mockRejectedValueOnce(new CommandFailure({ code: 'confirm_needed', message: '2 are here only', retryable: false }));
  removed.mockResolvedValue({ profile: 'local' } as Status);
  render(Leaving, { what: 'remove', profile, ondone: done, onclose: () => undefined });
  expect(screen.queryByTestId('leaving-word')).toBeNull();
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(screen.getByTestId('leaving-failure').textContent).toContain('2 are here only'));
  expect(done).not.toHaveBeenCalled();
  expect(go().disabled).toBe(true);
  await type('Mira@example.org');
  expect(go().disabled).toBe(false);
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(done).toHaveBeenCalledWith('mira@example.org was removed from this computer.'));
  expect(removed.mock.calls.map(([request]) => request)).toEqual([
    { name: 'account-1', confirm: null },
    { name: 'account-1', confirm: 'Mira@example.org' },
  ]);
});

test('what is without an account goes only by its name', async () => {
  const removed = vi.spyOn(ipc, 'removeProfile').mockResolvedValue({ profile: 'local' } as Status);
  render(Leaving, { what: 'remove', profile: { ...profile, name: 'local', account: null }, ondone: () => undefined, onclose: () => undefined });
  expect(go().disabled).toBe(true);
  await type('loca');
  expect(go().disabled).toBe(true);
  await fireEvent.submit(document.querySelector('form')!);
  expect(removed).not.toHaveBeenCalled();
  await type('local');
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(removed).toHaveBeenCalledWith({ name: 'local', confirm: 'local' }));
});

test('deleting an account offers an export first, and says what keeps it from being done', async () => {
  const erased = vi.spyOn(ipc, 'deleteAccount').mockRejectedValueOnce(new CommandFailure({ code: 'offline', message: 'cannot be reached', retryable: true }));
  erased.mockResolvedValue({ status: { profile: 'account-1' } as Status, files_left: 2 });
  const done = vi.fn();
  render(Leaving, { what: 'delete', profile, ondone: done, onclose: () => undefined });
  await fireEvent.click(screen.getByTestId('export-first'));
  expect(nav.overlay).toEqual({ kind: 'export', id: null, title: null });
  expect(go().disabled).toBe(true);
  await type('mira@example.org');
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(screen.getByTestId('leaving-failure').textContent).toContain('cannot be reached'));
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(done).toHaveBeenCalledTimes(1));
  expect(done.mock.calls[0]?.[0]).toContain('2 files could not be removed');
});
