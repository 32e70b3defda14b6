/** What is asked of a model from the thread: a message, another reply, one that goes on; and the end of one. */
import { ipc } from '../../ipc/commands';
import { toFailure } from '../../ipc/errors';
import type { EnclosedFile, MessageView } from '../../ipc/generated';
import type { Choice } from '../../state/models.svelte';
import { models } from '../../state/models.svelte';
import { nav } from '../../state/navigation.svelte';
import { toasts } from '../../state/toasts.svelte';

/** Whether it is saved; what was written stays in the field otherwise. */
export async function say(
  conversation: string | null,
  content: string,
  files: EnclosedFile[],
  choice: Choice | null,
  insteadOf?: string,
): Promise<boolean> {
  return attempt(async () => {
    const answer = await ipc.sendMessage({
      ...(conversation === null ? {} : { conversation_id: conversation }),
      ...(insteadOf === undefined ? {} : { instead_of: insteadOf }),
      ...(choice === null ? {} : { provider_id: choice.provider, model_id: choice.model }),
      content,
      files,
    });
    await models.read();
    if (conversation === null) nav.open(answer.conversation.id);
  });
}

export function askAgain(messageId: string, goOn = false): Promise<boolean> {
  return attempt(() => ipc.askReply({ message_id: messageId, go_on: goOn }));
}

export function stop(replyId: string): Promise<boolean> {
  return attempt(() => ipc.stopReply({ message_id: replyId }));
}

async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (thrown) {
    toasts.fail(thrown);
    const { code } = toFailure(thrown);
    if (code === 'key_needed') nav.show({ kind: 'settings', section: 'models' });
    return false;
  }
}

/** Why a reply is not whole, for people; null: it is. */
export type Ending = 'stopped' | 'interrupted' | 'cut' | { error: string } | null;

const CUT = new Set(['length', 'max_tokens', 'MAX_TOKENS', 'incomplete']);

export function endingOf(message: MessageView): Ending {
  const reason = message.finish_reason;
  if (message.role !== 'assistant' || reason === null) return null;
  if (reason === 'stopped' || reason === 'interrupted') return reason;
  if (CUT.has(reason)) return 'cut';
  if (reason !== 'error') return null;
  const error = message.metadata['error'] as { message?: unknown } | undefined;
  return { error: typeof error?.message === 'string' ? error.message : '' };
}
