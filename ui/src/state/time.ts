/** Times for people. All are ISO 8601 in UTC with microseconds; every function takes now and language, so it can be tested. */

/** Engines agree on three digits after the second only. */
export function parseTime(iso: string): Date {
  return new Date(iso.replace(/(\.\d{3})\d+/, '$1'));
}

/** Days since an arbitrary local midnight; two moments of one local day share it. */
export function localDay(date: Date): number {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(language, options);
    formats.set(key, made);
  }
  return made;
}

/** As short as it stays clear: the hour today, the weekday this week, then the day, then month and year. */
export function shortTime(iso: string, now: Date, language: string): string {
  const date = parseTime(iso);
  const days = localDay(now) - localDay(date);
  if (days <= 0) return clock(iso, language);
  if (days < 7) return format(language, { weekday: 'short' }).format(date);
  if (date.getFullYear() === now.getFullYear()) return format(language, { day: 'numeric', month: 'short' }).format(date);
  return format(language, { day: 'numeric', month: 'short', year: '2-digit' }).format(date);
}

export function clock(iso: string, language: string): string {
  return format(language, { hour: 'numeric', minute: '2-digit' }).format(parseTime(iso));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** "3 minutes ago", "yesterday"; within the last minute "now", also when the other clock runs ahead. */
export function relativeTime(iso: string, now: Date, language: string): string {
  const seconds = Math.max(0, (now.getTime() - parseTime(iso).getTime()) / 1000);
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const [unit, size] = STEPS.find(([, length]) => seconds >= length) ?? ['second', 1];
  return words.format(unit === 'second' ? 0 : -Math.floor(seconds / size), unit);
}

/** The day, with the year where it is another one. */
export function shortDate(iso: string, now: Date, language: string): string {
  const date = parseTime(iso);
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const };
  return format(language, { day: 'numeric', month: 'short', ...year }).format(date);
}

export function longTime(iso: string, language: string): string {
  return format(language, { dateStyle: 'full', timeStyle: 'short' }).format(parseTime(iso));
}

export function dayMark(iso: string, now: Date, language: string): string {
  const date = parseTime(iso);
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' as const }),
  }).format(date);
}

export function monthName(date: Date, now: Date, language: string): string {
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(language, { month: 'long', ...(sameYear ? {} : { year: 'numeric' as const }) }).format(date);
}
