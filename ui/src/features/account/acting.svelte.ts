/**
 * What can be done about sync: now, paused, signed out, compared, a refused change settled, a log written. What it came to
 * stands in `notice`, beside the buttons: a toast would lie under the dialog that they stand in.
 */
import { ipc } from '../../ipc/commands';
import type { CommandFailure } from '../../ipc/errors';
import { toFailure } from '../../ipc/errors';
import type { OutboxRow, Status } from '../../ipc/generated';
import { ask } from '../../state/ask.svelte';
import { t } from '../../state/i18n.svelte';
import { session } from '../../state/session.svelte';

export type Work = 'sync' | 'pause' | 'sign-out' | 'audit' | 'log' | 'change';

export class Acting {
  /** What is under way; one thing at a time. */
  work = $state<Work | null>(null);
  notice = $state<string | null>(null);
  failure = $state.raw<CommandFailure | null>(null);
  rows = $state.raw<OutboxRow[]>([]);

  #turn = 0;

  get refused(): OutboxRow[] {
    return this.rows.filter((row) => row.state === 'wedged');
  }

  get waiting(): OutboxRow[] {
    return this.rows.filter((row) => row.state !== 'wedged');
  }

  /** Reads the outbox anew. Answers may overtake each other; the newest question counts. */
  async read(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const rows = await ipc.outbox();
      if (turn === this.#turn) this.rows = rows;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    }
  }

  syncNow(): Promise<boolean> {
    return this.#take('sync', () => ipc.syncNow());
  }

  pause(paused: boolean): Promise<boolean> {
    return this.#take('pause', () => ipc.pauseSync({ paused }));
  }

  async signOut(): Promise<boolean> {
    const waiting = session.status?.outbox ?? 0;
    if (waiting > 0) {
      const text = t().account;
      const yes = await ask.put({ title: text.signOutTitle, text: text.signOutText(waiting), detail: null, yes: text.signOut, danger: false });
      if (!yes) return false;
    }
    return this.#take('sign-out', () => ipc.signOut());
  }

  compare(): Promise<boolean> {
    return this.#do('audit', async () => {
      const audit = await ipc.verifyRemote();
      if (session.status) session.status = { ...session.status, audit };
    });
  }

  retry(id: string): Promise<boolean> {
    return this.#settle(id, 'retry', t().account.refused.retried);
  }

  discard(id: string): Promise<boolean> {
    return this.#settle(id, 'discard', t().account.refused.discarded);
  }

  /** Asks where to. False: the user closed the dialogue, or it failed. */
  exportChange(id: string, suggested_name: string): Promise<boolean> {
    return this.#save('change', suggested_name, (path) => ipc.exportChange({ id, path }), t().account.refused.exported);
  }

  saveLog(): Promise<boolean> {
    return this.#save('log', 'airi-log.txt', (path) => ipc.saveLog({ path }), t().account.logSaved);
  }

  #settle(id: string, action: 'retry' | 'discard', said: string): Promise<boolean> {
    return this.#do('change', async () => {
      await ipc.resolveOutbox({ id, action });
      this.notice = said;
      await this.read();
      await session.settle(() => ipc.status());
    });
  }

  async #save(
    work: Work,
    suggested_name: string,
    write: (path: string) => Promise<unknown>,
    said: (path: string) => string,
  ): Promise<boolean> {
    let saved = false;
    await this.#do(work, async () => {
      const path = await ipc.pickPath({ kind: 'export_file', suggested_name });
      if (path === null) return;
      await write(path);
      this.notice = said(path);
      saved = true;
    });
    return saved;
  }

  #take(work: Work, act: () => Promise<Status>): Promise<boolean> {
    return this.#do(work, () => session.settle(act));
  }

  async #do(work: Work, act: () => Promise<void>): Promise<boolean> {
    if (this.work !== null) return false;
    this.work = work;
    this.notice = null;
    this.failure = null;
    try {
      await act();
      return true;
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.code !== 'cancelled') this.failure = failure;
      return false;
    } finally {
      this.work = null;
    }
  }
}
