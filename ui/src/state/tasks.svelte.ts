/** Long work that is under way or was finished. Its dialog may be closed meanwhile; the work goes on. */
import { toFailure } from '../ipc/errors';
import { onTask } from '../ipc/events';
import type { TaskState } from '../ipc/generated';
import { t } from './i18n.svelte';
import { nav } from './navigation.svelte';
import { toasts } from './toasts.svelte';

class Tasks {
  /** By task id. An event may come before the answer that names the task, so all are kept. */
  states = $state.raw<Record<string, TaskState>>({});
  /** The one whose progress the sidebar shows. */
  current = $state.raw<{ task: string; kind: 'import' | 'export' } | null>(null);

  listen(): Promise<() => void> {
    return onTask(({ task, state }) => {
      this.states = { ...this.states, [task]: state };
      if (nav.overlay?.kind !== 'import' && nav.overlay?.kind !== 'export') tellEnd(state);
    });
  }

  of(task: string | null): TaskState | null {
    return task === null ? null : (this.states[task] ?? null);
  }

  get running(): boolean {
    if (this.current === null) return false;
    const state = this.of(this.current.task);
    return state === null || state.kind === 'running';
  }
}

/** Work whose dialog was closed says by itself how it ended. */
function tellEnd(state: TaskState): void {
  if (state.kind === 'failed') toasts.fail(toFailure(state.error));
  else if (state.kind !== 'running') toasts.tell(sayEnd(state) ?? '');
}

/** How it ended, in a sentence; null while it goes on, and where the user ended it. */
export function sayEnd(state: TaskState): string | null {
  const text = t().tasks;
  if (state.kind === 'imported') {
    const count = state.reports.reduce((sum, report) => sum + report.conversations_imported, 0);
    return `${text.importDone} · ${t().list.count(count)}`;
  }
  if (state.kind === 'exported') return `${text.exportDone} · ${state.report.path}`;
  if (state.kind === 'failed' && state.error.code !== 'cancelled') return `${t().errors[state.error.code]}: ${state.error.message}`;
  return null;
}

export const tasks = new Tasks();

/** 0 to 1; null while the size of the work is not known. */
export function progressOf(state: TaskState | null): number | null {
  if (state?.kind !== 'running' || state.total === null || state.total <= 0) return null;
  return Math.min(1, state.done / state.total);
}
