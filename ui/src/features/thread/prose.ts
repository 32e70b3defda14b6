/** Gives rendered messages what HTML alone has not: code headers with a copy button, scrolling tables, formulae. */
import { copyText } from '../../state/acts';
import { t } from '../../state/i18n.svelte';

const COPIED_MS = 1_600;

/** Run on the element that holds a rendered message, after its HTML is in place. */
export function dress(root: HTMLElement): void {
  for (const pre of root.querySelectorAll('pre')) dressCode(pre);
  for (const table of root.querySelectorAll('table')) wrap(table, 'table-scroll');
  for (const link of root.querySelectorAll<HTMLAnchorElement>('a[href]')) {
    link.removeAttribute('target');
    link.title = link.getAttribute('href') ?? '';
    link.draggable = false;
  }
  const formulae = [...root.querySelectorAll<HTMLElement>('.math')];
  if (formulae.length > 0) void typeset(formulae);
}

function wrap(element: Element, className: string): HTMLElement {
  const box = document.createElement('div');
  box.className = className;
  element.replaceWith(box);
  box.append(element);
  return box;
}

function languageOf(pre: HTMLPreElement): string {
  return pre.querySelector('code')?.dataset['lang'] ?? '';
}

function dressCode(pre: HTMLPreElement): void {
  const box = wrap(pre, 'code');
  const head = document.createElement('div');
  head.className = 'code-head';
  const language = document.createElement('span');
  language.textContent = languageOf(pre) || t().common.plain;
  const copy = document.createElement('button');
  copy.type = 'button';
  copy.className = 'code-copy';
  copy.textContent = t().common.copy;
  copy.addEventListener('click', () => void copyCode(pre, copy));
  head.append(language, copy);
  box.prepend(head);
  pre.tabIndex = 0;
}

async function copyCode(pre: HTMLPreElement, button: HTMLButtonElement): Promise<void> {
  if (!(await copyText(pre.textContent ?? ''))) return;
  button.textContent = t().common.copied;
  setTimeout(() => (button.textContent = t().common.copy), COPIED_MS);
}

function isDisplay(formula: HTMLElement): boolean {
  return 'display' in formula.dataset;
}

/** The source stays in view until KaTeX is here, and for good where it cannot be set. */
async function typeset(formulae: HTMLElement[]): Promise<void> {
  for (const formula of formulae) formula.classList.toggle('math-display', isDisplay(formula));
  const { render } = await import('./math');
  for (const formula of formulae) if (formula.isConnected) render(formula, isDisplay(formula));
}
