/** What the menu of a row offers, by where the row is. */
import Archive from '@lucide/svelte/icons/archive';
import ArchiveRestore from '@lucide/svelte/icons/archive-restore';
import CloudOff from '@lucide/svelte/icons/cloud-off';
import CloudUpload from '@lucide/svelte/icons/cloud-upload';
import Download from '@lucide/svelte/icons/download';
import Pencil from '@lucide/svelte/icons/pencil';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Star from '@lucide/svelte/icons/star';
import StarOff from '@lucide/svelte/icons/star-off';
import Tag from '@lucide/svelte/icons/tag';
import Trash from '@lucide/svelte/icons/trash-2';
import type { MenuEntry } from '../../components/menu';
import { erase, remove, restore, setArchived, setOnlyHere, setStarred } from '../../state/acts';
import { ask } from '../../state/ask.svelte';
import { t } from '../../state/i18n.svelte';
import { nav } from '../../state/navigation.svelte';
import type { Item } from './model.svelte';

export function menuOf(item: Item, startRename: () => void): MenuEntry[] {
  const text = t().list;
  if (item.deleted_at !== null) {
    return [
      { label: text.restore, icon: RotateCcw, run: () => void restore(item) },
      null,
      { label: text.erase, icon: Trash, danger: true, run: () => void askAndErase([item.id]) },
    ];
  }
  return [
    {
      label: item.is_starred ? text.unstar : text.star,
      icon: item.is_starred ? StarOff : Star,
      run: () => void setStarred(item.id, !item.is_starred),
    },
    { label: text.rename, icon: Pencil, keys: 'F2', run: startRename },
    {
      label: item.is_archived ? text.unarchive : text.archiveIt,
      icon: item.is_archived ? ArchiveRestore : Archive,
      run: () => void setArchived(item, !item.is_archived),
    },
    { label: t().tags.edit, icon: Tag, testid: 'row-tags', run: () => nav.show({ kind: 'tags', ids: [item.id], title: item.title }) },
    ...stays(item),
    { label: text.exportIt, icon: Download, run: () => nav.show({ kind: 'export', id: item.id, title: item.title }) },
    null,
    { label: text.deleteIt, icon: Trash, danger: true, run: () => void remove(item) },
  ];
}

/** What the server has already cannot stay here alone, so it is not offered. */
function stays(item: Item): MenuEntry[] {
  const text = t().list;
  if (item.only_here) return [{ label: text.everywhere, icon: CloudUpload, run: () => void setOnlyHere(item, false) }];
  if (item.on_server) return [];
  return [{ label: text.keepHere, icon: CloudOff, run: () => void setOnlyHere(item, true) }];
}

/** Says whether they were erased. */
export async function askAndErase(ids: string[]): Promise<boolean> {
  const yes = await ask.put({
    title: t().act.eraseTitle,
    text: t().act.eraseText(ids.length),
    detail: null,
    yes: t().act.eraseConfirm,
    danger: true,
  });
  return yes && (await erase(ids));
}
