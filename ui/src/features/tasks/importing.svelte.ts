/** One import from choosing to report, its confirmation included. */
import { ipc } from '../../ipc/commands';
import { toFailure } from '../../ipc/errors';
import type { CommandError, ImportReport, TaskState } from '../../ipc/generated';
import { tasks } from '../../state/tasks.svelte';
import { toasts } from '../../state/toasts.svelte';

export type Phase = 'choose' | 'running' | 'confirm' | 'done' | 'failed';

class Importing {
  task = $state<string | null>(null);
  format = $state('auto');
  /** An error before the task began. */
  early = $state.raw<CommandError | null>(null);
  #paths: string[] = [];

  get state(): TaskState | null {
    return tasks.of(this.task);
  }

  get error(): CommandError | null {
    if (this.early) return this.early;
    return this.state?.kind === 'failed' ? this.state.error : null;
  }

  get reports(): ImportReport[] {
    return this.state?.kind === 'imported' ? this.state.reports : [];
  }

  get phase(): Phase {
    const { error, state } = this;
    if (error) return error.code === 'confirm_needed' ? 'confirm' : 'failed';
    if (this.task === null) return 'choose';
    return state?.kind === 'imported' ? 'done' : 'running';
  }

  reset(): void {
    this.task = null;
    this.early = null;
  }

  async pick(kind: 'import_file' | 'import_folder'): Promise<void> {
    try {
      const path = await ipc.pickPath({ kind });
      if (path !== null) await this.start([path]);
    } catch (thrown) {
      toasts.fail(thrown);
    }
  }

  async start(paths: string[], confirmed = false): Promise<void> {
    this.reset();
    this.#paths = paths;
    try {
      const { task } = await ipc.startImport({ paths, format: this.format, confirmed });
      this.task = task;
      tasks.current = { task, kind: 'import' };
    } catch (thrown) {
      const { code, message, retryable } = toFailure(thrown);
      this.early = { code, message, retryable };
    }
  }

  confirm(): Promise<void> {
    return this.start(this.#paths, true);
  }

  async stop(): Promise<void> {
    if (this.task !== null) await ipc.cancelTask({ task: this.task }).catch((thrown: unknown) => toasts.fail(thrown));
  }
}

export const importing = new Importing();
