/** The search as one types: a short pause, only the newest answer, and the chosen hit. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { Hit, SearchResponse, Sort } from '../../ipc/generated';
import { Latest } from './latest';

/** Long enough to join the letters of a burst, too short to be felt. */
const PAUSE_MS = 30;
const PAGE = 60;
const MOST = 200;

export class SearchModel {
  query = $state('');
  sort = $state<Sort>('best');
  answer = $state.raw<SearchResponse | null>(null);
  /** What the answer is for. */
  answered = $state('');
  failure = $state.raw<CommandFailure | null>(null);
  chosen = $state(0);

  #latest = new Latest();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #limit = PAGE;

  /** Hits in the order in which they are shown: by group. */
  shown: Hit[] = $derived.by(() => {
    const { answer } = this;
    return answer ? answer.groups.flatMap((group) => group.hits.flatMap((place) => answer.hits[place] ?? [])) : [];
  });

  get hasMore(): boolean {
    return this.answer !== null && this.shown.length < Math.min(this.answer.total, MOST);
  }

  type(query: string): void {
    this.query = query;
    this.#limit = PAGE;
    clearTimeout(this.#timer);
    if (query.trim() === '') {
      this.#latest.drop();
      this.answer = null;
      this.failure = null;
      return;
    }
    this.#timer = setTimeout(() => this.#ask(true), PAUSE_MS);
  }

  order(sort: Sort): void {
    this.sort = sort;
    if (this.query.trim() !== '') this.#ask(true);
  }

  more(): void {
    this.#limit = MOST;
    this.#ask(true);
  }

  step(by: number): void {
    const count = this.shown.length;
    if (count > 0) this.chosen = (this.chosen + by + count) % count;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#latest.drop();
  }

  #ask(typing: boolean): void {
    const query = this.query;
    const fresh = query !== this.answered;
    void this.#latest.ask(
      () => ipc.search({ query, limit: this.#limit, offset: 0, sort: this.sort, typing }),
      (answer) => {
        this.answer = answer;
        this.answered = query;
        this.failure = null;
        if (fresh) this.chosen = 0;
      },
      (thrown) => (this.failure = toFailure(thrown)),
    );
  }
}
