/** The languages the window speaks, and which one the system asks for. */
import type { Messages } from './en';
import { en } from './en';
import { ja } from './ja';
import { zhHans } from './zh-Hans';

export type { Messages };
export type Language = 'en' | 'zh-Hans' | 'ja';

export const LANGUAGES: Record<Language, { name: string; messages: Messages }> = {
  en: { name: 'English', messages: en },
  'zh-Hans': { name: '简体中文', messages: zhHans },
  ja: { name: '日本語', messages: ja },
};

/** `chosen` wins; else the first system language that is spoken here; else English. */
export function pickLanguage(chosen: string | null, system: readonly string[]): Language {
  for (const tag of chosen === null ? system : [chosen, ...system]) {
    const lower = tag.toLowerCase();
    if (lower.startsWith('zh') && !/hant|-tw|-hk|-mo/.test(lower)) return 'zh-Hans';
    if (lower.startsWith('ja')) return 'ja';
    if (lower.startsWith('en')) return 'en';
  }
  return 'en';
}
