/** What the window knows of the app as a whole: version, settings, status; and the theme that follows from it. */
import { ipc } from '../ipc/commands';
import type { CommandFailure } from '../ipc/errors';
import { toFailure } from '../ipc/errors';
import { onStatus } from '../ipc/events';
import type { AppInfo, Settings, Status } from '../ipc/generated';
import { i18n } from './i18n.svelte';

const DEFAULTS: Settings = { theme: 'system', show_hidden: false, language: null, sidebar_width: 300 };
const THEME_KEY = 'airi.theme';

class Session {
  phase = $state<'opening' | 'ready' | 'failed'>('opening');
  failure = $state.raw<CommandFailure | null>(null);
  info = $state.raw<AppInfo | null>(null);
  status = $state.raw<Status | null>(null);
  settings = $state.raw<Settings>(DEFAULTS);

  #dark = window.matchMedia('(prefers-color-scheme: dark)');

  /** The key that makes shortcuts, as it is written on the keyboard. */
  get mod(): string {
    return this.info?.platform === 'macos' ? '⌘' : 'Ctrl';
  }

  /** Before the backend answers: the theme of last time, so that nothing flashes. */
  paintEarly(): void {
    this.#dark.addEventListener('change', () => this.#paint(this.settings.theme));
    this.#paint(localStorage.getItem(THEME_KEY) ?? 'system');
    i18n.choose(null);
  }

  async start(): Promise<void> {
    this.phase = 'opening';
    try {
      const info = await ipc.appInfo();
      this.info = info;
      this.status = info.status;
      this.#take(info.settings);
      this.phase = 'ready';
    } catch (thrown) {
      this.failure = toFailure(thrown);
      this.phase = 'failed';
    }
  }

  listen(): Promise<() => void> {
    return onStatus(({ status }) => (this.status = status));
  }

  /** Shows at once; the backend keeps it. */
  async change(part: Partial<Settings>): Promise<void> {
    this.#take({ ...this.settings, ...part });
    this.#take(await ipc.setSettings(this.settings));
  }

  #take(settings: Settings): void {
    this.settings = settings;
    localStorage.setItem(THEME_KEY, settings.theme);
    this.#paint(settings.theme);
    i18n.choose(settings.language);
  }

  #paint(theme: string): void {
    const dark = theme === 'dark' || (theme !== 'light' && this.#dark.matches);
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  }
}

export const session = new Session();
