/** Usage by day, model or provider, for a period. */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { UsageBy, UsageRow } from '../../ipc/generated';

export type Period = '30' | '90' | '365' | 'all';

export function sinceOf(period: Period, now: Date): string | null {
  if (period === 'all') return null;
  return new Date(now.getTime() - Number(period) * 86_400_000).toISOString().slice(0, 10);
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
  rows = $state.raw<UsageRow[] | null>(null);
  failure = $state.raw<CommandFailure | null>(null);
  #turn = 0;

  get tokens(): number {
    return (this.rows ?? []).reduce((sum, row) => sum + row.total_tokens, 0);
  }

  get messages(): number {
    return (this.rows ?? []).reduce((sum, row) => sum + row.messages, 0);
  }

  async read(by: UsageBy, period: Period, now: Date): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const { rows } = await ipc.usage({ since: sinceOf(period, now), by });
      if (turn !== this.#turn) return;
      // The newest day first; models and providers by weight.
      this.rows = [...rows].sort((a, b) =>
        by === 'day' ? (b.key ?? '').localeCompare(a.key ?? '') : b.total_tokens - a.total_tokens || b.messages - a.messages,
      );
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }
}
