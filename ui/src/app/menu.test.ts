import { expect, test, vi } from 'vitest';
import type { Asked, ConversationRow } from '../ipc/generated';

const ROW: ConversationRow = {
  id: 'c1', title: 'Bread', created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z', last_message_at: '2026-01-01T00:00:00Z',
  is_starred: true, is_archived: false, deleted_at: null, only_here: false,
} as unknown as ConversationRow;

test('the menu bar offers every act of the palette once, with no line at an end', async () => {
  const { menuBar } = await import('./menu.svelte');
  const { actsFor } = await import('../features/palette/acts');
  for (const open of [null, ROW]) {
    const { groups } = menuBar(open);
    const offered = groups.flatMap(({ entries }) => entries.map(({ act }) => act)).filter((act) => act !== null);
    expect(offered.toSorted()).toEqual([...actsFor(open).map(({ id }) => id), 'palette'].toSorted());
    for (const { entries } of groups) {
      expect(entries[0]?.act).not.toBeNull();
      expect(entries.at(-1)?.act).not.toBeNull();
      expect(entries.some(({ act }, at) => act === null && entries[at + 1]?.act === null)).toBe(false);
    }
  }
  const keys = menuBar(null).groups.flatMap(({ entries }) => entries.map(({ keys }) => keys));
  expect(keys).toContain('CmdOrCtrl+N');
  expect(keys).toContain('CmdOrCtrl+Shift+P');
  expect(menuBar(ROW).groups.find(({ label }) => label === 'Conversation')?.entries.map(({ label }) => label)).toContain('Remove star');
});

test('macOS has its menu of windows, which is empty elsewhere', async () => {
  const { menuBar } = await import('./menu.svelte');
  const { session } = await import('../state/session.svelte');
  const labels = () => menuBar(null).groups.map(({ label }) => label);
  expect(labels()).not.toContain('Window');
  session.info = { platform: 'macos' } as unknown as NonNullable<typeof session.info>;
  expect(labels()).toContain('Window');
  session.info = null;
});

test('what is chosen outside the page is done in it', async () => {
  const events = await import('../ipc/events');
  let take: (asked: Asked) => void = () => undefined;
  vi.spyOn(events, 'onAsked').mockImplementation((given) => ((take = given), Promise.resolve(() => undefined)));
  vi.spyOn(events, 'onChanged').mockResolvedValue(() => undefined);
  const { menu } = await import('./menu.svelte');
  const { nav } = await import('../state/navigation.svelte');
  const { session } = await import('../state/session.svelte');
  await menu.listen();
  take({ act: 'settings', conversation_id: null });
  // Nothing can be done before the library is open.
  expect(nav.overlay).toBeNull();
  session.phase = 'ready';
  take({ act: 'settings', conversation_id: null });
  expect(nav.overlay?.kind).toBe('settings');
  take({ act: 'palette', conversation_id: null });
  expect(nav.overlay?.kind).toBe('palette');
  nav.close();
  take({ act: null, conversation_id: 'c1' });
  expect(nav.conversation).toBe('c1');
});
