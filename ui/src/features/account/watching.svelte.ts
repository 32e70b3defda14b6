/** What the whole window keeps an eye on: how fast a long sync goes, and whether an ended session was noticed. */
import type { Status } from '../../ipc/generated';
import { Pace } from './pace';

const SEEN_KEY = 'airi.signed-out-seen';

class Watching {
  /** Seconds until a long sync is done; null: not known. */
  left = $state<number | null>(null);
  /** Whose ended session the user has put aside; signing in forgets it. */
  seen = $state<string | null>(localStorage.getItem(SEEN_KEY));

  #pace = new Pace();
  #leaving = false;

  feed(status: Status, at: number): void {
    if (status.sync === 'syncing') this.#pace.feed(status.progress, at);
    else this.#pace.rest();
    this.left = this.#pace.left();
    if (status.account?.signed_in && !this.#leaving) this.#see(null);
  }

  /** The user knows that this account is signed out. */
  dismiss(status: Status): void {
    this.#see(status.account?.user_id ?? null);
  }

  /** Signs out by the user's own will, so nobody need tell them; the backend may say so before it answers. */
  async leave(status: Status, act: () => Promise<boolean>): Promise<boolean> {
    this.#leaving = true;
    this.dismiss(status);
    const left = await act();
    this.#leaving = false;
    if (!left) this.#see(null);
    return left;
  }

  /** Whether to say that the session has ended: not to somebody who signed out just now, nor twice. */
  tellsEnded(status: Status): boolean {
    return status.sync === 'signed_out' && status.account !== null && status.account.user_id !== this.seen;
  }

  #see(user: string | null): void {
    if (user === this.seen) return;
    this.seen = user;
    if (user === null) localStorage.removeItem(SEEN_KEY);
    else localStorage.setItem(SEEN_KEY, user);
  }
}

export const watching = new Watching();
