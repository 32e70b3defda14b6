import { expect, it, vi } from 'vitest';
import { ipc } from '../../../ipc/commands';
import { CommandFailure } from '../../../ipc/errors';
import type { ConversationRow } from '../../../ipc/generated';
import { Picker } from './picker.svelte';

function row(id: string, title: string | null, deleted_at: string | null = null): ConversationRow {
  return { id, title, deleted_at, last_message_at: '2026-01-01T00:00:00.000000Z', message_count: 1 } as ConversationRow;
}

it('reads every page, leaves out the trash, and finds titles without regard to case and accents', async () => {
  const list = vi
    .spyOn(ipc, 'listConversations')
    .mockResolvedValueOnce({ conversations: [row('a', 'Café in Kyōto'), row('b', null)], next: '2', total: 4 })
    .mockResolvedValueOnce({ conversations: [row('c', 'Kyoto, again'), row('d', 'Kyoto, gone', 'x')], next: null, total: 4 });
  const picker = new Picker();
  await Promise.all([picker.read(), picker.read()]);
  expect(list).toHaveBeenCalledTimes(2);
  expect(picker.all.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  picker.query = ' KYOTO cafe ';
  expect(picker.found.map(({ id }) => id)).toEqual(['a']);
  picker.chooseFound();
  picker.query = '';
  picker.toggle('c');
  expect([...picker.chosen]).toEqual(['a', 'c']);
  picker.query = 'again';
  picker.clearFound();
  expect([...picker.chosen]).toEqual(['a']);
});

it('can be read again after a failure', async () => {
  vi.spyOn(ipc, 'listConversations')
    .mockRejectedValueOnce(new CommandFailure({ code: 'busy', message: '', retryable: true }))
    .mockResolvedValueOnce({ conversations: [row('a', 'A')], next: null, total: 1 });
  const picker = new Picker();
  await picker.read();
  expect([picker.failure?.code, picker.complete]).toEqual(['busy', false]);
  await picker.read();
  expect([picker.failure, picker.complete, picker.all.length]).toEqual([null, true, 1]);
});

it('does not ask about what stays on this device', async () => {
  vi.spyOn(ipc, 'listConversations').mockResolvedValueOnce({
    conversations: [row('a', 'A'), { ...row('b', 'Diary'), only_here: true }],
    next: null,
    total: 2,
  });
  const picker = new Picker();
  await picker.read();
  expect(picker.all.map(({ id }) => id)).toEqual(['a']);
});
