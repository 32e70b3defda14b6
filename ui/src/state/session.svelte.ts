/** What the window knows of the app as a whole: version, settings, status; and the theme that follows from it. */
import { ipc } from '../ipc/commands';
import type { CommandFailure } from '../ipc/errors';
import { toFailure } from '../ipc/errors';
import { onChanged, onStatus } from '../ipc/events';
import type { AppInfo, Settings, Status } from '../ipc/generated';
import { i18n } from './i18n.svelte';

const DEFAULTS: Settings = {
  theme: 'system',
  show_hidden: false,
  language: null,
  sidebar_width: 300,
  files: { keep_offline: 'all', disk_bound_mb: 5120 },
  notifications: true,
  menu_bar: false,
  titles_by_model: true,
};
const THEME_KEY = 'airi.theme';

/** While a sync runs it is announced twice a second; asking takes far less. */
const MOST_TURNS = 5;

/** An import changes much at a time. */
const ASK_MS = 300;

/** A pause shows at once, also while the request under way still ends. */
function shown(status: Status): Status {
  return status.paused && status.sync === 'syncing' ? { ...status, sync: 'paused' } : status;
}

class Session {
  phase = $state<'opening' | 'ready' | 'failed'>('opening');
  failure = $state.raw<CommandFailure | null>(null);
  info = $state.raw<AppInfo | null>(null);
  status = $state.raw<Status | null>(null);
  settings = $state.raw<Settings>(DEFAULTS);

  #heard = 0;
  #asking: ReturnType<typeof setTimeout> | null = null;
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

  async listen(): Promise<() => void> {
    const stops = await Promise.all([
      onStatus(({ status }) => {
        this.#heard += 1;
        this.status = shown(status);
      }),
      onChanged(() => this.#askSoon()),
    ]);
    return () => stops.forEach((stop) => stop());
  }

  /** A change counts among what waits also while nothing syncs; then nobody announces the status. */
  #askSoon(): void {
    if (this.#asking !== null) return;
    this.#asking = setTimeout(() => {
      this.#asking = null;
      // What fails here fails for whoever asked for something, too, and they say so.
      void this.settle(() => ipc.status()).catch(() => undefined);
    }, ASK_MS);
  }

  /**
   * Takes the status that a command answers. Answers and events travel apart: when something was announced meanwhile, the
   * answer may be the older of the two, so it is asked for anew.
   */
  async settle(act: () => Promise<Status>): Promise<void> {
    let heard = this.#heard;
    let status = await act();
    for (let turn = 0; heard !== this.#heard && turn < MOST_TURNS; turn += 1) {
      heard = this.#heard;
      status = await ipc.status();
    }
    this.status = shown(status);
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
