/**
 * Replies of models while they are written. Pieces come as events, each one step after the one before; when a step is
 * missing (the window was opened in the middle), all of the reply is read anew.
 */
import { SvelteMap } from 'svelte/reactivity';
import { ipc } from '../ipc/commands';
import { onReply } from '../ipc/events';
import type { CommandError, ReplyPiece } from '../ipc/generated';

export interface LiveReply {
  conversation: string;
  step: number;
  settled: readonly string[];
  open: string;
  thinking: string;
  state: ReplyPiece['state'];
}

/** A reply that is over is shown so long at most, until its message is read. */
const LINGER_MS = 10_000;

class Replies {
  /** By the reply's id. */
  live = new SvelteMap<string, LiveReply>();
  /** Why the last question of a conversation has no reply at all. */
  failed = new SvelteMap<string, CommandError>();
  /** By conversation, the reply that ended last and that nobody was told of yet. */
  untold = new SvelteMap<string, string>();
  #asking = new Set<string>();

  listen(): Promise<() => void> {
    return onReply((piece) => this.#take(piece));
  }

  /** The reply that is being written in a conversation. */
  in(conversation: string): string | null {
    for (const [id, reply] of this.live) {
      if (reply.conversation === conversation && reply.state.kind !== 'over') return id;
    }
    return null;
  }

  /** Reads a reply of which nothing was heard yet. */
  async ensure(id: string): Promise<void> {
    if (this.live.has(id) || this.#asking.has(id)) return;
    await this.#read(id);
  }

  async #read(id: string): Promise<void> {
    this.#asking.add(id);
    try {
      const piece = await ipc.replySoFar({ message_id: id });
      const known = this.live.get(id);
      if (piece !== null && (known === undefined || known.step < piece.step)) this.#show(piece);
    } catch {
      // Its message tells what was saved; the next event asks again.
    } finally {
      this.#asking.delete(id);
    }
  }

  #take(piece: ReplyPiece): void {
    const known = this.live.get(piece.message_id);
    if (piece.state.kind === 'waiting') this.failed.delete(piece.conversation_id);
    if (piece.state.kind === 'over') this.#over(piece);
    if (known === undefined && piece.step > 1) {
      if (piece.state.kind !== 'over') void this.ensure(piece.message_id);
      return;
    }
    if (known !== undefined && piece.step <= known.step) return;
    if (known !== undefined && piece.step > known.step + 1) {
      void this.#read(piece.message_id);
      return;
    }
    this.#show({
      ...piece,
      settled: piece.settled.length > 0 ? [...(known?.settled ?? []), ...piece.settled] : [...(known?.settled ?? [])],
      thinking: (known?.thinking ?? '') + piece.thinking,
    });
  }

  #show(piece: ReplyPiece): void {
    const { conversation_id: conversation, step, settled, open, thinking, state } = piece;
    this.live.set(piece.message_id, { conversation, step, settled, open, thinking, state });
  }

  #over(piece: ReplyPiece): void {
    const { state } = piece;
    if (state.kind !== 'over') return;
    if (!state.kept && state.error !== null) this.failed.set(piece.conversation_id, state.error);
    if (state.kept) this.untold.set(piece.conversation_id, piece.message_id);
    setTimeout(() => {
      this.live.delete(piece.message_id);
      if (this.untold.get(piece.conversation_id) === piece.message_id) this.untold.delete(piece.conversation_id);
    }, LINGER_MS);
  }
}

export const replies = new Replies();
