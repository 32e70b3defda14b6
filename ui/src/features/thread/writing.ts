/** Saving a note, and the keys of the composer. */
import { ipc } from '../../ipc/commands';
import { isComposing } from '../../state/composing';
import { nav } from '../../state/navigation.svelte';
import { toasts } from '../../state/toasts.svelte';
import type { DraftFile } from '../../state/draft-files';
import { keepDraftFiles } from '../../state/draft-files';
import { draftKey } from '../../state/drafts';

/**
 * Saves a note with its files; without a conversation, one is made for it and opened. The files that could not be attached,
 * which are told by themselves and wait in the draft; null: nothing was saved.
 */
export async function saveNote(conversation: string | null, content: string, files: readonly DraftFile[]): Promise<DraftFile[] | null> {
  try {
    const title_from = content.trim() === '' ? (files[0]?.name ?? '') : content;
    const id = conversation ?? (await ipc.createConversation({ title: null, title_from, model_id: null, provider_id: null })).id;
    let message = content.trim() === '' ? null : (await ipc.addMessage({ conversation_id: id, role: 'user', content })).id;
    const failed: DraftFile[] = [];
    for (const file of files) {
      try {
        const on = message === null ? {} : { message_id: message };
        message = (await ipc.attachFile({ conversation_id: id, source: file.source, ...on }))?.id ?? message;
      } catch (thrown) {
        toasts.fail(thrown);
        failed.push(file);
      }
    }
    if (message === null) {
      if (conversation === null) await ipc.eraseItems({ ids: [id] });
      return null;
    }
    if (conversation === null) {
      keepDraftFiles(draftKey(id), failed);
      nav.open(id);
    }
    return failed;
  } catch (thrown) {
    toasts.fail(thrown);
    return null;
  }
}

/** Enter saves, but never while an input method composes; WebKit reports that end with key code 229 alone. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !event.altKey && !isComposing(event);
}
