import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import type { AttachmentRow, MessageView } from '../../ipc/generated';
import { picturesOf, zoomed } from './pictures';
import Viewer from './Viewer.svelte';

const file = (id: string, mime: string, state = 'here') => ({ id, file_name: `${id}.png`, mime_type: mime, state }) as AttachmentRow;

beforeEach(() => {
  HTMLDialogElement.prototype.showModal = vi.fn();
});

const key = (name: string, more: KeyboardEventInit = {}) => fireEvent.keyDown(window, { key: name, ...more });
const shown = () => screen.getByTestId<HTMLImageElement>('picture');

it('knows the pictures of a thread in their order, and leaves out what cannot be shown', () => {
  const messages = [{ files: [file('a', 'image/png'), file('b', 'text/csv')] }, { files: [file('c', 'image/svg+xml'), file('d', 'image/jpeg', 'remote'), file('e', 'image/gif', 'waiting')] }];
  expect(picturesOf(messages as MessageView[]).map(({ id }) => id)).toEqual(['a', 'e']);
});

it('goes from picture to picture by keys, and no further than there are any', async () => {
  render(Viewer, { pictures: [file('a', 'image/png'), file('b', 'image/png'), file('c', 'image/png')], start: 'b', onclose: () => undefined });
  expect(shown().alt).toBe('b.png');
  expect(screen.getByTestId('picture-place').textContent).toBe('2 of 3');
  await key('ArrowRight');
  await key('ArrowRight');
  expect(shown().alt).toBe('c.png');
  expect(screen.getByTestId<HTMLButtonElement>('picture-after').disabled).toBe(true);
  for (let n = 0; n < 4; n += 1) await key('ArrowLeft');
  expect(shown().alt).toBe('a.png');
});

it('zooms from the size it is seen at, and fits again', async () => {
  render(Viewer, { pictures: [file('a', 'image/png')], start: 'a', onclose: () => undefined });
  const picture = shown();
  Object.defineProperties(picture, { naturalWidth: { value: 1000 }, naturalHeight: { value: 500 }, clientWidth: { value: 500 } });
  await key('+');
  expect(picture.style.width, 'not before it is loaded').toBe('');
  await fireEvent.load(picture);
  await key('+');
  expect(picture.style.width).toBe('625px');
  expect(picture.style.height).toBe('312.5px');
  await key('-', { ctrlKey: true });
  expect(picture.style.width, 'the zoom of the window is another').toBe('625px');
  await key('-');
  expect(picture.style.width).toBe('500px');
  await key('0');
  expect(picture.style.width).toBe('');
  expect(zoomed(16, 1)).toBe(16);
  expect(zoomed(0.05, -1)).toBe(0.05);
});
