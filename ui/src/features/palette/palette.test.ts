import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationPage, ConversationRow } from '../../ipc/generated';
import { nav } from '../../state/navigation.svelte';
import Palette from './Palette.svelte';

// jsdom has neither.
Element.prototype.scrollIntoView = () => undefined;
HTMLDialogElement.prototype.showModal = function show() {
  this.open = true;
};

afterEach(() => {
  vi.restoreAllMocks();
  nav.close();
  nav.open(null);
});

it('waits for what can be done to the conversation that is open', async () => {
  let give: (row: ConversationRow) => void = () => undefined;
  vi.spyOn(ipc, 'getConversation').mockReturnValue(new Promise((resolve) => (give = resolve)));
  vi.spyOn(ipc, 'listConversations').mockResolvedValue({ conversations: [], next: null } as unknown as ConversationPage);
  nav.open('c');
  nav.show({ kind: 'palette' });
  const find = vi.spyOn(nav, 'find').mockImplementation(() => {});
  render(Palette);
  const field = screen.getByTestId('palette-input');
  await fireEvent.input(field, { target: { value: 'find' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect([find.mock.calls.length, nav.overlay?.kind]).toEqual([0, 'palette']);
  give({ id: 'c', title: 'Open', deleted_at: null, is_starred: false, is_archived: false } as ConversationRow);
  await vi.waitFor(() => expect(find).toHaveBeenCalledOnce());
  expect(nav.overlay).toBe(null);
});

it('does nothing for whoever has left meanwhile', async () => {
  let give: (row: ConversationRow) => void = () => undefined;
  vi.spyOn(ipc, 'getConversation').mockReturnValue(new Promise((resolve) => (give = resolve)));
  vi.spyOn(ipc, 'listConversations').mockResolvedValue({ conversations: [], next: null } as unknown as ConversationPage);
  nav.open('c');
  const find = vi.spyOn(nav, 'find').mockImplementation(() => {});
  const shown = render(Palette);
  const field = screen.getByTestId('palette-input');
  await fireEvent.input(field, { target: { value: 'find' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  shown.unmount();
  give({ id: 'c', title: 'Open', deleted_at: null } as ConversationRow);
  await new Promise((resolve) => setTimeout(resolve));
  expect(find).not.toHaveBeenCalled();
});
