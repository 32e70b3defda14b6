/** The language in use. `t()` is read in markup, so a change of language redraws the texts. */
import type { Language, Messages } from '../messages';
import { LANGUAGES, pickLanguage } from '../messages';

class I18n {
  language = $state<Language>('en');

  choose(chosen: string | null): void {
    this.language = pickLanguage(chosen, navigator.languages);
    document.documentElement.lang = this.language;
  }
}

export const i18n = new I18n();

export function t(): Messages {
  return LANGUAGES[i18n.language].messages;
}

export function number(value: number): string {
  return value.toLocaleString(i18n.language);
}

/** 12.3k, 4.5M: for counts that are read at a glance. */
export function compact(value: number): string {
  return new Intl.NumberFormat(i18n.language, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

export function bytes(value: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(i18n.language, {
    style: 'unit',
    unit: units[unit] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: rest < 10 ? 1 : 0,
  }).format(rest);
}

/** A share of 0 to 1. Rounded down: all is done only when all is done. */
export function percent(share: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(Math.floor(share * 100) / 100);
}

/** "a, b and c" in the language's own way. */
export function listed(names: string[], language: string): string {
  return new Intl.ListFormat(language, { style: 'long', type: 'conjunction' }).format(names);
}
