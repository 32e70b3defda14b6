import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ProviderRow } from '../../ipc/generated';
import { nav } from '../../state/navigation.svelte';
import StartChatting from './StartChatting.svelte';

const ollama: ProviderRow = { id: 'ollama', name: 'Ollama', protocol: 'openai', base_url: 'http://127.0.0.1:11434/v1', key: 'none', is_local: true, models: ['llama3'], proxy: 'system' };

beforeEach(() => {
  vi.restoreAllMocks();
  // jsdom knows no modal dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  vi.spyOn(ipc, 'chatDefaults').mockResolvedValue({ provider_id: null, model_id: null });
});

test('a local server is looked for at once, taken with one click, and then one can begin', async () => {
  const providers = vi.spyOn(ipc, 'listProviders').mockResolvedValue([]);
  vi.spyOn(ipc, 'findServers').mockResolvedValue([{ preset: 'ollama', name: 'Ollama', base_url: ollama.base_url, models: ['llama3'] }]);
  const saved = vi.spyOn(ipc, 'saveProvider').mockResolvedValue(ollama);
  vi.spyOn(ipc, 'testProvider').mockResolvedValue({ ok: true, message: 'ok', models: ['llama3'], took_ms: 1 });
  nav.show({ kind: 'start-chat' });
  render(StartChatting);
  await waitFor(() => screen.getByTestId('found-server'));
  const go = screen.getByTestId<HTMLButtonElement>('start-chat-go');
  expect(go.disabled).toBe(true);
  providers.mockResolvedValue([ollama]);
  await fireEvent.click(screen.getByText('Use it'));
  await waitFor(() => expect(go.disabled).toBe(false));
  expect(saved).toHaveBeenCalledWith({ preset: 'ollama', allow_private: false });
  await fireEvent.click(go);
  expect(nav.overlay).toBeNull();
  expect(nav.conversation).toBeNull();
});
