/** How each state of sync looks. */
import type { SyncState } from '../../ipc/generated';

export type Tone = 'good' | 'busy' | 'quiet' | 'warn' | 'bad';

export function toneOf(state: SyncState): Tone {
  switch (state) {
    case 'in_step':
      return 'good';
    case 'syncing':
    case 'waiting':
      return 'busy';
    case 'local':
      return 'quiet';
    case 'offline':
    case 'maintenance':
      return 'warn';
    case 'signed_out':
    case 'server_unsuitable':
    case 'needs_attention':
      return 'bad';
  }
}
