import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationPage } from '../../ipc/generated';
import * as events from '../../ipc/events';
import { listenToChanges } from '../../state/changes';
import { askAhead, PAGE, readPages, taken } from './ahead';

let tell: () => void = () => {};

beforeEach(async () => {
  vi.spyOn(ipc, 'listConversations').mockResolvedValue({ conversations: [], total: 0, next: null } satisfies ConversationPage);
  vi.spyOn(events, 'onChanged').mockImplementation((take) => {
    tell = () => take({ conversations: ['c'] });
    return Promise.resolve(() => undefined);
  });
  await listenToChanges();
});

it('gives the first list once, to whoever wants just that', async () => {
  askAhead();
  await taken('active', null, PAGE);
  expect(ipc.listConversations).toHaveBeenCalledTimes(2);
  expect(taken('active', null, PAGE)).toBeNull();
  for (const [section, tag, limit] of [['archived', null, PAGE], ['active', 'work', PAGE], ['active', null, 400]] as const) {
    askAhead();
    expect(taken(section, tag, limit)).toBeNull();
  }
});

it('is void once something changed', () => {
  askAhead();
  tell();
  expect(taken('active', null, PAGE)).toBeNull();
  askAhead();
  expect(taken('active', null, PAGE)).not.toBeNull();
});

it('asks for the starred ones only where they stand', async () => {
  expect(await readPages('archived', null, PAGE)).toEqual([expect.anything(), null]);
  expect(await readPages('active', null, PAGE)).toEqual([expect.anything(), expect.anything()]);
});
