import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { TagCount } from '../../ipc/generated';
import { toasts } from '../../state/toasts.svelte';
import TagDialog from './TagDialog.svelte';
import { offersFor } from './tagging.svelte';

const counts = (...tags: [string, number][]): TagCount[] => tags.map(([tag, conversations]) => ({ tag, conversations }));

describe('what is offered', () => {
  const all = counts(['work', 9], ['Café', 4], ['homework', 2]);

  test('begins with what is typed before it holds it, case and accents aside', () => {
    expect(offersFor('WORK', all, [], 1).map(({ tag }) => tag)).toEqual(['work', 'homework', 'WORK']);
    expect(offersFor('cafe', all, [], 1)[0]).toEqual({ tag: 'Café', count: 4 });
  });

  test('is not what all of them have; what some have can be given to the rest', () => {
    expect(offersFor('', all, counts(['work', 2]), 2).map(({ tag }) => tag)).toEqual(['Café', 'homework']);
    expect(offersFor('', all, counts(['work', 1]), 2).map(({ tag }) => tag)).toContain('work');
    expect(offersFor('work', all, counts(['work', 2]), 2).map(({ tag }) => tag)).toEqual(['homework']);
  });

  test('is a new tag when none is called exactly so', () => {
    expect(offersFor('  travel ', all, [], 1)).toEqual([{ tag: 'travel', count: null }]);
    expect(offersFor('   ', all, [], 1)).toHaveLength(3);
  });
});

describe('the dialog', () => {
  let here: TagCount[];

  beforeEach(() => {
    // jsdom knows no modal dialogs.
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true;
    };
    Element.prototype.scrollIntoView = () => undefined;
    here = counts(['work', 2], ['rust', 1]);
    toasts.list = [];
    vi.spyOn(ipc, 'listTags').mockResolvedValue(counts(['work', 9], ['rust', 3], ['travel', 1]));
    vi.spyOn(ipc, 'tagsOf').mockImplementation(() => Promise.resolve(here));
  });

  test('adds with the keyboard, on those that lack it, and takes it back on those alone', async () => {
    const edit = vi.spyOn(ipc, 'editConversations').mockResolvedValue({ changed: ['b'] });
    render(TagDialog, { ids: ['a', 'b'], title: null });
    await screen.findByText('1 of 2');
    const input = screen.getByRole('combobox');
    await fireEvent.input(input, { target: { value: 'ru' } });
    await fireEvent.keyDown(input, { key: 'Enter', keyCode: 229 });
    expect(edit).not.toHaveBeenCalled();
    await fireEvent.keyDown(input, { key: 'Enter' });
    await waitFor(() => expect(edit).toHaveBeenCalledWith({ ids: ['a', 'b'], add_tags: ['rust'], remove_tags: [] }));
    await waitFor(() => expect(toasts.list).toHaveLength(1));
    await toasts.undoLast();
    expect(edit).toHaveBeenLastCalledWith({ ids: ['b'], add_tags: [], remove_tags: ['rust'] });
  });

  test('removes a tag by its button', async () => {
    const edit = vi.spyOn(ipc, 'editConversations').mockResolvedValue({ changed: ['a', 'b'] });
    render(TagDialog, { ids: ['a', 'b'], title: null });
    await fireEvent.click(await screen.findByRole('button', { name: 'Remove “work”' }));
    await waitFor(() => expect(edit).toHaveBeenCalledWith({ ids: ['a', 'b'], add_tags: [], remove_tags: ['work'] }));
    await waitFor(() => expect(toasts.list[0]?.text).toBe('“work” removed from 2'));
  });

  test('says when the tags cannot be read, and tries again', async () => {
    vi.spyOn(ipc, 'tagsOf').mockRejectedValueOnce({ code: 'io', message: 'Disk error.', retryable: false });
    render(TagDialog, { ids: ['a'], title: 'One' });
    expect((await screen.findByRole('alert')).textContent).toContain('Disk error.');
    await fireEvent.click(screen.getByText('Retry'));
    await screen.findByTestId('tags-here');
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
