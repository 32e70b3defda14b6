/** Which rows are chosen for an act on all of them. Ranges run along the rows as they are shown. */
import { SvelteSet } from 'svelte/reactivity';

/** The ids from one row to another, both included, whichever stands first; without a beginning the other alone. Pure. */
export function rangeOf(order: readonly string[], from: string | null, to: string): string[] {
  const end = order.indexOf(to);
  const start = from === null ? -1 : order.indexOf(from);
  if (start < 0 || end < 0) return [to];
  return order.slice(Math.min(start, end), Math.max(start, end) + 1);
}

export class Selection {
  readonly ids = new SvelteSet<string>();
  /** Where a range begins. */
  #anchor: string | null = null;
  /** What the range under way has chosen; it shrinks again when the range does. */
  #range: string[] = [];

  get size(): number {
    return this.ids.size;
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  toggle(id: string): void {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.#anchor = id;
    this.#range = [];
  }

  /** Chooses all between the beginning of the range (`from`, when there is none yet) and `to`. */
  extend(order: readonly string[], to: string, from: string | null): void {
    this.#anchor ??= from ?? to;
    for (const id of this.#range) this.ids.delete(id);
    this.#range = rangeOf(order, this.#anchor, to);
    for (const id of this.#range) this.ids.add(id);
  }

  set(ids: readonly string[]): void {
    this.ids.clear();
    for (const id of ids) this.ids.add(id);
    this.#range = [];
  }

  drop(id: string): void {
    this.ids.delete(id);
  }

  clear(): void {
    this.ids.clear();
    this.#anchor = null;
    this.#range = [];
  }
}
