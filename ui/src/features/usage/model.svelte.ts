/** Usage by day, model, provider or conversation, for a period, and what it cost as far as prices are known. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { UsageBy, UsageReport, UsageRequest, UsageRow } from '../../ipc/generated';

export type Period = '30' | '90' | '365' | 'all' | 'own';

/** Days as a date field gives them; empty: open on that side. Both count in. */
export interface Range {
  from: string;
  to: string;
}

export function sinceOf(period: Exclude<Period, 'own'>, now: Date): string | null {
  if (period === 'all') return null;
  return new Date(now.getTime() - Number(period) * 86_400_000).toISOString().slice(0, 10);
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

export function requestFor(by: UsageBy, period: Period, own: Range, now: Date): UsageRequest {
  if (period !== 'own') return { by, since: sinceOf(period, now), until: null };
  return { by, since: own.from || null, until: own.to ? dayAfter(own.to) : null };
}

export interface Costs {
  /** In US dollars; null: nothing has a known price. */
  usd: number | null;
  /** Tokens without a known price. */
  unpriced: number;
}

export function costsOf(rows: readonly UsageRow[]): Costs {
  const known = rows.flatMap(({ cost_usd }) => (cost_usd === null ? [] : [cost_usd]));
  return {
    usd: known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0),
    unpriced: rows.reduce((sum, row) => sum + row.unpriced_tokens, 0),
  };
}

/** An unknown price is no price of zero, and a sum with something unknown in it is a least. */
export function costText({ usd, unpriced }: Costs, language: string, unknown: string): string {
  if (usd === null) return unpriced > 0 ? unknown : '';
  const digits = usd > 0 && usd < 0.1 ? 4 : 2;
  const money = new Intl.NumberFormat(language, { style: 'currency', currency: 'USD', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(usd);
  return unpriced > 0 ? `≥ ${money}` : money;
}

/** The share of the longest bar, 0 to 1. Exports of other apps know no tokens: then messages weigh. */
export function shareOf(row: UsageRow, rows: readonly UsageRow[]): number {
  const weigh = rows.some(({ total_tokens }) => total_tokens > 0)
    ? (one: UsageRow) => one.total_tokens
    : (one: UsageRow) => one.messages;
  return weigh(row) / Math.max(1, ...rows.map(weigh));
}

export class UsageModel {
  by = $state<UsageBy>('day');
  period = $state<Period>('90');
  own = $state<Range>({ from: '', to: '' });
  report = $state.raw<UsageReport | null>(null);
  rows = $state.raw<UsageRow[] | null>(null);
  failure = $state.raw<CommandFailure | null>(null);
  #turn = 0;

  get tokens(): number {
    return (this.rows ?? []).reduce((sum, row) => sum + row.total_tokens, 0);
  }

  get messages(): number {
    return (this.rows ?? []).reduce((sum, row) => sum + row.messages, 0);
  }

  async read(request: UsageRequest): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const report = await ipc.usage(request);
      if (turn !== this.#turn) return;
      // The newest day first; models and providers by weight.
      this.rows = [...report.rows].sort((a, b) =>
        request.by === 'day' ? (b.key ?? '').localeCompare(a.key ?? '') : b.total_tokens - a.total_tokens || b.messages - a.messages,
      );
      this.report = report;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }
}
