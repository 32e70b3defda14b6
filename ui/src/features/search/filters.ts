/**
 * The filters of a question as the window shows them: apart from its words, each to be taken away alone. The language is
 * the backend's (docs/search.md); here it is only cut and put together again. Pure.
 */

export const NAMES = ['in', 'tag', 'role', 'model', 'provider', 'after', 'before', 'is', 'has'] as const;
export type Name = (typeof NAMES)[number];

export interface Filter {
  name: Name;
  value: string;
  negated: boolean;
  /** What is shown instead of the value: a title instead of an id. */
  label?: string;
}

/** What is being typed at the end: the beginning of a filter's name, or of its value. */
export type Unfinished =
  | { kind: 'name'; negated: boolean; typed: string; start: number }
  | { kind: 'value'; negated: boolean; name: Name; typed: string; start: number };

const QUOTES = '"“”„＂«»';
const TOKEN = new RegExp(`[${QUOTES}][^${QUOTES}]*[${QUOTES}]?|(-?)(${NAMES.join('|')}):(?![:/])([${QUOTES}][^${QUOTES}]*[${QUOTES}]|[^\\s${QUOTES}]+)|\\S+|\\s+`, 'giu');
const UNFINISHED_VALUE = new RegExp(`(?:^|\\s)((-?)(${NAMES.join('|')}):(?![:/])([${QUOTES}]?)([^${QUOTES}]*))$`, 'iu');

function bare(value: string): string {
  return QUOTES.includes(value[0] ?? ' ') ? value.slice(1, -1) : value;
}

/** Takes whole filters out of a text. While it is typed, one at the very end is not whole yet: a blank ends it. */
export function cut(text: string, typing: boolean): { filters: Filter[]; text: string } {
  const filters: Filter[] = [];
  let rest = '';
  for (const match of text.matchAll(TOKEN)) {
    const [token, minus, name, value] = match;
    const end = match.index + token.length;
    const ended = end < text.length ? /\s/u.test(text[end] ?? '') : !typing;
    if (name !== undefined && value !== undefined && ended && bare(value).trim() !== '') {
      filters.push({ name: name.toLowerCase() as Name, value: bare(value).trim(), negated: minus === '-' });
    } else rest += token;
  }
  return { filters, text: filters.length > 0 ? rest.replace(/\s+/gu, ' ').trimStart() : rest };
}

export function written({ name, value, negated }: Omit<Filter, 'label'>): string {
  const plain = value.replace(new RegExp(`[${QUOTES}]`, 'gu'), ' ').trim();
  return `${negated ? '-' : ''}${name}:${/\s/u.test(plain) ? `"${plain}"` : plain}`;
}

export function shown(filter: Filter): string {
  return filter.label === undefined ? written(filter) : `${filter.negated ? '-' : ''}${filter.name}: ${filter.label}`;
}

/** The whole question, as the backend takes it. */
export function compose(filters: readonly Filter[], text: string): string {
  return [...filters.map(written), text].join(' ');
}

export function same(a: Filter, b: Filter): boolean {
  return a.name === b.name && a.negated === b.negated && a.value.toLowerCase() === b.value.toLowerCase();
}

/** What is being typed at the end of the text, when it may become a filter. */
export function unfinished(text: string): Unfinished | null {
  const value = UNFINISHED_VALUE.exec(text);
  if (value) {
    const [, token = '', minus, name = '', quote, typed = ''] = value;
    // Without a quote a blank ended it.
    if (quote === '' && /\s/u.test(typed)) return null;
    return { kind: 'value', negated: minus === '-', name: name.toLowerCase() as Name, typed, start: text.length - token.length };
  }
  const word = /(?:^|\s)(-?)([a-z]+)$/iu.exec(text);
  if (!word) return null;
  const [, minus = '', typed = ''] = word;
  return { kind: 'name', negated: minus === '-', typed, start: text.length - typed.length - minus.length };
}

/** The filters whose names begin so. */
export function namesFor(typed: string): Name[] {
  const lower = typed.toLowerCase();
  return NAMES.filter((name) => name.startsWith(lower));
}

/** Ways out of a question that found nothing: without one filter, without all, with one of the words alone. */
export function widerThan(filters: readonly Filter[], text: string): { without: Filter[]; words: string[] } {
  const words = text.match(/[^\s"]+/gu)?.filter((word) => !word.startsWith('-')) ?? [];
  return { without: [...filters], words: words.length > 1 ? words.slice(0, 4) : [] };
}
