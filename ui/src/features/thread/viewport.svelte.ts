/**
 * What of a thread is on the screen. It asks for the pages that are missing, measures what is drawn, and keeps the
 * reader's place whenever something above it changes: an anchor is taken before each change and put back after it.
 */
import { flushSync } from 'svelte';
import { toFailure } from '../../ipc/errors';
import { Line } from '../../state/line';
import type { ThreadModel, Wanted } from './model.svelte';
import type { Span } from './window';
import { PAGE, missing } from './window';

const OVERSCAN_PX = 1_000;
/** While the scrollbar is dragged, only the place where it rests is read. */
const REST_MS = 70;
/** So near to the end counts as being there. */
const END_PX = 6;
const FLASH_MS = 2_400;

export type Anchor = { at: 'end' } | { at: 'message'; id: string; delta: number } | { at: 'index'; index: number; delta: number };

export class Viewport {
  readonly model: ThreadModel;
  scroll = $state(0);
  height = $state(0);
  flash = $state<string | null>(null);
  newBelow = $state(false);
  following = $state(true);
  reading = $state(false);

  #revision = $state(0);
  #element: HTMLElement | null = null;
  #expected = -1;
  #pinned: Anchor | null = { at: 'end' };
  #ids = new WeakMap<Element, string>();
  #observer: ResizeObserver | null = null;
  #gone = false;
  #flashTimer: ReturnType<typeof setTimeout> | undefined;
  #line = new Line();
  #due: Promise<void> | null = null;

  constructor(model: ThreadModel) {
    this.model = model;
  }

  /** The places that are on the screen, or nearly. */
  span: Span = $derived.by(() => {
    void this.#revision;
    void this.model.total;
    const { heights } = this.model;
    return {
      first: heights.at(this.scroll - OVERSCAN_PX),
      end: Math.min(this.model.total, heights.at(this.scroll + this.height + OVERSCAN_PX) + 1),
    };
  });

  /** The messages to draw, and where they begin. */
  drawn = $derived.by(() => {
    const { held } = this.model;
    const first = Math.max(held.first, Math.min(this.span.first, held.end));
    const end = Math.max(first, Math.min(held.end, this.span.end));
    const messages = this.model.messages.slice(first - held.first, end - held.first);
    return { first, messages, top: this.model.heights.top(first) };
  });

  full = $derived.by(() => {
    void this.#revision;
    void this.model.total;
    return this.model.heights.height;
  });

  farFromEnd = $derived(this.full - this.scroll - this.height > Math.max(600, this.height));

