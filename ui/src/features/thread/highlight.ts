/**
 * Where a text stands in what is drawn, by the browser's own highlights: the page's elements stay as they are, so nothing
 * is rendered anew. Folded as the backend does it when it scans a thread.
 */

function foldedChar(char: string): string {
  return char
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/gu, '')
    .toLowerCase();
}

/** `[start, end)` in UTF-16 units for every place of every needle; the needles are folded already. Pure. */
export function placesIn(text: string, needles: readonly string[]): [number, number][] {
  let plain = '';
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const char of text) {
    const part = foldedChar(char);
    for (let unit = 0; unit < part.length; unit += 1) {
      starts.push(at);
      ends.push(at + char.length);
    }
    plain += part;
    at += char.length;
  }
  const places: [number, number][] = [];
  for (const needle of needles) {
    if (needle === '') continue;
    for (let found = plain.indexOf(needle); found >= 0; found = plain.indexOf(needle, found + needle.length)) {
      places.push([starts[found]!, ends[found + needle.length - 1]!]);
    }
  }
  return places.sort((a, b) => a[0] - b[0]);
}

/** Ranges may run over several elements: code is cut into words of colour. */
function rangesIn(root: Element, needles: readonly string[]): Range[] {
  const nodes: { node: Text; start: number }[] = [];
  let text = '';
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    nodes.push({ node: node as Text, start: text.length });
    text += node.textContent ?? '';
  }
  const spot = (offset: number, end: boolean) => {
    const index = nodes.findLastIndex(({ start }) => (end ? start < offset : start <= offset));
    const { node, start } = nodes[Math.max(0, index)]!;
    return { node, offset: offset - start };
  };
  return placesIn(text, needles).map(([start, end]) => {
    const range = new Range();
    const [from, to] = [spot(start, false), spot(end, true)];
    range.setStart(from.node, from.offset);
    range.setEnd(to.node, to.offset);
    return range;
  });
}

/** Lights up all that is drawn, and the current message's more. Answers the first place in the current message. */
export function light(root: Element, needles: readonly string[], current: string | null): Range | null {
  if (!('highlights' in CSS)) return null;
  const all = new Highlight();
  const now = new Highlight();
  let first: Range | null = null;
  for (const words of root.querySelectorAll('article .prose')) {
    const mine = words.closest<HTMLElement>('article')?.dataset['id'] === current;
    for (const range of rangesIn(words, needles)) {
      (mine ? now : all).add(range);
      if (mine) first ??= range;
    }
  }
  CSS.highlights.set('airi-found', all);
  CSS.highlights.set('airi-found-now', now);
  return first;
}

export function dark(): void {
  if (!('highlights' in CSS)) return;
  CSS.highlights.delete('airi-found');
  CSS.highlights.delete('airi-found-now');
}
