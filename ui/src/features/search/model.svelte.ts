/** The search as one types: filters apart from the words, one question at a time, the newest answer, and the chosen hit. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { Hit, SearchResponse, Sort } from '../../ipc/generated';
import type { Filter } from './filters';
import { compose, cut, same } from './filters';
import { Latest } from './latest';

const PAGE = 60;
const MOST = 200;
/** What was not searched yet may be by then, in milliseconds. */
const AGAIN_AFTER = 2000;

export class SearchModel {
  text = $state('');
  filters = $state.raw<Filter[]>([]);
  sort = $state<Sort>('best');
  answer = $state.raw<SearchResponse | null>(null);
  /** What the answer is for. */
  answered = $state('');
  failure = $state.raw<CommandFailure | null>(null);
  chosen = $state(0);

  #latest = new Latest();
  #asking = false;
  #again = false;
  #later: ReturnType<typeof setTimeout> | undefined;
  #limit = PAGE;

  /** The whole question. */
  query = $derived(compose(this.filters, this.text));

  /** Hits in the order in which they are shown: by group. */
  shown: Hit[] = $derived.by(() => {
    const { answer } = this;
    return answer ? answer.groups.flatMap((group) => group.hits.flatMap((place) => answer.hits[place] ?? [])) : [];
  });

  get hasMore(): boolean {
    return this.answer !== null && this.shown.length < Math.min(this.answer.total, MOST);
  }

  /** Takes a question from elsewhere. */
  ask(query: string): void {
    const { filters, text } = cut(query, false);
    this.filters = filters;
    this.text = text;
    this.#soon();
  }

  /** Takes what was typed; filters that are whole leave the text. */
  type(typed: string): void {
    const { filters, text } = cut(typed, true);
    this.text = text;
    for (const filter of filters) this.#put(filter);
    this.#soon();
  }

  /** Adds a filter in place of what was typed of it. */
  add(filter: Filter, text: string): void {
    this.text = text;
    this.#put(filter);
    this.#soon();
  }

  remove(filter: Filter): void {
    this.filters = this.filters.filter((one) => one !== filter);
    this.#soon();
  }

  order(sort: Sort): void {
    this.sort = sort;
    if (this.query.trim() !== '') this.#ask();
  }

  more(): void {
    this.#limit = MOST;
    this.#ask();
  }

  step(by: number): void {
    const count = this.shown.length;
    if (count > 0) this.chosen = (this.chosen + by + count) % count;
  }

  stop(): void {
    this.#again = false;
    clearTimeout(this.#later);
    this.#latest.drop();
  }

  #put(filter: Filter): void {
    if (!this.filters.some((one) => same(one, filter))) this.filters = [...this.filters, filter];
  }

  #soon(): void {
    this.#limit = PAGE;
    if (this.query.trim() === '') {
      this.#again = false;
      clearTimeout(this.#later);
      this.#latest.drop();
      this.answer = null;
      this.failure = null;
      return;
    }
    this.#ask();
  }

  /** Asks at once; letters that come before the answer are one question after it, so a burst asks no more than is answered. */
  #ask(): void {
    this.#again = this.#asking;
    if (!this.#asking) void this.#askNow();
  }

  async #askNow(): Promise<void> {
    const { query } = this;
    clearTimeout(this.#later);
    const fresh = query !== this.answered;
    this.#asking = true;
    await this.#latest.ask(
      () => ipc.search({ query, limit: this.#limit, offset: 0, sort: this.sort, typing: true }),
      (answer) => {
        this.answer = answer;
        this.answered = query;
        this.failure = null;
        if (fresh) this.chosen = 0;
        if (answer.unsearched > 0) this.#later = setTimeout(() => this.#ask(), AGAIN_AFTER);
      },
      (thrown) => (this.failure = toFailure(thrown)),
    );
    this.#asking = false;
    if (this.#again) {
      this.#again = false;
      this.#ask();
    }
  }
}
