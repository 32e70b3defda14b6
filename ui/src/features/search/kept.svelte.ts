/** Questions that were asked before, and those that somebody keeps. On this device only: they say what one looks for. */

const KEY = 'airi.searches';
const RECENT = 8;
const SAVED = 30;

interface Kept {
  recent: string[];
  saved: string[];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one.trim() !== '') : [];
}

/** Whatever lies there: broken or foreign content counts as nothing. */
export function readKept(stored: string | null): Kept {
  try {
    const value = JSON.parse(stored ?? '{}') as Partial<Record<keyof Kept, unknown>> | null;
    return { recent: texts(value?.recent).slice(0, RECENT), saved: texts(value?.saved).slice(0, SAVED) };
  } catch {
    return { recent: [], saved: [] };
  }
}

class KeptSearches {
  #kept = $state.raw<Kept>(readKept(localStorage.getItem(KEY)));

  get saved(): string[] {
    return this.#kept.saved;
  }

  /** The newest first, without those that are saved anyway. */
  get recent(): string[] {
    return this.#kept.recent.filter((query) => !this.#kept.saved.includes(query));
  }

  isSaved(query: string): boolean {
    return this.#kept.saved.includes(query.trim());
  }

  /** A question that led somewhere. */
  remember(query: string): void {
    const asked = query.trim();
    if (asked === '') return;
    this.#keep({ ...this.#kept, recent: [asked, ...this.#kept.recent.filter((one) => one !== asked)].slice(0, RECENT) });
  }

  toggle(query: string): void {
    const asked = query.trim();
    const without = this.#kept.saved.filter((one) => one !== asked);
    const saved = without.length < this.#kept.saved.length ? without : [asked, ...without].slice(0, SAVED);
    this.#keep({ ...this.#kept, saved });
  }

  forgetRecent(): void {
    this.#keep({ ...this.#kept, recent: [] });
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    localStorage.setItem(KEY, JSON.stringify(kept));
  }
}

export const kept = new KeptSearches();
