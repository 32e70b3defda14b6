import { describe, expect, it } from 'vitest';
import { isSend } from './writing';

describe('isSend', () => {
  const press = (part: KeyboardEventInit & { keyCode?: number }) => new KeyboardEvent('keydown', { key: 'Enter', ...part });

  it('sends on Enter alone', () => {
    expect(isSend(press({}))).toBe(true);
    expect(isSend(press({ shiftKey: true }))).toBe(false);
    expect(isSend(press({ key: 'a' }))).toBe(false);
  });

  it('never sends while an input method composes, in WebKit neither', () => {
    expect(isSend(press({ isComposing: true }))).toBe(false);
    expect(isSend(press({ keyCode: 229 }))).toBe(false);
  });
});
