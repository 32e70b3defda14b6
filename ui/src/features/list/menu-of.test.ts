import { expect, it } from 'vitest';
import { t } from '../../state/i18n.svelte';
import { menuOf } from './menu-of';
import type { Item } from './model.svelte';

const item: Item = {
  id: 'a', title: 'A', last_message_at: '2026-01-01T00:00:00.000000Z', is_starred: false, is_archived: false,
  deleted_at: null, waiting: false, tags: [], only_here: false, on_server: false,
};

function labels(part: Partial<Item>): string[] {
  return menuOf({ ...item, ...part }, () => undefined).flatMap((entry) => (entry === null ? [] : [entry.label]));
}

it('offers to keep a conversation here only while the server has nothing of it, and the way back', () => {
  const text = t().list;
  expect(labels({})).toContain(text.keepHere);
  expect(labels({ on_server: true })).not.toContain(text.keepHere);
  expect(labels({ only_here: true })).toContain(text.everywhere);
  expect(labels({ only_here: true })).not.toContain(text.keepHere);
});
