import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })));
afterEach(() => vi.unstubAllGlobals());

it('does not let the answer of a command undo what was announced meanwhile', async () => {
  let tell: (event: { status: unknown }) => void = () => undefined;
  let change: () => void = () => undefined;
  vi.doMock('../ipc/events', () => ({
    onStatus: async (take: typeof tell) => ((tell = take), () => undefined),
    onChanged: async (take: typeof change) => ((change = take), () => undefined),
  }));
  const status = vi.fn().mockResolvedValue({ sync: 'in_step', paused: false });
  vi.doMock('../ipc/commands', () => ({ ipc: { status } }));
  const { session } = await import('./session.svelte');
  await session.listen();

  await session.settle(async () => {
    tell({ status: { sync: 'in_step', paused: false } });
    return { sync: 'syncing', paused: false } as never;
  });
  expect(session.status?.sync).toBe('in_step');
  expect(status).toHaveBeenCalledTimes(1);

  await session.settle(async () => ({ sync: 'offline', paused: false }) as never);
  expect(session.status?.sync).toBe('offline');
  expect(status).toHaveBeenCalledTimes(1);

  // A pause shows before the request under way has ended.
  tell({ status: { sync: 'syncing', paused: true } });
  expect(session.status?.sync).toBe('paused');

  // What is done while nothing syncs counts, too; many changes at once are asked for once.
  status.mockResolvedValue({ sync: 'paused', paused: true, outbox: 2 });
  change();
  change();
  await vi.waitFor(() => expect(session.status?.outbox).toBe(2));
  expect(status).toHaveBeenCalledTimes(2);
});
