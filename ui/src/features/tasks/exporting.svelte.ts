/** One export: what, how, where to, and how it went. */
import { ipc } from '../../ipc/commands';
import { toFailure } from '../../ipc/errors';
import type { CommandError, ExportReport, PickRequest, TaskState } from '../../ipc/generated';
import { tasks } from '../../state/tasks.svelte';
import { toasts } from '../../state/toasts.svelte';

export type Format = 'json' | 'markdown' | 'html';

const ENDING: Record<Format, string> = { json: '.json', markdown: '.md', html: '.html' };

/** A name that every file system takes. */
export function fileName(title: string): string {
  const plain = title
    .replace(/[\p{Cc}/\\:*?"<>|]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return Array.from(plain).slice(0, 60).join('').replace(/^\.+|[. ]+$/g, '') || 'conversation';
}

/** All conversations as Markdown or web pages are a folder of files; everything else is one file. */
export function wanted(format: Format, title: string | null, withFiles: boolean): PickRequest {
  if (title === null && format !== 'json') return { kind: 'export_folder' };
  const ending = format === 'json' && withFiles ? '.zip' : ENDING[format];
  return { kind: 'export_file', suggested_name: `${title === null ? 'airi-export' : fileName(title)}${ending}` };
}

export class Exporting {
  format = $state<Format>('json');
  withFiles = $state(true);
  withDeleted = $state(false);
  task = $state<string | null>(null);
  early = $state.raw<CommandError | null>(null);

  get state(): TaskState | null {
    return tasks.of(this.task);
  }

  get error(): CommandError | null {
    return this.early ?? (this.state?.kind === 'failed' ? this.state.error : null);
  }

  get report(): ExportReport | null {
    return this.state?.kind === 'exported' ? this.state.report : null;
  }

  /** No ids: all conversations. */
  async start(ids: string[], title: string | null): Promise<void> {
    this.early = null;
    this.task = null;
    try {
      const path = await ipc.pickPath(wanted(this.format, ids.length === 1 ? (title ?? '') : null, this.withFiles));
      if (path === null) return;
      const { task } = await ipc.startExport({
        ids,
        format: this.format,
        include_deleted: this.withDeleted,
        since: null,
        until: null,
        path,
      });
      this.task = task;
      tasks.current = { task, kind: 'export' };
    } catch (thrown) {
      const { code, message, retryable } = toFailure(thrown);
      this.early = { code, message, retryable };
    }
  }

  async stop(): Promise<void> {
    if (this.task !== null) await ipc.cancelTask({ task: this.task }).catch((thrown: unknown) => toasts.fail(thrown));
  }
}
