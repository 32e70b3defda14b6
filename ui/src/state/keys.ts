/** The keys of the window, for people: what each does, and how it is written on the keyboard. */
import { t } from './i18n.svelte';
import { session } from './session.svelte';

export interface KeyLine {
  name: string;
  keys: string[];
}

export function keyLines(): KeyLine[] {
  const { mod } = session;
  const text = t().help;
  return [
    { name: text.search, keys: [mod, 'K'] },
    { name: t().find.title, keys: [mod, 'F'] },
    { name: t().find.again, keys: ['F3'] },
    { name: t().palette.title, keys: [mod, '⇧', 'P'] },
    { name: text.newChat, keys: [mod, 'N'] },
    { name: text.next, keys: ['Ctrl', 'Tab'] },
    { name: text.previous, keys: ['Ctrl', '⇧', 'Tab'] },
    { name: t().selection.keySelect, keys: ['⇧', '↑ ↓'] },
    { name: t().selection.keyAll, keys: [mod, 'A'] },
    { name: text.rename, keys: ['F2'] },
    { name: text.undo, keys: [mod, 'Z'] },
    { name: text.sidebar, keys: [mod, 'B'] },
    { name: text.settings, keys: [mod, ','] },
    { name: text.send, keys: ['↵'] },
    { name: text.newline, keys: ['⇧', '↵'] },
    { name: text.stop, keys: ['Esc'] },
    { name: text.recall, keys: ['↑'] },
    { name: text.start, keys: ['Home'] },
    { name: text.end, keys: ['End'] },
    { name: text.help, keys: [mod, '/'] },
  ];
}
