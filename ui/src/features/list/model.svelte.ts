/** The rows of the sidebar: keyset pages of one section, the starred ones apart, kept fresh by the backend's events. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { ConversationRow, Section } from '../../ipc/generated';
import { Line } from '../../state/line';
import type { ListView } from '../../state/navigation.svelte';
import { MOST, PAGE, readPages, taken } from './ahead';

/** What a row shows. Whole rows of 100,000 conversations would cost memory for nothing. */
export type Item = Pick<
  ConversationRow,
  'id' | 'title' | 'last_message_at' | 'is_starred' | 'is_archived' | 'deleted_at' | 'waiting' | 'tags' | 'only_here' | 'on_server'
>;

/** More changed rows than this, and reading the list anew costs less. */
const FEW = 12;

const SECTION: Record<ListView, Section> = { active: 'active', archived: 'archived', trash: 'trash' };

function itemOf(row: ConversationRow): Item {
  const { id, title, last_message_at, is_starred, is_archived, deleted_at, waiting, tags, only_here, on_server } = row;
  return { id, title, last_message_at, is_starred, is_archived, deleted_at, waiting, tags, only_here, on_server };
}

/** Newest activity first; equal times by id, as the backend pages. */
export function newerFirst(a: Item, b: Item): number {
  if (a.last_message_at !== b.last_message_at) return a.last_message_at < b.last_message_at ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

export function belongs(item: Item, view: ListView, tag: string | null): boolean {
  if (view === 'trash') return item.deleted_at !== null;
  if (item.deleted_at !== null) return false;
  if (tag !== null) return item.tags.includes(tag);
  return view === 'archived' ? item.is_archived : !item.is_archived;
}

export class ListModel {
  view = $state<ListView>('active');
  /** What has this tag is shown, archived or not. */
  tag = $state<string | null>(null);
  rows = $state.raw<Item[]>([]);
  starred = $state.raw<Item[]>([]);
  total = $state(0);
  loaded = $state(false);
  failure = $state.raw<CommandFailure | null>(null);

  #next: string | null = null;
  #turn = 0;
  #line = new Line();
  #loading: Promise<void> | null = null;

  /** Reads the section anew, as far as it was read before. */
  async show(view: ListView, tag: string | null): Promise<void> {
    const same = view === this.view && tag === this.tag && this.loaded;
    if (!same) {
      this.rows = [];
      this.starred = [];
      this.loaded = false;
    }
    this.view = view;
    this.tag = tag;
    this.#turn += 1;
    const turn = this.#turn;
    const want = Math.min(MOST, Math.max(PAGE, same ? this.rows.length : 0));
    await this.#line.next(() => this.#readAll(turn, want));
  }

  async #readAll(turn: number, want: number): Promise<void> {
    if (turn !== this.#turn) return;
    try {
      const [page, starred] = await (taken(this.#section, this.tag, want) ?? readPages(this.#section, this.tag, want));
      if (turn !== this.#turn) return;
      this.rows = page.conversations.map(itemOf);
      this.starred = starred?.conversations.map(itemOf) ?? [];
      this.total = page.total;
      this.#next = page.next;
      this.loaded = true;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }

  get #section(): Section {
    return this.tag === null ? SECTION[this.view] : 'all';
  }

  get complete(): boolean {
    return this.#next === null;
  }

  /** The next page. Calls while one is under way share it. */
  more(): Promise<void> {
    if (this.#next === null) return Promise.resolve();
    this.#loading ??= this.#line.next(() => this.#read()).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #read(): Promise<void> {
    const turn = this.#turn;
    const cursor = this.#next;
    if (cursor === null) return;
    try {
      const page = await ipc.listConversations({
        section: this.#section,
        tag: this.tag,
        cursor,
        limit: MOST,
      });
      if (turn !== this.#turn) return;
      const known = new Set(this.rows.map((row) => row.id));
      this.rows = [...this.rows, ...page.conversations.filter((row) => !known.has(row.id)).map(itemOf)];
      this.total = page.total;
      this.#next = page.next;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }

  /** Takes in what the backend says has changed. Answers those that are known not to belong here any more. */
  async refresh(ids: readonly string[] | null): Promise<string[]> {
    if (!this.loaded || ids === null || ids.length > FEW) {
      await this.show(this.view, this.tag);
      return [];
    }
    return this.#line.next(() => this.#readSome(ids));
  }

  async #readSome(ids: readonly string[]): Promise<string[]> {
    const turn = this.#turn;
    const fresh = await Promise.all(
      ids.map((id) =>
        ipc.getConversation({ id }).then(
          (row) => ({ id, item: itemOf(row) }),
          () => ({ id, item: null }),
        ),
      ),
    );
    if (turn !== this.#turn) return [];
    for (const { id, item } of fresh) this.#put(id, item);
    return fresh.flatMap(({ id, item }) => (item !== null && belongs(item, this.view, this.tag) ? [] : [id]));
  }

  #put(id: string, item: Item | null): void {
    const here = item !== null && belongs(item, this.view, this.tag) ? item : null;
    const before = this.rows.length;
    this.rows = replace(this.rows, id, here, !this.complete);
    this.total += this.rows.length - before;
    if (this.view === 'active' && this.tag === null) {
      this.starred = replace(this.starred, id, here?.is_starred ? here : null, false);
    }
  }
}

/** A row that sorts below the last one read is left to its page, when there is one. */
function replace(rows: Item[], id: string, item: Item | null, partial: boolean): Item[] {
  const rest = rows.filter((row) => row.id !== id);
  if (item === null) return rest;
  let at = rest.findIndex((row) => newerFirst(item, row) < 0);
  if (at < 0) {
    if (partial) return rest;
    at = rest.length;
  }
  return [...rest.slice(0, at), item, ...rest.slice(at)];
}
