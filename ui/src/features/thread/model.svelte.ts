/** The messages of one thread that are held at the moment, and the conversation they belong to. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import type { ConversationRow, MessageView, ThreadPage, ThreadRequest } from '../../ipc/generated';
import { Heights } from './heights';
import type { Span } from './window';
import { PAGE, join } from './window';

/** A message of usual length on a column of usual width. */
const ESTIMATE_PX = 190;

export type Wanted = Pick<ThreadRequest, 'before' | 'after' | 'around' | 'at'>;

export class ThreadModel {
  readonly id: string;
  conversation = $state.raw<ConversationRow | null>(null);
  messages = $state.raw<MessageView[]>([]);
  first = $state(0);
  total = $state(0);
  hidden = $state(0);
  showHidden = $state(false);
  loaded = $state(false);
  failure = $state.raw<CommandFailure | null>(null);
  heights = new Heights(0, ESTIMATE_PX);

  /** Heights outlive the places of their messages, which move when one is added or removed. */
  #byId = new Map<string, number>();

  constructor(id: string, showHidden: boolean) {
    this.id = id;
    this.showHidden = showHidden;
  }

  get held(): Span {
    return { first: this.first, end: this.first + this.messages.length };
  }

  async readConversation(): Promise<void> {
    this.conversation = await ipc.getConversation({ id: this.id });
  }

  fetch(wanted: Wanted, limit = PAGE): Promise<ThreadPage> {
    return ipc.threadPage({ conversation_id: this.id, limit, show_hidden: this.showHidden, ...wanted });
  }

  /** Puts a page beside what is held, when they touch; else in its place. */
  add(page: ThreadPage, keep: number): void {
    if (page.total !== this.total) return this.replace(page);
    const joined = join({ first: this.first, items: this.messages }, { first: page.first, items: page.messages }, keep);
    this.#hold(joined.first, joined.items, page);
  }

  replace(page: ThreadPage): void {
    this.heights = new Heights(page.total, this.loaded ? this.heights.estimate : ESTIMATE_PX);
    this.#hold(page.first, page.messages, page);
  }

  measured(id: string, height: number): boolean {
    const index = this.indexOf(id);
    if (index < 0 || Math.abs(this.heights.of(index) - height) < 0.5) return false;
    this.#byId.set(id, height);
    this.heights.set(index, height);
    return true;
  }

  indexOf(id: string): number {
    const place = this.messages.findIndex((message) => message.id === id);
    return place < 0 ? -1 : this.first + place;
  }

  at(index: number): MessageView | undefined {
    return this.messages[index - this.first];
  }

  #hold(first: number, messages: MessageView[], page: ThreadPage): void {
    this.first = first;
    this.messages = messages;
    this.total = page.total;
    this.hidden = page.hidden;
    this.loaded = true;
    messages.forEach((message, place) => {
      const height = this.#byId.get(message.id);
      if (height !== undefined) this.heights.set(first + place, height);
    });
  }
}
