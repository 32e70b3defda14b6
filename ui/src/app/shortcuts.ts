/** The keys of the whole window. */
export type Act =
  | 'search'
  | 'new-chat'
  | 'sidebar'
  | 'settings'
  | 'help'
  | 'undo'
  | 'next'
  | 'previous'
  | 'rename'
  | 'find'
  | 'palette';

interface Keys {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

const WITH_MOD: Record<string, Act> = {
  k: 'search',
  n: 'new-chat',
  b: 'sidebar',
  ',': 'settings',
  '/': 'help',
  z: 'undo',
  f: 'find',
};

/** What the keys ask for. While text is typed, undo belongs to the text. */
export function actOf(event: Keys, typing: boolean): Act | null {
  if (event.key === 'F2' && !typing) return 'rename';
  if (event.key === 'Tab' && event.ctrlKey) return event.shiftKey ? 'previous' : 'next';
  if ((event.ctrlKey || event.metaKey) && event.shiftKey && !event.altKey && event.key.toLowerCase() === 'p') return 'palette';
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return null;
  const act = WITH_MOD[event.key.toLowerCase()] ?? null;
  return act === 'undo' && typing ? null : act;
}

/** Whether keys go into a text just now. A text that is still empty has nothing of its own to undo. */
export function isTyping(element: Element | null): boolean {
  if (element instanceof HTMLTextAreaElement) return element.value !== '';
  return element instanceof HTMLInputElement && !['radio', 'checkbox'].includes(element.type) && element.value !== '';
}
