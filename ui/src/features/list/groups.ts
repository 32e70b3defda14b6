/** The sections of the list: today, yesterday, the last 7 and 30 days, then months. Pure. */
import { localDay, parseTime } from '../../state/time';

export type Group = { kind: 'today' | 'yesterday' | 'week' | 'month' } | { kind: 'calendar'; year: number; month: number };

export function groupOf(lastMessageAt: string, now: Date): Group {
  const date = parseTime(lastMessageAt);
  const days = localDay(now) - localDay(date);
  // A clock that runs ahead must not make a section of its own.
  if (days <= 0) return { kind: 'today' };
  if (days === 1) return { kind: 'yesterday' };
  if (days <= 7) return { kind: 'week' };
  if (days <= 30) return { kind: 'month' };
  return { kind: 'calendar', year: date.getFullYear(), month: date.getMonth() };
}

export function groupKey(group: Group): string {
  return group.kind === 'calendar' ? `${group.year}-${group.month}` : group.kind;
}
