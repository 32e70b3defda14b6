/**
 * Choosing conversations: all of them are read, page by page, as little of each as a line shows; finding by title is done
 * here, so it answers while one types.
 */
import { SvelteSet } from 'svelte/reactivity';
import { ipc } from '../../../ipc/commands';
import type { CommandFailure } from '../../../ipc/errors';
import { toFailure } from '../../../ipc/errors';
import type { ConversationRow } from '../../../ipc/generated';
import { folded } from '../../../state/fold';

export type Choice = Pick<ConversationRow, 'id' | 'title' | 'last_message_at' | 'message_count'>;

const PAGE = 500;

export class Picker {
  all = $state.raw<Choice[]>([]);
  complete = $state(false);
  failure = $state.raw<CommandFailure | null>(null);
  query = $state('');
  readonly chosen = new SvelteSet<string>();

  #found = $derived.by(() => {
    const words = folded(this.query).split(/\s+/).filter(Boolean);
    if (words.length === 0) return this.all;
    return this.all.filter((row) => {
      const title = folded(row.title ?? '');
      return words.every((word) => title.includes(word));
    });
  });

  #reading: Promise<void> | null = null;

  get found(): Choice[] {
    return this.#found;
  }

  /** Reads the list once; after a failure, again. */
  read(): Promise<void> {
    if (this.complete) return Promise.resolve();
    this.#reading ??= this.#readAll().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    this.failure = null;
    try {
      const rows = new Map<string, Choice>();
      let cursor: string | null = null;
      do {
        const page = await ipc.listConversations({ section: 'all', tag: null, cursor, limit: PAGE });
        for (const { id, title, last_message_at, message_count, deleted_at, only_here } of page.conversations) {
          // What stays on this device is not asked about.
          if (deleted_at === null && !only_here) rows.set(id, { id, title, last_message_at, message_count });
        }
        this.all = [...rows.values()];
        cursor = page.next;
      } while (cursor !== null);
      this.complete = true;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  toggle(id: string): void {
    if (!this.chosen.delete(id)) this.chosen.add(id);
  }

  /** What was found, or everything. Only a list that is whole can be taken as a whole. */
  chooseFound(): void {
    for (const { id } of this.found) this.chosen.add(id);
  }

  clearFound(): void {
    for (const { id } of this.found) this.chosen.delete(id);
  }
}
