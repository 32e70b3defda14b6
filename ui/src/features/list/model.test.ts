import { expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationPage, ConversationRow } from '../../ipc/generated';
import { ListModel } from './model.svelte';

const breathe = () => new Promise((resolve) => setTimeout(resolve, 0));

it('ends with the newest form of a row, in whatever order the backend answers', async () => {
  let title = 'before';
  const asked: (() => void)[] = [];
  const row = () => ({ id: 'c', title, last_message_at: '2026-01-01T00:00:00Z', tags: [] as string[], deleted_at: null }) as ConversationRow;
  vi.spyOn(ipc, 'listConversations').mockImplementation(({ section }) => {
    const read = { conversations: section === 'active' ? [row()] : [], total: 1, next: null } as ConversationPage;
    return new Promise((resolve) => asked.push(() => resolve(read)));
  });
  vi.spyOn(ipc, 'getConversation').mockImplementation(() => {
    const read = row();
    return new Promise((resolve) => asked.push(() => resolve(read)));
  });
  const answerAll = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
      asked.pop()?.();
      await breathe();
    }
  };

  const model = new ListModel();
  const shown = model.show('active', null);
  await answerAll();
  await shown;

  void model.refresh(['c']);
  await breathe();
  title = 'between';
  void model.show('active', null);
  await breathe();
  title = 'after';
  void model.refresh(['c']);
  await breathe();
  await answerAll();
  expect(model.rows.map((one) => one.title)).toEqual(['after']);
});