  attach = (element: HTMLElement): (() => void) => {
    this.#element = element;
    this.height = element.clientHeight;
    this.#observer = new ResizeObserver((entries) => this.#measured(entries));
    this.#observer.observe(element);
    return () => {
      this.#gone = true;
      this.#observer?.disconnect();
      clearTimeout(this.#flashTimer);
    };
  };

  /** For each drawn message: its height counts from now on. */
  measure = (id: string) => (element: HTMLElement) => {
    this.#ids.set(element, id);
    this.#observer?.observe(element);
    return () => this.#observer?.unobserve(element);
  };

  /** First page: at a message, or at the end. */
  async open(messageId: string | null): Promise<void> {
    this.model.failure = null;
    try {
      await this.#line.next(async () => {
        const [page] = await Promise.all([
          this.model.fetch(messageId === null ? {} : { around: messageId }),
          this.model.readConversation(),
        ]);
        if (!this.#gone) this.#settle(() => this.model.replace(page));
      });
      if (this.#gone) return;
      if (messageId !== null) await this.jump(messageId);
    } catch (thrown) {
      if (!this.#gone) this.model.failure = toFailure(thrown);
    }
  }

  /** Brings a message to the upper third and lights it up; a hidden one is shown for it. */
  async jump(messageId: string): Promise<void> {
    if (this.model.indexOf(messageId) < 0) {
      await this.#line.next(async () => {
        let page = await this.model.fetch({ around: messageId });
        if (!page.messages.some(({ id }) => id === messageId) && !this.model.showHidden) {
          this.model.showHidden = true;
          page = await this.model.fetch({ around: messageId });
        }
        if (!this.#gone) this.#settle(() => this.model.replace(page));
      });
      if (this.#gone) return;
    }
    this.#pinned = { at: 'message', id: messageId, delta: -this.height * 0.22 };
    this.following = false;
    this.#put(this.#pinned);
    this.flash = messageId;
    clearTimeout(this.#flashTimer);
    this.#flashTimer = setTimeout(() => (this.flash = null), FLASH_MS);
  }

  /** Where the reader is, to come back to. */
  mark(): Anchor {
    return this.#anchor();
  }

  async back(mark: Anchor): Promise<void> {
    if (mark.at === 'end') return this.toEnd();
    if (mark.at === 'message' && this.model.indexOf(mark.id) < 0) await this.#replace({ around: mark.id });
    if (this.#gone) return;
    this.following = false;
    this.#pinned = mark;
    this.#put(mark);
  }

  /** The place of the first message on the screen. */
  firstSeen(): number {
    return this.model.heights.at(this.#top);
  }

  /** Brings a place so far below the beginning of a message onto the screen, when the beginning is too far from it. */
  show(messageId: string, below: number): void {
    if (below < this.height * 0.6) return;
    this.#pinned = { at: 'message', id: messageId, delta: below - this.height * 0.3 };
    this.#put(this.#pinned);
  }

  async toEnd(): Promise<void> {
    await this.#replace({});
    this.newBelow = false;
    this.following = true;
    this.#pinned = { at: 'end' };
    this.#put(this.#pinned);
  }

  /** Reads the pages that the screen lacks, one after the other. */
  async fill(): Promise<void> {
    if (this.reading || !this.model.loaded) return;
    this.reading = true;
    try {
      for (let want = this.#missing(); want !== null; want = this.#missing()) {
        if ('at' in want) {
          const before = this.scroll;
          await new Promise((resolve) => setTimeout(resolve, REST_MS));
          if (this.#gone) return;
          if (before !== this.scroll) continue;
        }
        if (!(await this.#line.next(() => this.#bring()))) return;
      }
    } catch (thrown) {
      if (!this.#gone) this.model.failure = toFailure(thrown);
    } finally {
      this.reading = false;
    }
  }

  /**
   * After a change of the rows: the same place, read anew. Who reads at the end stays at the end. However many changes
   * come while a read is under way, one more read takes them all in; the first read of all is no exception.
   */
  refresh(): Promise<void> {
    this.#due ??= this.#line.next(() => {
      this.#due = null;
      return this.#refresh();
    });
    return this.#due;
  }

  async #refresh(): Promise<void> {
    if (this.#gone || !this.model.loaded) return;
    const total = this.model.total;
    const following = this.following && this.model.held.end >= total;
    const anchor = this.#anchor();
    const around = anchor.at === 'message' ? anchor.id : this.drawn.messages[0]?.id;
    await this.model.readConversation().catch(() => undefined);
    await this.#read(following || around === undefined ? {} : { around });
    if (!following && this.model.total > total) this.newBelow = true;
  }

  /** Another branch: the message that was chosen takes the place of its sibling. */
  async branch(index: number, siblingId: string): Promise<void> {
    const anchor: Anchor = { at: 'index', index, delta: this.#top - this.model.heights.top(index) };
    this.following = false;
    this.#pinned = anchor;
    await this.#replace({ around: siblingId });
  }

  onScroll(): void {
    this.scroll = this.#top;
    if (Math.abs(this.#top - this.#expected) < 1.5) return;
    this.#pinned = null;
    this.#expected = -1;
    const atEnd = (this.#element?.scrollHeight ?? this.full) - this.#top - this.height < END_PX + 80 && this.model.held.end >= this.model.total;
    this.following = atEnd;
    if (atEnd) this.newBelow = false;
  }

  /** Something below the messages came or went: who reads at the end stays there. */
  keepEnd(): void {
    if (this.following) this.#put({ at: 'end' });
  }

  /** The reader takes over: nothing is pinned any more. */
  release(): void {
    this.#pinned = null;
  }

  /** The next page that the screen lacks, if it still does; false: nothing more comes. */
  async #bring(): Promise<boolean> {
    const want = this.#missing();
    if (want === null || this.#gone) return false;
    const page = await this.model.fetch(this.#request(want));
    if (this.#gone || page.messages.length === 0) return false;
    this.#settle(() => this.model.add(page, Math.round((this.span.first + this.span.end) / 2)));
    return true;
  }

  #replace(wanted: Wanted): Promise<void> {
    return this.#line.next(() => this.#read(wanted));
  }

  async #read(wanted: Wanted): Promise<void> {
    try {
      const page = await this.model.fetch(wanted, PAGE * 2).catch((thrown: unknown) => {
        // The message at the reader's place is gone: the nearest page by place will do.
        if (toFailure(thrown).code !== 'not_found') throw thrown;
        return this.model.fetch({ at: Math.max(0, this.drawn.first - PAGE / 2) }, PAGE * 2);
      });
      if (!this.#gone) this.#settle(() => this.model.replace(page));
    } catch (thrown) {
      if (!this.#gone) this.model.failure = toFailure(thrown);
    }
  }

  get #top(): number {
    return this.#element?.scrollTop ?? 0;
  }

  #missing() {
    return missing(this.model.held, this.span, this.model.total);
  }

  #request(want: NonNullable<ReturnType<typeof missing>>): Wanted {
    const { messages } = this.model;
    if (!('side' in want)) return want;
    if (want.side === 'before') return { before: messages[0]!.id };
    return { after: messages.at(-1)!.id };
  }

  #anchor(): Anchor {
    if (this.#pinned) return this.#pinned;
    if (this.following) return { at: 'end' };
    const index = this.model.heights.at(this.#top);
    const delta = this.#top - this.model.heights.top(index);
    const message = this.model.at(index);
    return message ? { at: 'message', id: message.id, delta } : { at: 'index', index, delta };
  }

  #settle(change: () => void): void {
    const anchor = this.#anchor();
    change();
    this.#revision += 1;
    flushSync();
    this.#put(anchor);
  }

  #put(anchor: Anchor): void {
    const element = this.#element;
    if (!element) return;
    if (anchor.at === 'end') {
      element.scrollTop = element.scrollHeight;
    } else {
      const index = anchor.at === 'index' ? anchor.index : this.model.indexOf(anchor.id);
      if (index < 0) return;
      const top = this.model.heights.top(index) + anchor.delta;
      if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
    }
    this.#expected = element.scrollTop;
    this.scroll = element.scrollTop;
  }

  #measured(entries: ResizeObserverEntry[]): void {
    const sizes = new Map<string, number>();
    let view = this.height;
    for (const entry of entries) {
      if (entry.target === this.#element) {
        view = this.#element.clientHeight;
        continue;
      }
      const id = this.#ids.get(entry.target);
      if (id !== undefined) sizes.set(id, entry.borderBoxSize[0]?.blockSize ?? entry.contentRect.height);
    }
    this.#settle(() => {
      this.height = view;
      for (const [id, size] of sizes) this.model.measured(id, size);
    });
  }
}
