/** A question with two answers, asked from anywhere and answered in one dialog. */
export interface Question {
  title: string;
  text: string;
  /** Shown apart and selectable: an address, a path. */
  detail: string | null;
  yes: string;
  danger: boolean;
}

class Ask {
  question = $state.raw<Question | null>(null);
  #answer: ((yes: boolean) => void) | null = null;

  put(question: Question): Promise<boolean> {
    this.answer(false);
    this.question = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean): void {
    const answer = this.#answer;
    this.#answer = null;
    this.question = null;
    answer?.(yes);
  }
}

export const ask = new Ask();
