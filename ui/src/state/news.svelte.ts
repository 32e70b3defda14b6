/**
 * What the server tells: work on it, providers that do not work as usual, this account's plan and suspension. The backend
 * keeps what it read last, so this is there offline too; it is read again when the status was announced, but not while a sync
 * tells how far it is.
 */
import { ipc } from '../ipc/commands';
import { onStatus } from '../ipc/events';
import type { ProviderHealth, ServerNews, SyncState } from '../ipc/generated';
import { t } from './i18n.svelte';

/** Which notice was put aside. Another text is another notice. */
const SEEN_KEY = 'airi.notice-seen';
const NOTHING: ServerNews = { read_at: null, notice: null, providers: [], limits: null };
/** What is announced at once is asked about once. */
const ASK_MS = 500;

class News {
  told = $state.raw<ServerNews>(NOTHING);
  seen = $state<string | null>(localStorage.getItem(SEEN_KEY));
  #heard: SyncState | null = null;
  #asking: ReturnType<typeof setTimeout> | null = null;

  /** The operator's words, unless they were put aside. */
  get notice(): string | null {
    return this.told.notice === this.seen ? null : this.told.notice;
  }

  async listen(): Promise<() => void> {
    void this.read();
    return onStatus(({ status }) => {
      const { sync } = status;
      const progress = sync === 'syncing' && this.#heard === 'syncing';
      this.#heard = sync;
      if (progress || this.#asking !== null) return;
      this.#asking = setTimeout(() => {
        this.#asking = null;
        void this.read();
      }, ASK_MS);
    });
  }

  async read(): Promise<void> {
    // An offer, no more: what cannot be read says so elsewhere.
    this.told = await ipc.serverNews().catch(() => this.told);
  }

  dismiss(): void {
    this.seen = this.told.notice;
    if (this.seen !== null) localStorage.setItem(SEEN_KEY, this.seen);
  }

  /** How the server sees a provider of models; null: as usual, or it does not know it. */
  healthOf(provider: string): ProviderHealth | null {
    const wanted = provider.toLowerCase();
    return this.told.providers.find(({ id, name }) => id.toLowerCase() === wanted || name.toLowerCase() === wanted) ?? null;
  }

  /** The same in words. */
  healthText(provider: string): string | null {
    const health = this.healthOf(provider);
    const text = t().news;
    return health && text.healthOf(health.name, text.health[health.status] ?? health.status);
  }
}

export const news = new News();
