import { expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { FoundInThread } from '../../ipc/generated';
import { Finding } from './finding.svelte';

const answer = (...ids: string[]): FoundInThread => ({
  messages: ids.map((message_id, index) => ({ message_id, place: index * 10, folded_away: false })),
  total: ids.length,
  needles: ['x'],
});

test('steps run round, and begin at the message that is in view', async () => {
  vi.spyOn(ipc, 'findInThread').mockResolvedValue(answer('a', 'b', 'c'));
  const finding = new Finding('thread');
  const gone: string[] = [];
  await finding.look(false, 'b', ({ message_id }) => gone.push(message_id));
  expect([finding.at, gone]).toEqual([1, ['b']]);
  expect(finding.step(1)?.message_id).toBe('c');
  expect(finding.step(1)?.message_id).toBe('a');
  expect(finding.step(-1)?.message_id).toBe('c');
  await finding.look(false, 11, null);
  expect(finding.current?.message_id).toBe('c');
  await finding.look(false, 21, null);
  expect(finding.current?.message_id).toBe('a');
});

test('nothing found is nowhere to go, and an overtaken answer counts for nothing', async () => {
  let first: (found: FoundInThread) => void = () => undefined;
  vi.spyOn(ipc, 'findInThread')
    .mockImplementationOnce(() => new Promise((resolve) => (first = resolve)))
    .mockResolvedValueOnce(answer());
  const finding = new Finding('thread');
  const slow = finding.look(false, null, null);
  await finding.look(false, null, null);
  first(answer('late'));
  await slow;
  expect([finding.total, finding.at, finding.step(1)]).toEqual([0, -1, null]);
});
