/** Files held over the window. Dropping them anywhere starts an import. */
import { onDrop } from '../../ipc/events';
import { nav } from '../../state/navigation.svelte';
import { importing } from './importing.svelte';

class Dropping {
  over = $state(false);

  listen(): Promise<() => void> {
    return onDrop((event) => {
      this.over = event.kind === 'over';
      if (event.kind !== 'drop' || event.paths.length === 0 || importing.phase === 'running') return;
      nav.show({ kind: 'import' });
      void importing.start(event.paths);
    });
  }
}

export const dropping = new Dropping();
