/** A thumb is a rating of 5 or 1; the same thumb again takes it back. */
import { ipc } from '../../ipc/commands';
import type { MessageView } from '../../ipc/generated';
import { toasts } from '../../state/toasts.svelte';

export async function rate(message: MessageView, rating: 1 | 5): Promise<void> {
  try {
    await ipc.editMessage({ id: message.id, rating: message.rating === rating ? 0 : rating });
  } catch (thrown) {
    toasts.fail(thrown);
  }
}
