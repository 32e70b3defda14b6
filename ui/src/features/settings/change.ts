/** One place where a changed setting that could not be kept is told. */
import type { Settings } from '../../ipc/generated';
import { session } from '../../state/session.svelte';
import { toasts } from '../../state/toasts.svelte';

export async function change(part: Partial<Settings>): Promise<void> {
  try {
    await session.change(part);
  } catch (thrown) {
    toasts.fail(thrown);
  }
}
