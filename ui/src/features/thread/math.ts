/** KaTeX, loaded with the first formula. Formulae are written by models and strangers: no trust, bounded expansion. */
import katex from 'katex';
import 'katex/dist/katex.min.css';

/** Longer sources are shown as they are. */
const MOST_CHARACTERS = 8_000;

export function render(formula: HTMLElement, displayMode: boolean): void {
  const source = formula.textContent ?? '';
  if (formula.classList.contains('typeset') || source.length > MOST_CHARACTERS) return;
  try {
    // Sets styles through the DOM, not as attributes, so the content security policy needs no exception.
    katex.render(source, formula, {
      displayMode,
      throwOnError: true,
      trust: false,
      strict: 'ignore',
      maxExpand: 300,
      maxSize: 20,
      output: 'htmlAndMathml',
    });
    formula.classList.add('typeset');
  } catch {
    formula.textContent = source;
  }
}
