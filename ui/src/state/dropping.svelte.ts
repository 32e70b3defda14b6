/**
 * Files held over the window, and where they would go: over a conversation they are attached to what is being written,
 * anywhere else, and when they are exports of histories, they are imported. A dialogue that is open hides the conversation.
 */
import { onDrag } from '../ipc/events';
import type { DroppedItem } from '../ipc/generated';
import { nav } from './navigation.svelte';

export type DropTarget = 'draft' | 'import';
type TakeItems = (items: DroppedItem[]) => void;

class Dropping {
  /** Where they would go if they were let go now; null: nothing is held. */
  over = $state<DropTarget | null>(null);
  /** Exports are held. */
  archives = $state(false);
  #draft = $state.raw<TakeItems | null>(null);

  /** Whether something is being written that files can be attached to. */
  get canAttach(): boolean {
    return this.#draft !== null && nav.overlay === null;
  }

  /** Whoever writes takes files, until it says otherwise. */
  attachTo(take: TakeItems): () => void {
    this.#draft = take;
    return () => {
      if (this.#draft === take) this.#draft = null;
    };
  }

  listen(startImport: (paths: string[]) => void): Promise<() => void> {
    return onDrag((drag) => {
      switch (drag.kind) {
        case 'over':
          this.over = this.#targetAt(drag.x, drag.y, this.archives);
          break;
        case 'archives':
          // It may be told after the drag has ended.
          if (this.over === null) break;
          this.archives = true;
          this.over = 'import';
          break;
        case 'left':
          this.#end();
          break;
        case 'dropped': {
          const target = this.#targetAt(drag.x, drag.y, drag.archives);
          this.#end();
          if (drag.items.length === 0) return;
          if (target === 'draft') this.#draft?.(drag.items);
          else startImport(drag.items.map(({ path }) => path));
        }
      }
    });
  }

  #end(): void {
    this.over = null;
    this.archives = false;
  }

  #targetAt(x: number, y: number, archives: boolean): DropTarget {
    if (archives || !this.canAttach) return 'import';
    return document.elementFromPoint(x, y)?.closest('[data-drop=draft]') ? 'draft' : 'import';
  }
}

export const dropping = new Dropping();
