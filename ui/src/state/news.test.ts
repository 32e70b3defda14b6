import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../ipc/commands';
import type { SyncState } from '../ipc/generated';
import { transport } from '../ipc/transport';
import { news } from './news.svelte';

const asked = vi.fn();
let tell: (sync: SyncState) => void = () => undefined;

beforeEach(async () => {
  vi.useFakeTimers();
  asked.mockReset();
  vi.spyOn(ipc, 'serverNews').mockImplementation(() => {
    asked();
    return Promise.resolve({ read_at: null, notice: null, providers: [], limits: null });
  });
  Object.assign(transport, {
    listen: (_: string, take: (payload: unknown) => void) => {
      tell = (sync) => take({ status: { sync } });
      return Promise.resolve(() => undefined);
    },
  });
  await news.listen();
  asked.mockReset();
});

it('is read when the state of sync becomes another, or something was announced beside a sync, not at each progress of one', async () => {
  tell('syncing');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveBeenCalledTimes(1);
  for (let turn = 0; turn < 20; turn += 1) {
    tell('syncing');
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(asked).toHaveBeenCalledTimes(1);
  tell('in_step');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveBeenCalledTimes(2);
  tell('in_step');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked, 'the news themselves are announced').toHaveBeenCalledTimes(3);
});
