/** The files of a conversation, the newest first: keyset pages, kept fresh where they are looked at. */
import { ipc } from '../../../ipc/commands';
import type { CommandFailure } from '../../../ipc/errors';
import { toFailure } from '../../../ipc/errors';
import type { GalleryFile, GalleryOnly, GalleryPage } from '../../../ipc/generated';
import { Line } from '../../../state/line';

const PAGE = 100;
const MOST = 500;

export class GalleryModel {
  only = $state<GalleryOnly>('all');
  files = $state.raw<GalleryFile[]>([]);
  /** Of the whole conversation. */
  total = $state(0);
  pictures = $state(0);
  /** Whether all of the conversation's files stay here. */
  keep = $state(false);
  loaded = $state(false);
  failure = $state.raw<CommandFailure | null>(null);

  /** Read since the last change that was told, place by place; the rest is read again when it is looked at. */
  #fresh: boolean[] = [];
  #turn = 0;
  #line = new Line();
  #loading: Promise<void> | null = null;

  constructor(readonly conversation: string) {}

  /** How many there are to show. */
  get count(): number {
    if (this.only === 'all') return this.total;
    return this.only === 'pictures' ? this.pictures : this.total - this.pictures;
  }

  get complete(): boolean {
    return this.files.length >= this.count;
  }

  /** Reads from the beginning. */
  async show(only: GalleryOnly): Promise<void> {
    this.only = only;
    this.files = [];
    this.loaded = false;
    await this.#again(PAGE);
  }

  /** Reads on; several who ask at once get the same page. */
  more(): Promise<void> {
    if (this.complete || this.failure !== null) return Promise.resolve();
    this.#loading ??= this.#readOn().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** After something could not be read: what is looked at, and the next page. */
  async retry(first: number, end: number): Promise<void> {
    this.failure = null;
    await this.refresh(first, end);
    await this.more();
  }

  /** Something of the conversation changed: reads what is looked at again, and all when files came or went. */
  refresh(first: number, end: number): Promise<void> {
    this.#fresh = [];
    return this.look(first, end);
  }

  /** These are looked at: what changed of them while they were not is read. */
  async look(first: number, end: number): Promise<void> {
    const isFresh = () => Array.from({ length: Math.max(1, Math.min(end, this.files.length) - first) }, (_, at) => this.#fresh[first + at]).every((one) => one === true);
    if (isFresh()) return;
    const turn = this.#turn;
    await this.#line.next(async () => {
      // Somebody may have read it while this waited.
      if (turn !== this.#turn || isFresh()) return;
      const fresh = this.#fresh;
      const from = Math.max(0, Math.min(first, this.files.length - 1));
      const known = this.files.slice(from, Math.min(end, from + MOST));
      const page = await this.#page(from, Math.max(1, known.length));
      if (page === null || turn !== this.#turn) return;
      const same = page.total === this.total && page.pictures === this.pictures && page.files.every((file, at) => file.id === known[at]?.id);
      if (!same || page.files.length !== known.length) {
        void this.#again(Math.max(PAGE, end));
        return;
      }
      this.keep = page.keep;
      this.files = [...this.files.slice(0, from), ...page.files, ...this.files.slice(from + page.files.length)];
      note(fresh, from, page.files.length);
    });
  }

  async #again(want: number): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    await this.#line.next(async () => {
      let files: GalleryFile[] = [];
      const fresh = this.#fresh;
      for (;;) {
        const page = await this.#page(files.length, Math.min(MOST, want - files.length), files);
        if (page === null || turn !== this.#turn) return;
        files = [...files, ...page.files];
        if (files.length < want && page.files.length > 0) continue;
        this.#take(page, files);
        note(fresh, 0, files.length);
        this.loaded = true;
        return;
      }
    });
  }

  async #readOn(): Promise<void> {
    const turn = this.#turn;
    await this.#line.next(async () => {
      const fresh = this.#fresh;
      const page = await this.#page(this.files.length, PAGE);
      if (page === null || turn !== this.#turn) return;
      // What was counted and is not there any more ends the list.
      const end = page.files.length === 0;
      note(fresh, this.files.length, page.files.length);
      this.#take(page, [...this.files, ...page.files]);
      if (end && !this.complete) void this.#again(Math.max(PAGE, this.files.length));
    });
  }

  #take(page: GalleryPage, files: GalleryFile[]): void {
    this.total = page.total;
    this.pictures = page.pictures;
    this.keep = page.keep;
    this.files = files;
  }

  /** The page that begins at a place; null when it could not be read. */
  async #page(at: number, limit: number, files = this.files): Promise<GalleryPage | null> {
    const last = files[at - 1];
    const after = last === undefined ? {} : { after: { created_at: last.created_at, id: last.id } };
    try {
      const page = await ipc.gallery({ conversation_id: this.conversation, only: this.only, limit, ...after });
      this.failure = null;
      return page;
    } catch (thrown) {
      this.failure = toFailure(thrown);
      return null;
    }
  }
}

/** Into the list of when it was asked for: a change meanwhile has begun another one. */
function note(fresh: boolean[], from: number, count: number): void {
  for (let at = from; at < from + count; at += 1) fresh[at] = true;
}
