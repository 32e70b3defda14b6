/** Everything that can be done from anywhere, by name. What needs an open conversation is there only while one is open. */
import { ipc } from '../../ipc/commands';
import type { ConversationRow } from '../../ipc/generated';
import { remove, setArchived, setStarred, titleOf } from '../../state/acts';
import { t } from '../../state/i18n.svelte';
import { nav } from '../../state/navigation.svelte';
import { session } from '../../state/session.svelte';
import { toasts } from '../../state/toasts.svelte';

export interface Act {
  id: string;
  name: string;
  keys?: string;
  run: () => void;
}

function attempt(work: Promise<unknown>): void {
  void work.catch((thrown: unknown) => toasts.fail(thrown));
}

function theme(to: string): () => void {
  return () => attempt(session.change({ theme: to }));
}

/** What can be done to the conversation that is open. */
function ofConversation(row: ConversationRow): Act[] {
  const text = t().list;
  const { mod } = session;
  return [
    { id: 'find', name: t().find.title, keys: `${mod} F`, run: () => nav.find() },
    { id: 'rename', name: text.rename, keys: 'F2', run: () => (nav.renaming += 1) },
    { id: 'star', name: row.is_starred ? text.unstar : text.star, run: () => void setStarred(row.id, !row.is_starred) },
    { id: 'archive', name: row.is_archived ? text.unarchive : text.archiveIt, run: () => void setArchived(row, !row.is_archived) },
    { id: 'tags', name: t().tags.edit, run: () => nav.show({ kind: 'tags', ids: [row.id], title: row.title }) },
    { id: 'files', name: t().gallery.open, run: () => nav.showFiles() },
    { id: 'reading', name: t().thread.asDocument, run: () => nav.show({ kind: 'reading', id: row.id, title: titleOf(row) }) },
    { id: 'export', name: text.exportIt, run: () => nav.show({ kind: 'export', id: row.id, title: row.title }) },
    { id: 'delete', name: text.deleteIt, run: () => void remove(row) },
  ];
}

function ofAccount(): Act[] {
  const { status } = session;
  const text = t().palette;
  if (!status?.account) return [{ id: 'sign-in', name: text.signIn, run: () => nav.show({ kind: 'sign-in', add: false }) }];
  const acts: Act[] = [{ id: 'account', name: t().account.title, run: () => nav.show({ kind: 'account', tab: 'sync' }) }];
  if (status.account.signed_in) acts.push({ id: 'sync', name: text.syncNow, run: () => attempt(session.settle(() => ipc.syncNow())) });
  return acts;
}

export function actsFor(open: ConversationRow | null): Act[] {
  const text = t();
  const { mod } = session;
  return [
    ...(open && open.deleted_at === null ? ofConversation(open) : []),
    { id: 'new', name: text.list.newChat, keys: `${mod} N`, run: () => (nav.list('active'), nav.open(null)) },
    { id: 'search', name: text.help.search, keys: `${mod} K`, run: () => nav.search() },
    { id: 'sidebar', name: text.app.toggleSidebar, keys: `${mod} B`, run: () => (nav.sidebar = !nav.sidebar) },
    { id: 'archive-view', name: text.palette.openArchive, run: () => ((nav.sidebar = true), nav.list('archived')) },
    { id: 'trash-view', name: text.palette.openTrash, run: () => ((nav.sidebar = true), nav.list('trash')) },
    { id: 'import', name: text.tasks.importTitle, run: () => nav.show({ kind: 'import' }) },
    { id: 'export-all', name: text.settings.exportAll, run: () => nav.show({ kind: 'export', id: null, title: null }) },
    { id: 'usage', name: text.usage.title, run: () => (nav.page = 'usage') },
    { id: 'back-up', name: text.settings.backUp, run: () => attempt(ipc.backUp().then(({ messages }) => toasts.tell(text.settings.backedUp(messages)))) },
    { id: 'light', name: text.palette.theme(text.settings.light), run: theme('light') },
    { id: 'dark', name: text.palette.theme(text.settings.dark), run: theme('dark') },
    { id: 'system', name: text.palette.theme(text.settings.system), run: theme('system') },
    ...ofAccount(),
    { id: 'undo', name: text.help.undo, keys: `${mod} Z`, run: () => void toasts.undoLast() },
    { id: 'settings', name: text.settings.title, keys: `${mod} ,`, run: () => nav.show({ kind: 'settings' }) },
    { id: 'help', name: text.help.title, keys: `${mod} /`, run: () => nav.show({ kind: 'help' }) },
  ];
}
