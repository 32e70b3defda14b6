/**
 * The menu bar of the desktop: the acts of the palette, in groups, in the language of the window. macOS always has one;
 * elsewhere whoever wants it. The backend makes it a native one and says what was chosen.
 */
import { actsFor } from '../features/palette/acts';
import { ipc } from '../ipc/commands';
import { onAsked, onChanged } from '../ipc/events';
import type { Asked, ConversationRow, MenuBar, MenuEntry, MenuGroup } from '../ipc/generated';
import { t } from '../state/i18n.svelte';
import { nav } from '../state/navigation.svelte';
import { session } from '../state/session.svelte';

/** Which act stands where; null is a line between. Those that there are not just now are left out. */
const GROUPS: { name: 'file' | 'edit' | 'view' | 'conversation' | 'window' | 'help'; role: string | null; acts: (string | null)[] }[] = [
  { name: 'file', role: null, acts: ['new', null, 'import', 'export-all', 'back-up', null, 'sign-in', 'account', 'sync', null, 'settings'] },
  { name: 'edit', role: 'edit', acts: ['undo', null, 'find', 'search'] },
  { name: 'view', role: null, acts: ['palette', 'sidebar', null, 'archive-view', 'trash-view', 'usage', null, 'light', 'dark', 'system'] },
  { name: 'conversation', role: null, acts: ['rename', 'star', 'tags', 'files', 'reading', 'export', null, 'archive', 'delete'] },
  // What it holds comes from macOS alone.
  { name: 'window', role: 'window', acts: [] },
  { name: 'help', role: null, acts: ['help'] },
];

/** `Ctrl K` and `⌘ K`, as the desktop writes it. */
function accelerator(keys: string): string {
  return keys.replace(/^(Ctrl|⌘) /, 'CmdOrCtrl+').replace('⇧ ', 'Shift+');
}

export function menuBar(open: ConversationRow | null): MenuBar {
  const acts = [...actsFor(open), { id: 'palette', name: t().palette.title, keys: `${session.mod} ⇧ P` }];
  const groups: MenuGroup[] = GROUPS.map(({ name, role, acts: ids }) => {
    const entries = ids.flatMap((id): MenuEntry[] => {
      if (id === null) return [{ act: null, label: '', keys: null }];
      const act = acts.find((one) => one.id === id);
      // While text is typed, the keys of undo belong to the text: the page decides, and so it must hear them.
      const keys = act && id !== 'undo' && 'keys' in act && act.keys ? accelerator(act.keys) : null;
      return act ? [{ act: id, label: act.name, keys }] : [];
    });
    return { label: t().desk.menu[name], role, entries: between(entries) };
  });
  const macos = session.info?.platform === 'macos';
  return { groups: groups.filter(({ role, entries }) => entries.length > 0 || (macos && role === 'window')) };
}

/** No line at an end, none beside another. */
function between(entries: MenuEntry[]): MenuEntry[] {
  return entries.filter(({ act }, at) => act !== null || (at > 0 && at < entries.length - 1 && entries[at + 1]?.act !== null));
}

class Menu {
  #open = $state.raw<ConversationRow | null>(null);
  #sent = '';
  #turn = 0;

  /** Does what was chosen outside the page, and keeps what the open conversation offers. */
  async listen(): Promise<() => void> {
    const stops = await Promise.all([
      onAsked((asked) => this.#take(asked)),
      onChanged(({ conversations }) => {
        const id = this.#open?.id;
        if (this.wanted && id !== undefined && (conversations === null || conversations.includes(id))) void this.look(id);
      }),
    ]);
    return () => stops.forEach((stop) => stop());
  }

  #take({ act, conversation_id }: Asked): void {
    if (conversation_id !== null) nav.open(conversation_id);
    if (act === null || session.phase !== 'ready') return;
    nav.close();
    if (act === 'palette') nav.show({ kind: 'palette' });
    else actsFor(this.#open).find(({ id }) => id === act)?.run();
  }

  get wanted(): boolean {
    return session.phase === 'ready' && (session.info?.platform === 'macos' || session.settings.menu_bar);
  }

  /** Reads the conversation whose acts it offers. */
  async look(id: string | null): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const row = id === null ? null : await ipc.getConversation({ id }).catch(() => null);
    if (turn === this.#turn) this.#open = row;
  }

  /** Shows it as it is now. */
  show(): void {
    const bar = this.wanted ? menuBar(this.#open) : { groups: [] };
    const text = JSON.stringify(bar);
    if (text === this.#sent || (this.#sent === '' && bar.groups.length === 0)) return;
    this.#sent = text;
    // Whoever has no menu bar has the palette.
    void ipc.setMenuBar(bar).catch(() => undefined);
  }
}

export const menu = new Menu();
