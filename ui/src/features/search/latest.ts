/** Answers may overtake each other; only that of the newest question counts. */
export class Latest {
  #turn = 0;

  /** Asks; `take` and `fail` run only while no later question was asked. */
  async ask<T>(question: () => Promise<T>, take: (answer: T) => void, fail: (thrown: unknown) => void): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const answer = await question();
      if (turn === this.#turn) take(answer);
    } catch (thrown) {
      if (turn === this.#turn) fail(thrown);
    }
  }

  /** Whatever is still under way is not wanted any more. */
  drop(): void {
    this.#turn += 1;
  }
}
