import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationRow, MessageView, ThreadPage } from '../../ipc/generated';
import { ThreadModel } from './model.svelte';
import { Viewport } from './viewport.svelte';

const page = (content: string): ThreadPage => ({
  messages: [{ id: 'm', content } as MessageView],
  first: 0,
  total: 1,
  hidden: 0,
});

/** Reads that are answered when the test says so, each with what the row held when it was asked. */
let row = '';
let asked: (() => void)[] = [];

beforeEach(() => {
  asked = [];
  row = 'half';
  vi.spyOn(ipc, 'getConversation').mockResolvedValue({ id: 'c' } as ConversationRow);
  vi.spyOn(ipc, 'threadPage').mockImplementation(() => {
    const read = page(row);
    return new Promise((resolve) => asked.push(() => resolve(read)));
  });
});

const breathe = () => new Promise((resolve) => setTimeout(resolve, 0));

async function opened(): Promise<{ model: ThreadModel; view: Viewport }> {
  const model = new ThreadModel('c', false);
  const view = new Viewport(model);
  const open = view.open(null);
  await breathe();
  asked.shift()!();
  await open;
  return { model, view };
}

it('ends with the newest form, in whatever order the backend answers', async () => {
  const { model, view } = await opened();
  void view.refresh();
  await breathe();
  row = 'whole';
  void view.refresh();
  void view.toEnd();
  await breathe();
  // The newest answers first, as far as it was asked for at all.
  for (let turn = 0; turn < 5; turn += 1) {
    asked.pop()?.();
    await breathe();
  }
  expect(asked).toEqual([]);
  expect(model.messages[0]!.content).toBe('whole');
});

it('takes in what changes while the thread is opened', async () => {
  const model = new ThreadModel('c', false);
  const view = new Viewport(model);
  void view.open(null);
  await breathe();
  row = 'whole';
  void view.refresh();
  for (let turn = 0; turn < 5; turn += 1) {
    asked.pop()?.();
    await breathe();
  }
  expect(model.messages[0]!.content).toBe('whole');
});

it('takes all that changes during a read in with one more', async () => {
  const { model, view } = await opened();
  void view.refresh();
  await breathe();
  row = 'whole';
  const last = Promise.all([view.refresh(), view.refresh(), view.refresh()]);
  asked.pop()!();
  await breathe();
  expect(asked).toHaveLength(1);
  asked.pop()!();
  await last;
  expect(ipc.threadPage).toHaveBeenCalledTimes(3);
  expect(model.messages[0]!.content).toBe('whole');
});
