/** The list as lines: headings and rows in order. Pure. */
import type { Group } from './groups';
import { groupKey, groupOf } from './groups';
import type { Item } from './model.svelte';

export type Line =
  | { kind: 'heading'; key: string; group: Group | 'starred' }
  | { kind: 'row'; key: string; item: Item }
  | { kind: 'more'; key: string; hidden: number };

/** The starred section is short until it is unfolded. */
export const STARRED_SHORT = 6;

export const HEADING_PX = 38;
export const ROW_PX = 35;

export function heightOf(line: Line): number {
  return line.kind === 'heading' ? HEADING_PX : ROW_PX;
}

export function linesOf(
  starred: readonly Item[],
  rows: readonly Item[],
  options: { now: Date; unfolded: boolean; grouped: boolean },
): Line[] {
  const lines: Line[] = [];
  if (starred.length > 0) {
    lines.push({ kind: 'heading', key: 'h-starred', group: 'starred' });
    const shown = options.unfolded ? starred : starred.slice(0, STARRED_SHORT);
    for (const item of shown) lines.push({ kind: 'row', key: `s-${item.id}`, item });
    if (starred.length > STARRED_SHORT) {
      lines.push({ kind: 'more', key: 'more', hidden: options.unfolded ? 0 : starred.length - shown.length });
    }
  }
  const above = new Set(starred.map((item) => item.id));
  let last = '';
  for (const item of rows) {
    if (above.has(item.id)) continue;
    if (options.grouped) {
      const group = groupOf(item.last_message_at, options.now);
      const key = groupKey(group);
      if (key !== last) lines.push({ kind: 'heading', key: `h-${key}`, group });
      last = key;
    }
    lines.push({ kind: 'row', key: item.id, item });
  }
  return lines;
}
