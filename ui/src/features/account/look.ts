/** How the state of sync looks, and what it says in a few words. */
import type { Status, SyncState } from '../../ipc/generated';
import type { Messages } from '../../messages';

export type Tone = 'good' | 'busy' | 'quiet' | 'warn' | 'bad';

export function toneOf(state: SyncState): Tone {
  switch (state) {
    case 'in_step':
      return 'good';
    case 'syncing':
    case 'waiting':
      return 'busy';
    case 'local':
    case 'paused':
      return 'quiet';
    case 'offline':
    case 'maintenance':
    case 'suspended':
      return 'warn';
    case 'signed_out':
    case 'server_unsuitable':
    case 'needs_attention':
      return 'bad';
  }
}

/** 0 to 1; null while nothing long is under way. */
export function shareOf(status: Pick<Status, 'progress'>): number | null {
  const { progress } = status;
  return progress === null || progress.total <= 0 ? null : Math.min(1, progress.done / progress.total);
}

/** Sync stands still for a reason of this computer: a full disk, a library that cannot be written. */
export function isStuck(status: Pick<Status, 'sync' | 'wedged'>): boolean {
  return status.sync === 'needs_attention' && status.wedged === 0;
}

/** What still goes out by itself; the outbox holds the refused ones too. */
export function waitingOf(status: Pick<Status, 'outbox' | 'wedged'>): number {
  return Math.max(0, status.outbox - status.wedged);
}

/** The state in two or three words, with its number where it has one. */
export function wordOf(status: Status, text: Messages['account'], percent: (share: number) => string): string {
  const share = shareOf(status);
  if (status.sync === 'syncing' && share !== null) return text.syncingShare(percent(share));
  const waiting = waitingOf(status);
  if (status.sync === 'waiting' && waiting > 0) return text.waitingCount(waiting);
  if (status.sync === 'offline' && waiting > 0) return text.offlineCount(waiting);
  if (status.sync === 'needs_attention' && status.wedged > 0) return text.attentionCount(status.wedged);
  return text.states[status.sync];
}

/** The state in a sentence, with what to do about it. */
export function sentenceOf(status: Status, text: Messages['account']): string {
  return isStuck(status) ? text.explain.stuck : text.explain[status.sync];
}

/** Words that the window cannot know: the operator's, what exactly went wrong, or why a session has `ended` by itself. */
export function detailOf(status: Status, ended: boolean): string | null {
  const told = ['maintenance', 'suspended', 'server_unsuitable'].includes(status.sync) || isStuck(status) || ended;
  return told && status.message !== '' ? status.message : null;
}
