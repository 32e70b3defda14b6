/** The library's tags, the most used first, kept fresh while somebody looks at them. */
import { ipc } from '../ipc/commands';
import type { CommandFailure } from '../ipc/errors';
import { toFailure } from '../ipc/errors';
import type { TagCount } from '../ipc/generated';
import { subscribe } from './changes';

/** An import changes much at a time; counting the tags of a large library once in a while is enough. */
const PAUSE_MS = 400;

class Tags {
  all = $state.raw<TagCount[]>([]);
  loaded = $state(false);
  failure = $state.raw<CommandFailure | null>(null);

  #due = false;
  #turn = 0;

  /** Reads them now and after each change, until the answer is called. */
  watch(): () => void {
    void this.read();
    return subscribe(() => {
      if (this.#due) return;
      this.#due = true;
      setTimeout(() => {
        this.#due = false;
        void this.read();
      }, PAUSE_MS);
    });
  }

  async read(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const all = await ipc.listTags();
      if (turn !== this.#turn) return;
      this.all = all;
      this.loaded = true;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }
}

export const tags = new Tags();
