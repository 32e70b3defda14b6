import { beforeEach, expect, test, vi } from 'vitest';
import type { Notification, ReplyPiece, Status, StatusChanged, TaskEvent } from '../ipc/generated';

const told: Notification[] = [];
let reply: (piece: ReplyPiece) => void;
let task: (event: TaskEvent) => void;
let status: (event: StatusChanged) => void;

beforeEach(async () => {
  told.length = 0;
  const events = await import('../ipc/events');
  const { ipc } = await import('../ipc/commands');
  vi.spyOn(events, 'onReply').mockImplementation((take) => ((reply = take), Promise.resolve(() => undefined)));
  vi.spyOn(events, 'onTask').mockImplementation((take) => ((task = take), Promise.resolve(() => undefined)));
  vi.spyOn(events, 'onStatus').mockImplementation((take) => ((status = take), Promise.resolve(() => undefined)));
  vi.spyOn(ipc, 'getConversation').mockResolvedValue({ title: 'Bread' } as Awaited<ReturnType<typeof ipc.getConversation>>);
  vi.spyOn(ipc, 'notify').mockImplementation((one) => (told.push(one), Promise.resolve(null)));
  const { notices } = await import('./notices.svelte');
  await notices.listen();
});

const piece = (state: ReplyPiece['state']): ReplyPiece => ({ conversation_id: 'c1', message_id: 'm1', step: 3, settled: [], open: '', thinking: '', state });

test('a reply that is over is told once, by the name of its conversation, with what went wrong', async () => {
  reply(piece({ kind: 'writing' }));
  reply(piece({ kind: 'over', kept: true, error: null }));
  reply(piece({ kind: 'over', kept: false, error: { code: 'offline', message: 'No route.', retryable: true } }));
  await vi.waitFor(() => expect(told).toHaveLength(2));
  expect(told.map(({ title, conversation_id }) => [title, conversation_id])).toEqual([['Bread', 'c1'], ['Bread', 'c1']]);
  expect(told.map(({ body }) => body)).toEqual(['The reply is there.', 'The reply failed: No connection']);
});

test('long work is told at its end, and not where the user ended it', () => {
  task({ task: 't', state: { kind: 'running', step: 'Reading', done: 1, total: 2 } });
  task({ task: 't', state: { kind: 'failed', error: { code: 'cancelled', message: 'Stopped.', retryable: false } } });
  expect(told).toHaveLength(0);
  task({ task: 't', state: { kind: 'failed', error: { code: 'disk_full', message: 'No room.', retryable: true } } });
  task({ task: 't', state: { kind: 'imported', reports: [] } });
  expect(told.map(({ body }) => body)).toEqual(['The disk is full: No room.', expect.stringContaining('Import')]);
});

test('the first sync is told when all is here, and a short one never', () => {
  const say = (progress: Status['progress'], sync: Status['sync']) => status({ status: { progress, sync } as Status });
  say(null, 'in_step');
  expect(told).toHaveLength(0);
  say({ done: 10, total: 100_000 } as Status['progress'], 'syncing');
  say(null, 'offline');
  expect(told).toHaveLength(0);
  say(null, 'in_step');
  say(null, 'in_step');
  expect(told).toHaveLength(1);
});

test('whoever wants none is told nothing', async () => {
  const { session } = await import('./session.svelte');
  session.settings = { ...session.settings, notifications: false };
  task({ task: 't', state: { kind: 'imported', reports: [] } });
  reply(piece({ kind: 'over', kept: true, error: null }));
  await Promise.resolve();
  expect(told).toHaveLength(0);
});
