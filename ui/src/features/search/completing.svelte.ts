/** What can be put behind a filter's colon: from the library where it knows, else from the language. */
import { ipc } from '../../ipc/commands';
import { titleOf } from '../../state/acts';
import { folded } from '../../state/fold';
import { t } from '../../state/i18n.svelte';
import { nav } from '../../state/navigation.svelte';
import type { Name, Unfinished } from './filters';
import { unfinished } from './filters';
import { Latest } from './latest';

export interface Offer {
  value: string;
  label: string;
  detail: string;
}

const MOST = 12;
const RECENT = 100;

const FIXED: Partial<Record<Name, readonly string[]>> = {
  role: ['user', 'assistant', 'system', 'tool'],
  is: ['starred', 'archived', 'deleted'],
  has: ['attachment'],
  after: ['today', 'yesterday', '7d', '1m', '3m', '1y'],
  before: ['today', 'yesterday', '7d', '1m', '3m', '1y'],
};

function holding(offers: Offer[], typed: string): Offer[] {
  const wanted = folded(typed);
  const rank = (offer: Offer) => (folded(offer.label).startsWith(wanted) ? 0 : 1);
  return offers.filter(({ label }) => folded(label).includes(wanted)).sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}

function plain(value: string, detail = ''): Offer {
  return { value, label: value, detail };
}

async function titles(typed: string): Promise<Offer[]> {
  const [recent, found] = await Promise.all([
    ipc.listConversations({ section: 'all', tag: null, cursor: null, limit: RECENT }),
    typed.trim() === '' ? null : ipc.search({ query: typed, limit: 60, offset: 0, sort: 'best', typing: true }),
  ]);
  const rows = [...recent.conversations, ...(found?.groups.map(({ conversation }) => conversation) ?? [])];
  const offers = new Map<string, Offer>();
  for (const row of rows) offers.set(row.id, { value: row.id, label: titleOf(row), detail: row.id === nav.conversation ? t().filters.thisOne : '' });
  const all = [...offers.values()].sort((a, b) => Number(b.value === nav.conversation) - Number(a.value === nav.conversation));
  return holding(all, typed);
}

/** Reads what can follow; names of models and providers are those that the library's messages have. */
export async function offersFor(name: Name, typed: string): Promise<Offer[]> {
  const fixed = FIXED[name];
  if (fixed) return holding(fixed.map((value) => plain(value, t().filters.values[value] ?? '')), typed);
  if (name === 'in') return titles(typed);
  if (name === 'tag') return holding((await ipc.listTags()).map(({ tag, conversations }) => plain(tag, t().list.count(conversations))), typed);
  const { rows } = await ipc.usage({ since: null, until: null, by: name === 'model' ? 'model' : 'provider' });
  return holding(rows.flatMap(({ key, messages }) => (key ? [plain(key, t().thread.messages(messages))] : [])), typed);
}

export class Completing {
  /** What is typed at the end of the text. */
  at = $state.raw<Unfinished | null>(null);
  offers = $state.raw<Offer[]>([]);
  chosen = $state(0);
  #latest = new Latest();

  /** Values are offered, so arrows and Enter choose among them. */
  get open(): boolean {
    return this.at?.kind === 'value' && this.offers.length > 0;
  }

  look(text: string): void {
    const at = unfinished(text);
    this.at = at;
    this.chosen = 0;
    if (at?.kind !== 'value') return this.close();
    const { name, typed } = at;
    void this.#latest.ask(
      () => offersFor(name, typed),
      (offers) => (this.offers = offers),
      // The search itself tells what is wrong; without offers one types.
      () => (this.offers = []),
    );
  }

  step(by: number): void {
    const count = this.offers.length;
    if (count > 0) this.chosen = (this.chosen + by + count) % count;
  }

  close(): void {
    this.#latest.drop();
    this.offers = [];
  }
}
