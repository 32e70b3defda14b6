import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { MessageView, ThreadPage } from '../../ipc/generated';

const { default: Reading } = await import('./Reading.svelte');

const message = (n: number): MessageView =>
  ({
    id: `m${n}`,
    role: n % 2 === 0 ? 'user' : 'assistant',
    created_at: '2026-01-01T00:00:00Z',
    html: `<p>said ${n}</p>`,
    blocks: n === 1 ? [{ kind: 'thinking', title: null, html: '<p>thought</p>', is_error: false }] : [],
    files: [],
  }) as unknown as MessageView;

it('reads a thread in order, whole or in parts, with nothing folded', async () => {
  HTMLDialogElement.prototype.showModal = vi.fn();
  const total = 1_300;
  const read = vi.spyOn(ipc, 'threadPage').mockImplementation(({ after, limit }) => {
    const first = after ? Number(after.slice(1)) + 1 : 0;
    const messages = Array.from({ length: Math.min(limit, total - first) }, (_, place) => message(first + place));
    return Promise.resolve({ messages, first, total, hidden: 0 } as ThreadPage);
  });
  render(Reading, { id: 'c', title: 'A thread', onclose: () => undefined });
  await waitFor(() => expect(screen.getByTestId('read-on')).toBeDefined(), { timeout: 10_000 });
  const said = () => [...screen.getByTestId('reading').querySelectorAll('section')].map((one) => one.textContent);
  expect(said()).toHaveLength(1_000);
  expect(said()[0]).toContain('said 0');
  expect(said()[1]).toContain('thought');
  expect(said()[999]).toContain('said 999');
  await fireEvent.click(screen.getByTestId('read-on'));
  await waitFor(() => expect(said()).toHaveLength(total), { timeout: 10_000 });
  expect(said()[1_299]).toContain('said 1299');
  expect(screen.queryByTestId('read-on')).toBeNull();
  expect(read).toHaveBeenCalledTimes(7);
}, 30_000);
