/**
 * What the desktop tells while nobody looks at the window: a reply that is over, long work that ended. Whether somebody looks,
 * the backend knows; a notification that is clicked comes back as `asked`.
 */
import { ipc } from '../ipc/commands';
import { onReply, onStatus, onTask } from '../ipc/events';
import type { ReplyPiece, Status, TaskState } from '../ipc/generated';
import { titleOf } from './acts';
import { t } from './i18n.svelte';
import { session } from './session.svelte';
import { sayEnd } from './tasks.svelte';

class Notices {
  #fetching = false;

  async listen(): Promise<() => void> {
    const stops = await Promise.all([
      onReply((piece) => this.#reply(piece)),
      onTask(({ state }) => this.#task(state)),
      onStatus(({ status }) => this.#first(status)),
    ]);
    return () => stops.forEach((stop) => stop());
  }

  #reply({ state, conversation_id }: ReplyPiece): void {
    if (state.kind !== 'over' || !session.settings.notifications) return;
    const body = state.error ? t().desk.replyFailed(t().errors[state.error.code]) : t().desk.replyReady;
    void ipc
      .getConversation({ id: conversation_id })
      .then((row) => this.#tell(titleOf(row), body, conversation_id))
      // A conversation that was erased meanwhile has nothing to tell.
      .catch(() => undefined);
  }

  #task(state: TaskState): void {
    const end = sayEnd(state);
    if (end !== null) this.#tell(t().app.name, end, null);
  }

  /** The first sync of a device can take an hour. */
  #first({ progress, sync }: Status): void {
    if (progress !== null) this.#fetching = true;
    if (!this.#fetching || sync !== 'in_step') return;
    this.#fetching = false;
    this.#tell(t().app.name, t().desk.firstSyncDone, null);
  }

  #tell(title: string, body: string, conversation_id: string | null): void {
    if (!session.settings.notifications) return;
    // A desktop without notifications shows none; nothing else is missing then.
    void ipc.notify({ title, body, conversation_id }).catch(() => undefined);
  }
}

export const notices = new Notices();
