/** Spreads the backend's one `changed` event to whoever shows rows. */
import { onChanged } from '../ipc/events';

/** The ids whose rows changed; null: many. */
export type Take = (ids: readonly string[] | null) => void;

const takers = new Set<Take>();

export function subscribe(take: Take): () => void {
  takers.add(take);
  return () => takers.delete(take);
}

export function spread(ids: readonly string[] | null): void {
  for (const take of [...takers]) take(ids);
}

export function listenToChanges(): Promise<() => void> {
  return onChanged(({ conversations }) => spread(conversations));
}
