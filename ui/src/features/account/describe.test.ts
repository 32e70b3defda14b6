import { expect, it } from 'vitest';
import type { OutboxRow } from '../../ipc/generated';
import { en } from '../../messages/en';
import { changesTitle, fieldsOf, lossOf, nameOf, reasonOf } from './describe';

const row: OutboxRow = {
  id: '1',
  conversation_id: 'c',
  conversation_title: 'Kyoto',
  fields: [],
  code: null,
  behind: 0,
  table: 'chat_messages',
  row_id: 'm',
  kind: 'insert',
  state: 'wedged',
  attempts: 1,
  error: null,
  created_at: '2026-01-01T00:00:00.000000Z',
};
const join = (names: string[]) => names.join(', ');

it('says what was changed and where', () => {
  expect(nameOf(row, en.account, 'Untitled')).toBe('New message in “Kyoto”');
  const patch = { ...row, table: 'conversations', kind: 'patch', conversation_title: null, fields: ['title', 'tags_add', 'tags_remove', 'settings.a.b'] };
  expect(nameOf(patch, en.account, 'Untitled')).toBe('Change of “Untitled”');
  expect(fieldsOf(patch, en.account, join)).toBe('Changed: title, tags, settings');
  expect(fieldsOf(row, en.account, join)).toBeNull();
  expect(changesTitle(patch)).toBe(true);
  expect(changesTitle({ ...patch, table: 'chat_messages' })).toBe(false);
});

it('has a name even for a table and a field that it does not know', () => {
  const odd = { ...row, table: 'stickers', kind: 'patch', fields: ['glow'] };
  expect(nameOf(odd, en.account, 'Untitled')).toBe('Change in “Kyoto”');
  expect(fieldsOf(odd, en.account, join)).toBe('Changed: glow');
  expect(lossOf(odd, en.account)).toBe(en.account.refused.lostOther);
});

it('gives every code of the protocol a reason of its own', () => {
  const codes = ['content_conflict', 'id_taken', 'missing_parent', 'not_found', 'invalid', 'forbidden_field', 'too_large', 'upload_refused'];
  const reasons = codes.map((code) => reasonOf({ ...row, code }, en.account));
  expect(new Set(reasons).size).toBe(codes.length);
  expect(reasons).not.toContain(en.account.refused.reasons.unknown);
  expect(reasonOf({ ...row, code: 'toString' }, en.account)).toBe(en.account.refused.reasons.unknown);
  expect(reasonOf(row, en.account)).toBe(en.account.refused.reasons.unknown);
});
