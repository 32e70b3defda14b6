import { expect, it } from 'vitest';
import { actOf, isTyping } from './shortcuts';

const press = (key: string, part: Partial<Parameters<typeof actOf>[0]> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...part,
});

it('knows its keys, with Ctrl and with Command', () => {
  expect(actOf(press('k', { ctrlKey: true }), false)).toBe('search');
  expect(actOf(press('N', { metaKey: true }), false)).toBe('new-chat');
  expect(actOf(press('/', { ctrlKey: true }), true)).toBe('help');
  expect(actOf(press('Tab', { ctrlKey: true, shiftKey: true }), false)).toBe('previous');
  expect(actOf(press('P', { ctrlKey: true, shiftKey: true }), true)).toBe('palette');
  expect(actOf(press('f', { metaKey: true }), true)).toBe('find');
  expect(actOf(press('k'), false)).toBeNull();
});

it('leaves undo to a text that is being typed', () => {
  expect(actOf(press('z', { ctrlKey: true }), false)).toBe('undo');
  expect(actOf(press('z', { ctrlKey: true }), true)).toBeNull();
  const area = document.createElement('textarea');
  expect(isTyping(area)).toBe(false);
  area.value = 'x';
  expect(isTyping(area)).toBe(true);
});
