/** Short notices, and the way back from what they tell. */
import { CommandFailure, toFailure } from '../ipc/errors';
import { t } from './i18n.svelte';

export interface Toast {
  id: number;
  text: string;
  detail: string | null;
  tone: 'plain' | 'error';
  undo: (() => Promise<void>) | null;
}

const STAY_MS = 6_000;
const STAY_ERROR_MS = 10_000;
const MOST = 4;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #undos: { toast: number; undo: () => Promise<void> }[] = [];

  tell(text: string): void {
    this.#push({ text, detail: null, tone: 'plain', undo: null });
  }

  /** A notice that can be taken back, by its button or by Ctrl+Z. */
  tellUndoable(text: string, undo: () => Promise<void>): void {
    this.#push({ text, detail: null, tone: 'plain', undo });
  }

  /** What was cancelled by the user is no error. */
  fail(thrown: unknown): void {
    const failure = thrown instanceof CommandFailure ? thrown : toFailure(thrown);
    if (failure.code === 'cancelled') return;
    this.#push({ text: t().errors[failure.code], detail: failure.message, tone: 'error', undo: null });
  }

  close(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Nobody loses the way back because they are still reading. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  release(id: number): void {
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), STAY_MS),
    );
  }

  /** Takes back the last thing that can be. Says whether there was one. */
  async undoLast(): Promise<boolean> {
    const last = this.#undos.pop();
    if (last === undefined) return false;
    this.close(last.toast);
    await this.#takeBack(last.undo);
    return true;
  }

  async undo(id: number): Promise<void> {
    const found = this.#undos.find(({ toast }) => toast === id);
    this.#undos = this.#undos.filter(({ toast }) => toast !== id);
    this.close(id);
    if (found) await this.#takeBack(found.undo);
  }

  async #takeBack(undo: () => Promise<void>): Promise<void> {
    try {
      await undo();
      this.tell(t().act.undone);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  #push(toast: Omit<Toast, 'id'>): void {
    const id = this.#next;
    this.#next += 1;
    if (toast.undo) this.#undos.push({ toast: id, undo: toast.undo });
    this.list = [...this.list, { id, ...toast }].slice(-MOST);
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), toast.tone === 'error' ? STAY_ERROR_MS : STAY_MS),
    );
  }
}

export const toasts = new Toasts();
