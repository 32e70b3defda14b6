/** Which messages are held, which are drawn, and which page is missing. Pure. */
import type { ThreadRequest } from '../../ipc/generated';

/** Places in the thread, `[first, end)`. */
export interface Span {
  first: number;
  end: number;
}

/** A page of this many messages is asked for. */
export const PAGE = 40;

/** So many messages are held at most; the far end is let go. */
export const HELD = 160;

/** Closer than this to the end of what is held, the next page is asked for. */
const MARGIN = 12;

/** What must be read so that `seen` can be shown, when `held` is what there is. Null: nothing. */
export function missing(
  held: Span,
  seen: Span,
  total: number,
): Pick<ThreadRequest, 'at'> | { side: 'before' | 'after' } | null {
  if (total === 0) return null;
  const apart = seen.first >= held.end + MARGIN || seen.end <= held.first - MARGIN || held.first === held.end;
  if (apart) return { at: Math.max(0, Math.floor((seen.first + seen.end) / 2) - PAGE / 2) };
  if (seen.first - MARGIN < held.first && held.first > 0) return { side: 'before' };
  if (seen.end + MARGIN > held.end && held.end < total) return { side: 'after' };
  return null;
}

/** Joins a page to what is held when they touch, and lets go of what is farthest from `keep`. */
export function join<T>(
  held: { first: number; items: T[] },
  page: { first: number; items: T[] },
  keep: number,
): { first: number; items: T[] } {
  const heldEnd = held.first + held.items.length;
  const pageEnd = page.first + page.items.length;
  if (held.items.length === 0 || page.first > heldEnd || pageEnd < held.first) return trim(page, keep);
  const first = Math.min(held.first, page.first);
  const before = page.first < held.first ? page.items.slice(0, held.first - page.first) : [];
  const after = pageEnd > heldEnd ? page.items.slice(heldEnd - page.first) : [];
  return trim({ first, items: [...before, ...held.items, ...after] }, keep);
}

function trim<T>(held: { first: number; items: T[] }, keep: number): { first: number; items: T[] } {
  const surplus = held.items.length - HELD;
  if (surplus <= 0) return held;
  const middle = keep - held.first;
  const cut = Math.max(0, Math.min(surplus, Math.round(middle - HELD / 2)));
  return { first: held.first + cut, items: held.items.slice(cut, cut + HELD) };
}
