/** What is done to conversations from more than one place: list, thread header and keyboard share it, undo included. */
import { ipc } from '../ipc/commands';
import type { ConversationRow } from '../ipc/generated';
import { t } from './i18n.svelte';
import { nav } from './navigation.svelte';
import { toasts } from './toasts.svelte';
import { forgetDraftFiles } from './draft-files';
import { draftKey, keepDraft } from './drafts';

export type Named = Pick<ConversationRow, 'id' | 'title'>;

export function titleOf(row: { title: string | null }): string {
  const title = row.title?.trim() ?? '';
  return title === '' ? t().common.untitled : title;
}

/** Tells the user when an act fails, so that no caller forgets. */
async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (thrown) {
    toasts.fail(thrown);
    return false;
  }
}

function edit(id: string, fields: { title?: string; is_starred?: boolean; is_archived?: boolean }): Promise<unknown> {
  return ipc.editConversation({ id, add_tags: [], remove_tags: [], ...fields });
}

export function rename(id: string, title: string): Promise<boolean> {
  return attempt(() => edit(id, { title: title.trim() }));
}

export function setStarred(id: string, starred: boolean): Promise<boolean> {
  return attempt(() => edit(id, { is_starred: starred }));
}

/** Keeps a conversation on this device only, or lets it go to the server. */
export async function setOnlyHere(row: Named, onlyHere: boolean): Promise<void> {
  if (!(await attempt(() => ipc.keepHere({ id: row.id, only_here: onlyHere })))) return;
  toasts.tell(onlyHere ? t().act.onlyHere(titleOf(row)) : t().act.everywhere(titleOf(row)));
}

export async function setArchived(row: Named, archived: boolean): Promise<void> {
  if (!(await attempt(() => edit(row.id, { is_archived: archived })))) return;
  const text = archived ? t().act.archived(titleOf(row)) : t().act.unarchived(titleOf(row));
  toasts.tellUndoable(text, async () => void (await edit(row.id, { is_archived: !archived })));
}

/** Adds a tag to conversations; taken back, it stays on those that had it before. Says whether it worked. */
export function addTag(ids: string[], tag: string): Promise<boolean> {
  return attempt(async () => {
    const { changed } = await ipc.editConversations({ ids, add_tags: [tag], remove_tags: [] });
    if (changed.length === 0) return;
    toasts.tellUndoable(t().tags.added(tag, changed.length), async () => {
      await ipc.editConversations({ ids: changed, add_tags: [], remove_tags: [tag] });
    });
  });
}

export function removeTag(ids: string[], tag: string): Promise<boolean> {
  return attempt(async () => {
    const { changed } = await ipc.editConversations({ ids, add_tags: [], remove_tags: [tag] });
    if (changed.length === 0) return;
    toasts.tellUndoable(t().tags.removed(tag, changed.length), async () => {
      await ipc.editConversations({ ids: changed, add_tags: [tag], remove_tags: [] });
    });
  });
}

/** Into the trash. The open thread is left when it is the one that goes. */
export async function remove(row: Named): Promise<void> {
  const wasOpen = nav.conversation === row.id;
  if (!(await attempt(() => ipc.deleteItems({ ids: [row.id] })))) return;
  if (wasOpen) nav.open(null);
  toasts.tellUndoable(t().act.deleted(titleOf(row)), async () => {
    await ipc.undeleteItems({ ids: [row.id] });
    if (wasOpen) nav.open(row.id);
  });
}

export async function restore(row: Named): Promise<void> {
  if (await attempt(() => ipc.undeleteItems({ ids: [row.id] }))) toasts.tell(t().act.restored(titleOf(row)));
}

export async function erase(ids: string[]): Promise<boolean> {
  if (ids.length === 0 || !(await attempt(() => ipc.eraseItems({ ids })))) return false;
  if (nav.conversation !== null && ids.includes(nav.conversation)) nav.open(null);
  const drafts = ids.map(draftKey);
  for (const draft of drafts) keepDraft(draft, '');
  void forgetDraftFiles(drafts);
  toasts.tell(t().act.erased(ids.length));
  return true;
}

/** One act, one way back: only what was not archived before leaves the archive again. */
export function setArchivedMany(ids: string[], archived: boolean): Promise<boolean> {
  return attempt(async () => {
    const { changed } = await ipc.editConversations({ ids, is_archived: archived, add_tags: [], remove_tags: [] });
    const text = archived ? t().selection.archived(changed.length) : t().selection.unarchived(changed.length);
    toasts.tellUndoable(text, async () => {
      await ipc.editConversations({ ids: changed, is_archived: !archived, add_tags: [], remove_tags: [] });
    });
  });
}

/** Into the trash, all at once, and all at once back. */
export async function removeMany(ids: string[]): Promise<boolean> {
  const open = nav.conversation !== null && ids.includes(nav.conversation) ? nav.conversation : null;
  if (!(await attempt(() => ipc.deleteItems({ ids })))) return false;
  if (open !== null) nav.open(null);
  toasts.tellUndoable(t().selection.deleted(ids.length), async () => {
    await ipc.undeleteItems({ ids });
    if (open !== null) nav.open(open);
  });
  return true;
}

export async function restoreMany(ids: string[]): Promise<boolean> {
  if (!(await attempt(() => ipc.undeleteItems({ ids })))) return false;
  toasts.tellUndoable(t().selection.restored(ids.length), async () => void (await ipc.deleteItems({ ids })));
  return true;
}

export async function removeMessage(id: string): Promise<void> {
  if (!(await attempt(() => ipc.deleteItems({ ids: [id] })))) return;
  toasts.tellUndoable(t().act.messageDeleted, async () => void (await ipc.undeleteItems({ ids: [id] })));
}

export async function copyText(text: string): Promise<boolean> {
  return attempt(() => navigator.clipboard.writeText(text));
}
