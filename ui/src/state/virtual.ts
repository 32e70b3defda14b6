/** Which lines of a long list are drawn. Every line knows its height, so places are sums. Pure. */

export interface Placed<T> {
  item: T;
  top: number;
  height: number;
}

/** Gives every item its place; the places are in order. */
export function place<T>(items: readonly T[], heightOf: (item: T) => number): Placed<T>[] {
  let top = 0;
  return items.map((item) => {
    const placed = { item, top, height: heightOf(item) };
    top += placed.height;
    return placed;
  });
}

/** The items that touch `[top, bottom)`. By halving, so a long list costs as little as a short one. */
export function visible<T>(placed: readonly Placed<T>[], top: number, bottom: number): Placed<T>[] {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = placed[middle]!;
    if (entry.top + entry.height <= top) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < placed.length && placed[end]!.top < bottom) end += 1;
  return placed.slice(low, end);
}
