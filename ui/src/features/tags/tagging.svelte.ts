/** The tags of one or many conversations, and what can be added to them. Each act is kept at once and can be taken back. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { TagCount } from '../../ipc/generated';
import { addTag, removeTag } from '../../state/acts';
import { folded } from '../../state/fold';

/** So many offers are enough to choose from; more is found by typing. */
const MOST = 50;

export interface Offer {
  tag: string;
  /** Conversations of the library that have it; null: a new tag. */
  count: number | null;
}

/** Tags that are not on all of them yet and hold what was typed; those that begin with it first; a new one last. */
export function offersFor(typed: string, all: readonly TagCount[], here: readonly TagCount[], of: number): Offer[] {
  const text = typed.trim();
  const wanted = folded(text);
  const full = new Set(here.filter(({ conversations }) => conversations >= of).map(({ tag }) => tag));
  const found = all.filter(({ tag }) => !full.has(tag) && folded(tag).includes(wanted));
  const rank = ({ tag }: TagCount) => (folded(tag).startsWith(wanted) ? 0 : 1);
  const offers: Offer[] = found
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST)
    .map(({ tag, conversations }) => ({ tag, count: conversations }));
  const known = all.some(({ tag }) => tag === text) || full.has(text);
  if (text !== '' && !known) offers.push({ tag: text, count: null });
  return offers;
}

export class Tagging {
  readonly ids: string[];
  here = $state.raw<TagCount[]>([]);
  loaded = $state(false);
  failure = $state.raw<CommandFailure | null>(null);

  constructor(ids: string[]) {
    this.ids = ids;
  }

  async read(): Promise<void> {
    try {
      this.here = await ipc.tagsOf({ ids: this.ids });
      this.loaded = true;
      this.failure = null;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  async add(tag: string): Promise<void> {
    if (await addTag(this.ids, tag.trim())) await this.read();
  }

  async remove(tag: string): Promise<void> {
    if (await removeTag(this.ids, tag)) await this.read();
  }
}
