/** What was typed and not saved, kept per conversation over restarts. */
const PREFIX = 'airi.draft.';
const NEW = 'new';

function key(conversation: string | null): string {
  return PREFIX + (conversation ?? NEW);
}

export function readDraft(conversation: string | null): string {
  return localStorage.getItem(key(conversation)) ?? '';
}

export function keepDraft(conversation: string | null, text: string): void {
  try {
    if (text === '') localStorage.removeItem(key(conversation));
    else localStorage.setItem(key(conversation), text);
  } catch {
    // A full store loses the draft of a restart, never what is on the screen.
  }
}
