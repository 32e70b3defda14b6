/** What was typed and not saved, kept per conversation over restarts. */
import { session } from './session.svelte';

const PREFIX = 'airi.draft.';

/**
 * Where the draft of a conversation, or of a new one, is kept. A profile that is removed takes its drafts along, and what is
 * written in one stands in no other.
 */
export function draftKey(conversation: string | null): string {
  return `${session.status?.profile ?? ''}/${conversation ?? 'new'}`;
}

export function readDraft(key: string): string {
  return localStorage.getItem(PREFIX + key) ?? '';
}

export function keepDraft(key: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, text);
  } catch {
    // A full store loses the draft of a restart, never what is on the screen.
  }
}

/** All of a profile that is no more. */
export function forgetDrafts(profile: string): void {
  const names = Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at) ?? '');
  for (const name of names.filter((one) => one.startsWith(`${PREFIX}${profile}/`))) localStorage.removeItem(name);
}
