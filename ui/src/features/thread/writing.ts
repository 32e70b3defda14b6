/** Saving a note, and the keys of the composer. */
import { ipc } from '../../ipc/commands';
import { isComposing } from '../../state/composing';
import { nav } from '../../state/navigation.svelte';
import { toasts } from '../../state/toasts.svelte';

const TITLE_CHARACTERS = 60;

/** The first line, cut at a word. */
export function titleFrom(text: string): string {
  const line = text.trim().split('\n')[0] ?? '';
  const points = Array.from(line);
  if (points.length <= TITLE_CHARACTERS) return line;
  const cut = points.slice(0, TITLE_CHARACTERS).join('');
  return `${cut.slice(0, cut.lastIndexOf(' ') > 20 ? cut.lastIndexOf(' ') : undefined)}…`;
}

/** Saves a note; without a conversation, one is made for it and opened. Says whether it is saved. */
export async function saveNote(conversation: string | null, content: string): Promise<boolean> {
  try {
    const id =
      conversation ??
      (await ipc.createConversation({ title: titleFrom(content), model_id: null, provider_id: null })).id;
    await ipc.addMessage({ conversation_id: id, role: 'user', content });
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
