import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type * as c from '../../ipc/generated';
import { transport } from '../../ipc/transport';
import { models } from '../../state/models.svelte';
import { replies } from '../../state/replies.svelte';
import Composer from './Composer.svelte';

const provider: c.ProviderRow = { id: 'p', name: 'P', protocol: 'openai', base_url: 'http://127.0.0.1:1/v1', key: 'none', is_local: true, models: ['m-1', 'm-2'], proxy: 'system' };
const calls: { command: string; request: unknown }[] = [];
let providers: c.ProviderRow[] = [];
let listeners = new Map<string, (payload: unknown) => void>();

beforeEach(() => {
  localStorage.clear();
  calls.length = 0;
  listeners = new Map();
  providers = [provider];
  models.setNotesOnly(false);
  Object.assign(transport, {
    invoke: (command: string, args: Record<string, unknown>) => {
      calls.push({ command, request: args['request'] });
      if (command === 'list_providers') return Promise.resolve(providers);
      if (command === 'chat_defaults') return Promise.resolve({ provider_id: 'p', model_id: 'm-1' });
      if (command === 'send_message') return Promise.resolve({ conversation: { id: 'c' }, message: { id: 'u' }, reply_id: 'r' });
      return Promise.resolve(null);
    },
    listen: (event: string, take: (payload: unknown) => void) => {
      listeners.set(event, take);
      return Promise.resolve(() => undefined);
    },
  });
});

afterEach(() => {
  replies.live.clear();
});

const asked = (command: string) => calls.filter((call) => call.command === command).map((call) => call.request);

async function composer(): Promise<HTMLTextAreaElement> {
  render(Composer, { conversation: 'c', onsaved: () => undefined, lastSaid: () => 'said before' });
  await waitFor(() => expect(asked('chat_defaults').length).toBeGreaterThan(0));
  return screen.getByTestId<HTMLTextAreaElement>('composer');
}

describe('the composer', () => {
  it('sends to the model with Enter, but never while an input method composes', async () => {
    const area = await composer();
    await fireEvent.input(area, { target: { value: '你好' } });
    await fireEvent.keyDown(area, { key: 'Enter', isComposing: true });
    await fireEvent.keyDown(area, { key: 'Enter', keyCode: 229 });
    await fireEvent.keyDown(area, { key: 'Enter', shiftKey: true });
    expect(asked('send_message')).toEqual([]);
    await fireEvent.keyDown(area, { key: 'Enter' });
    await waitFor(() => expect(area.value).toBe(''));
    expect(asked('send_message')).toEqual([{ conversation_id: 'c', content: '你好', files: [] }]);
  });

  it('brings back with Up what was said last, in an empty field alone', async () => {
    const area = await composer();
    await fireEvent.keyDown(area, { key: 'ArrowUp' });
    expect(area.value).toBe('said before');
    await fireEvent.input(area, { target: { value: 'mine' } });
    await fireEvent.keyDown(area, { key: 'ArrowUp' });
    expect(area.value).toBe('mine');
  });

  it('keeps what was written when sending fails', async () => {
    const area = await composer();
    const { invoke } = transport;
    transport.invoke = (command, args) =>
      command === 'send_message' ? Promise.reject({ code: 'provider', message: 'no', retryable: true }) : invoke(command, args);
    await fireEvent.input(area, { target: { value: 'do not lose me' } });
    await fireEvent.keyDown(area, { key: 'Enter' });
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>('composer-send').disabled).toBe(false));
    expect(area.value).toBe('do not lose me');
  });

  it('stops the reply that is being written with Escape, and sends nothing meanwhile', async () => {
    const stop = replies.listen();
    const area = await composer();
    listeners.get('reply')?.({ conversation_id: 'c', message_id: 'r', step: 1, settled: [], open: '', thinking: '', state: { kind: 'waiting' } });
    await waitFor(() => screen.getByTestId('stop-reply'));
    await fireEvent.input(area, { target: { value: 'next' } });
    await fireEvent.keyDown(area, { key: 'Enter' });
    expect(asked('send_message')).toEqual([]);
    await fireEvent.keyDown(area, { key: 'Escape' });
    expect(asked('stop_reply')).toEqual([{ message_id: 'r' }]);
    (await stop)();
  });

  it('saves a note where no model is set up', async () => {
    providers = [];
    const area = await composer();
    await waitFor(() => screen.getByTestId('set-up-model'));
    await fireEvent.input(area, { target: { value: 'a note' } });
    await fireEvent.keyDown(area, { key: 'Enter' });
    await waitFor(() => expect(asked('add_message')).toEqual([{ conversation_id: 'c', role: 'user', content: 'a note' }]));
  });
});

describe('replies as they come', () => {
  const piece = (step: number, part: Partial<c.ReplyPiece>): c.ReplyPiece => ({ conversation_id: 'c', message_id: 'r', step, settled: [], open: '', thinking: '', state: { kind: 'writing' }, ...part });

  it('are put together, read anew where a step is missing, and taken once', async () => {
    await replies.listen();
    const tell = (one: c.ReplyPiece) => listeners.get('reply')?.(one);
    tell(piece(1, { state: { kind: 'waiting' } }));
    tell(piece(2, { settled: ['<p>a</p>'], open: '<p>b' }));
    tell(piece(2, { settled: ['<p>a</p>'], open: '<p>b' }));
    tell(piece(3, { settled: ['<p>b</p>'], open: '<p>c' }));
    expect(replies.live.get('r')?.settled).toEqual(['<p>a</p>', '<p>b</p>']);
    expect(replies.live.get('r')?.open).toBe('<p>c');
    expect(replies.in('c')).toBe('r');
    const { invoke } = transport;
    transport.invoke = (command, args) =>
      command === 'reply_so_far' ? Promise.resolve(piece(9, { settled: ['<p>all</p>'], open: '<p>end' })) : invoke(command, args);
    tell(piece(8, { settled: ['<p>x</p>'] }));
    await waitFor(() => expect(replies.live.get('r')?.settled).toEqual(['<p>all</p>']));
    tell(piece(10, { state: { kind: 'over', kept: false, error: { code: 'provider', message: 'no', retryable: true } } }));
    expect(replies.in('c')).toBe(null);
    expect(replies.failed.get('c')?.message).toBe('no');
  });
});
