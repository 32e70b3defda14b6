/** Signing out, syncing now, and what the server refused. */
import { ipc } from '../../ipc/commands';
import type { OutboxAction, OutboxRow, Status } from '../../ipc/generated';
import { t } from '../../state/i18n.svelte';
import { session } from '../../state/session.svelte';
import { toasts } from '../../state/toasts.svelte';

export class Acting {
  busy = $state(false);
  refused = $state.raw<OutboxRow[]>([]);

  async readRefused(): Promise<void> {
    try {
      this.refused = (await ipc.outbox()).filter((row) => row.state === 'wedged');
    } catch (thrown) {
      toasts.fail(thrown);
    }
  }

  async resolve(id: string, action: OutboxAction): Promise<void> {
    await this.#do(async () => {
      await ipc.resolveOutbox({ id, action });
      await this.readRefused();
      session.status = await ipc.status();
    });
  }

  syncNow(): Promise<boolean> {
    return this.#take(() => ipc.syncNow());
  }

  async signOut(): Promise<boolean> {
    const done = await this.#take(() => ipc.signOut());
    if (done) toasts.tell(t().account.signedOutToast);
    return done;
  }

  #take(act: () => Promise<Status>): Promise<boolean> {
    return this.#do(async () => void (session.status = await act()));
  }

  async #do(act: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    try {
      await act();
      return true;
    } catch (thrown) {
      toasts.fail(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
