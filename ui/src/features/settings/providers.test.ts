import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import { CommandFailure } from '../../ipc/errors';
import type { ProviderRow } from '../../ipc/generated';
import { ask } from '../../state/ask.svelte';
import ProviderForm from './ProviderForm.svelte';

const row: ProviderRow = { id: 'openai', name: 'OpenAI', protocol: 'openai', base_url: 'https://api.openai.com/v1', key: 'kept', is_local: false, models: [], proxy: 'system' };

beforeEach(() => {
  vi.restoreAllMocks();
  // jsdom knows no modal dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  vi.spyOn(ipc, 'listPresets').mockResolvedValue([{ id: 'openai', name: 'OpenAI', protocol: 'openai', base_url: row.base_url, needs_key: true }]);
  vi.spyOn(ipc, 'listProviders').mockResolvedValue([row]);
  vi.spyOn(ipc, 'chatDefaults').mockResolvedValue({ provider_id: null, model_id: null });
});

test('a wrong key is told in the form, and the next try mends what was saved', async () => {
  const saved = vi.spyOn(ipc, 'saveProvider').mockResolvedValue(row);
  const tested = vi.spyOn(ipc, 'testProvider').mockResolvedValueOnce({ ok: false, message: 'not accepted', models: [], took_ms: 1 });
  const closed = vi.fn();
  render(ProviderForm, { provider: null, onclose: closed });
  await waitFor(() => screen.getByText('OpenAI'));
  await fireEvent.input(screen.getByTestId('provider-key'), { target: { value: 'sk-wrong' } });
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(screen.getByTestId('provider-failure').textContent).toBe('not accepted'));
  expect(saved).toHaveBeenLastCalledWith({ preset: 'openai', key: 'sk-wrong', proxy: 'system', allow_private: false });
  tested.mockResolvedValue({ ok: true, message: 'It answers and has 2 models.', models: ['a', 'b'], took_ms: 1 });
  await fireEvent.input(screen.getByTestId('provider-key'), { target: { value: 'sk-right' } });
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(closed).toHaveBeenCalled());
  expect(saved).toHaveBeenLastCalledWith({ id: 'openai', key: 'sk-right', proxy: 'system', allow_private: false });
});

test('http to the local network is asked about first', async () => {
  const saved = vi.spyOn(ipc, 'saveProvider').mockRejectedValueOnce(new CommandFailure({ code: 'confirm_needed', message: 'others can read it', retryable: false }));
  saved.mockResolvedValue(row);
  vi.spyOn(ipc, 'testProvider').mockResolvedValue({ ok: true, message: 'ok', models: [], took_ms: 1 });
  const closed = vi.fn();
  render(ProviderForm, { provider: row, onclose: closed });
  await fireEvent.submit(document.querySelector('form')!);
  await waitFor(() => expect(ask.question?.text).toBe('others can read it'));
  ask.answer(true);
  await waitFor(() => expect(closed).toHaveBeenCalled());
  expect(saved.mock.calls.map(([edit]) => edit.allow_private)).toEqual([false, true]);
});
