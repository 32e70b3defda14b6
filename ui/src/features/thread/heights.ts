/**
 * Where messages stand in a thread of any length, when only few were ever drawn. Measured heights are kept in blocks;
 * the rest counts with one estimate, so the scrollbar is true and the cost does not grow with the thread. Pure.
 */

const BLOCK = 64;

/** Browsers stop placing things beyond some 16 million pixels; longer threads count with a smaller estimate. */
const MOST_PIXELS = 12_000_000;

interface Block {
  heights: Map<number, number>;
  sum: number;
}

export class Heights {
  readonly total: number;
  readonly estimate: number;
  readonly #blocks = new Map<number, Block>();

  constructor(total: number, estimate: number) {
    this.total = total;
    this.estimate = Math.max(1, Math.min(estimate, MOST_PIXELS / Math.max(1, total)));
  }

  set(index: number, height: number): void {
    if (index < 0 || index >= this.total) return;
    const key = Math.floor(index / BLOCK);
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = { heights: new Map(), sum: 0 };
      this.#blocks.set(key, block);
    }
    block.sum += height - (block.heights.get(index) ?? 0);
    block.heights.set(index, height);
  }

  of(index: number): number {
    return this.#blocks.get(Math.floor(index / BLOCK))?.heights.get(index) ?? this.estimate;
  }

  /** The height of everything before `index`. */
  top(index: number): number {
    const clamped = Math.max(0, Math.min(index, this.total));
    const whole = Math.floor(clamped / BLOCK);
    let top = whole * BLOCK * this.estimate;
    for (const [key, block] of this.#blocks) {
      if (key < whole) top += block.sum - block.heights.size * this.estimate;
    }
    for (let at = whole * BLOCK; at < clamped; at += 1) top += this.of(at);
    return top;
  }

  get height(): number {
    return this.top(this.total);
  }

  /** The message at a height; the last one below the end. */
  at(y: number): number {
    if (this.total === 0 || y <= 0) return 0;
    const blocks = Math.ceil(this.total / BLOCK);
    let top = 0;
    for (let key = 0; key < blocks; key += 1) {
      const size = Math.min(BLOCK, this.total - key * BLOCK);
      const block = this.#blocks.get(key);
      const height = block ? block.sum + (size - block.heights.size) * this.estimate : size * this.estimate;
      if (top + height > y) return this.#within(key, top, y);
      top += height;
    }
    return this.total - 1;
  }

  #within(key: number, top: number, y: number): number {
    let index = key * BLOCK;
    let below = top + this.of(index);
    while (below <= y && index < this.total - 1) {
      index += 1;
      below += this.of(index);
    }
    return index;
  }
}
