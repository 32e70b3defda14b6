/** Cuts a snippet into plain and marked parts. Ranges count Unicode scalar values, so text is cut by code point. Pure. */

export interface Part {
  text: string;
  marked: boolean;
}

export function split(snippet: string, highlights: readonly (readonly [number, number])[]): Part[] {
  const points = Array.from(snippet);
  const parts: Part[] = [];
  let at = 0;
  const push = (to: number, marked: boolean) => {
    if (to > at) parts.push({ text: points.slice(at, to).join(''), marked });
    at = Math.max(at, to);
  };
  for (const [start, end] of [...highlights].sort((a, b) => a[0] - b[0])) {
    push(Math.min(start, points.length), false);
    push(Math.min(end, points.length), true);
  }
  push(points.length, false);
  return parts;
}
