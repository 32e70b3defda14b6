/** Finding in one thread: what is looked for, the messages that hold it in their order, and which of them is in view. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { FoundMessage } from '../../ipc/generated';

const PAUSE_MS = 120;

export class Finding {
  readonly conversation: string;
  text = $state('');
  /** The words of a search, not a text as it stands. */
  words = $state(false);
  found = $state.raw<FoundMessage[]>([]);
  total = $state(0);
  needles = $state.raw<string[]>([]);
  /** Place among those found; -1: none. */
  at = $state(-1);
  /** What the answer is for; null: it is still awaited. */
  answered = $state<string | null>(null);
  failure = $state.raw<CommandFailure | null>(null);

  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(conversation: string) {
    this.conversation = conversation;
  }

  get current(): FoundMessage | null {
    return this.found[this.at] ?? null;
  }

  /** Typed: a moment later, the first one from `seen` on is gone to. */
  type(text: string, showHidden: boolean, seen: () => number, go: (message: FoundMessage) => void): void {
    this.text = text;
    this.words = false;
    this.answered = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(showHidden, seen(), go), PAUSE_MS);
  }

  /** Asks. `near`: a message, or the place from which on the first one is wanted; `go` is told where that is. */
  async look(showHidden: boolean, near: string | number | null, go: ((message: FoundMessage) => void) | null): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const { text, words } = this;
    try {
      const answer = await ipc.findInThread({ conversation_id: this.conversation, text, words, show_hidden: showHidden });
      if (turn !== this.#turn) return;
      this.found = answer.messages;
      this.total = answer.total;
      this.needles = answer.needles;
      this.failure = null;
      this.answered = text;
      const place = answer.messages.findIndex(({ message_id, place }) => (typeof near === 'number' ? place >= near : message_id === near));
      this.at = answer.messages.length === 0 ? -1 : Math.max(0, place);
      if (go && this.current) go(this.current);
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }

  step(by: 1 | -1): FoundMessage | null {
    const count = this.found.length;
    if (count === 0) return null;
    this.at = (this.at + by + count) % count;
    return this.current;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
  }
}
