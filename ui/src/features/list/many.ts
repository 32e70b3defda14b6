/** What can be done to all chosen rows at once. */
import { removeMany, restoreMany, setArchivedMany } from '../../state/acts';
import { nav } from '../../state/navigation.svelte';
import { askAndErase } from './menu-of';

export type Act = 'archive' | 'unarchive' | 'tags' | 'export' | 'delete' | 'restore' | 'erase';

/** Whether the rows leave the list by it, so that none of them stays chosen. */
export async function actOnMany(act: Act, ids: string[]): Promise<boolean> {
  if (act === 'tags') nav.show({ kind: 'tags', ids, title: null });
  else if (act === 'export') nav.show({ kind: 'export', id: null, title: null, ids });
  else if (act === 'delete') return removeMany(ids);
  else if (act === 'restore') return restoreMany(ids);
  else if (act === 'erase') return askAndErase(ids);
  else return setArchivedMany(ids, act === 'archive');
  return false;
}
