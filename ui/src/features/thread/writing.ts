/** Saving a note, and the keys of the composer. */
import { ipc } from '../../ipc/commands';
import { isComposing } from '../../state/composing';
import { nav } from '../../state/navigation.svelte';
import { toasts } from '../../state/toasts.svelte';
import type { DraftFile } from './draft-files';

const TITLE_CHARACTERS = 60;

/** The first line, cut at a word. */
export function titleFrom(text: string): string {
  const line = text.trim().split('\n')[0] ?? '';
  const points = Array.from(line);
  if (points.length <= TITLE_CHARACTERS) return line;
  const cut = points.slice(0, TITLE_CHARACTERS).join('');
  return `${cut.slice(0, cut.lastIndexOf(' ') > 20 ? cut.lastIndexOf(' ') : undefined)}…`;
}

/**
 * Saves a note with its files; without a conversation, one is made for it and opened. Says whether it is saved; files that
 * could not be attached are told by themselves.
 */
export async function saveNote(conversation: string | null, content: string, files: readonly DraftFile[]): Promise<boolean> {
  try {
    const title = titleFrom(content) || (files[0]?.name ?? null);
    const id = conversation ?? (await ipc.createConversation({ title, model_id: null, provider_id: null })).id;
    let message = content.trim() === '' ? null : (await ipc.addMessage({ conversation_id: id, role: 'user', content })).id;
    for (const { source } of files) {
      try {
        const on = message === null ? {} : { message_id: message };
        message = (await ipc.attachFile({ conversation_id: id, source, ...on }))?.id ?? message;
      } catch (thrown) {
        toasts.fail(thrown);
      }
    }
    if (conversation === null) nav.open(id);
    return true;
  } catch (thrown) {
    toasts.fail(thrown);
    return false;
  }
}

/** Enter saves, but never while an input method composes; WebKit reports that end with key code 229 alone. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !event.altKey && !isComposing(event);
}
