/**
 * Reads of one thing, one after the other in the order asked for. Answers of the backend travel apart: without a line, one
 * that was read before a change can come in after one that was read behind it, and take its place.
 */
export class Line {
  #last: Promise<unknown> = Promise.resolve();

  next<Value>(read: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(read);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
