import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationPage } from '../../ipc/generated';
import * as events from '../../ipc/events';
import { listenToChanges, subscribe } from '../../state/changes';
import { askAhead, PAGE, readPages, taken } from './ahead';

let tell: () => void = () => {};
let listening: Promise<unknown> = Promise.resolve();

beforeEach(async () => {
  vi.spyOn(ipc, 'listConversations').mockResolvedValue({ conversations: [], total: 0, next: null } satisfies ConversationPage);
  vi.spyOn(events, 'onChanged').mockImplementation((take) => {
    tell = () => take({ conversations: ['c'] });
    return Promise.resolve(() => undefined);
  });
  listening = listenToChanges();
  await listening;
});

it('gives the first list once, to whoever wants just that', async () => {
  askAhead(listening);
  await taken('active', null, PAGE);
  expect(ipc.listConversations).toHaveBeenCalledTimes(2);
  expect(taken('active', null, PAGE)).toBeNull();
  for (const [section, tag, limit] of [['archived', null, PAGE], ['active', 'work', PAGE], ['active', null, 400]] as const) {
    askAhead(listening);
    expect(taken(section, tag, limit)).toBeNull();
  }
});

it('is void once something changed', () => {
  askAhead(listening);
  tell();
  expect(taken('active', null, PAGE)).toBeNull();
  askAhead(listening);
  expect(taken('active', null, PAGE)).not.toBeNull();
});

it('asks for the starred ones only where they stand', async () => {
  expect(await readPages('archived', null, PAGE)).toEqual([expect.anything(), null]);
  expect(await readPages('active', null, PAGE)).toEqual([expect.anything(), expect.anything()]);
});

it('is read anew when it was answered before changes were heard of', async () => {
  const heard = vi.fn();
  subscribe(heard);
  let listens = () => {};
  askAhead(new Promise<void>((resolve) => (listens = resolve)));
  await taken('active', null, PAGE);
  expect(heard).not.toHaveBeenCalled();
  listens();
  await vi.waitFor(() => expect(heard).toHaveBeenCalledWith(null));
});

it('is asked for anew when the library could not be opened then', async () => {
  vi.mocked(ipc.listConversations).mockRejectedValue(new Error('closed'));
  askAhead(listening);
  await new Promise((resolve) => setTimeout(resolve));
  expect(taken('active', null, PAGE)).toBeNull();
});
