import { describe, expect, it } from 'vitest';
import { isSend, titleFrom } from './writing';

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

describe('titleFrom', () => {
  it('takes the first line and cuts at a word', () => {
    expect(titleFrom('  Buy milk\nand bread')).toBe('Buy milk');
    expect(titleFrom('word '.repeat(30))).toBe(`${'word '.repeat(11)}word…`);
    expect(Array.from(titleFrom('猫'.repeat(100)))).toHaveLength(61);
  });
});
