/** What a change in the outbox was, in words. Pure: the texts are given. */
import type { OutboxRow } from '../../ipc/generated';
import type { Messages } from '../../messages';

type Text = Messages['account'];

/** "New message in “Weekend in Kyoto”"; "Change of “Weekend in Kyoto”". */
export function nameOf(row: OutboxRow, text: Text, untitled: string): string {
  const kinds = text.change.what[row.table] ?? text.change.what['other']!;
  const what = kinds[row.kind] ?? row.kind;
  const title = row.conversation_title?.trim() || untitled;
  return row.table === 'conversations' ? text.change.of(what, title) : text.change.inside(what, title);
}

/** "Changed: title, star"; null for a row that is new or erased. Several parts of one thing are said once. */
export function fieldsOf(row: OutboxRow, text: Text, join: (names: string[]) => string): string | null {
  if (row.kind !== 'patch' || row.fields.length === 0) return null;
  const names = row.fields.map((field) => text.change.fieldNames[field.split('.')[0]!] ?? field);
  return text.change.fields(join([...new Set(names)]));
}

const REASONS: ReadonlySet<string> = new Set<keyof Text['refused']['reasons']>([
  'content_conflict',
  'id_taken',
  'missing_parent',
  'not_found',
  'invalid',
  'forbidden_field',
  'too_large',
  'upload_refused',
]);

/** Why the server refused, and what to do about it. */
export function reasonOf(row: OutboxRow, text: Text): string {
  const known = row.code !== null && REASONS.has(row.code);
  return text.refused.reasons[known ? (row.code as keyof Text['refused']['reasons']) : 'unknown'];
}

/** What is gone once it is discarded. */
export function lossOf(row: OutboxRow, text: Text): string {
  return text.refused.lost[row.table]?.[row.kind] ?? text.refused.lostOther;
}

/** A change that can be mended by a later edit of the same field; everything else can only be looked at. */
export function isMendable(row: OutboxRow): boolean {
  return row.kind === 'patch' && row.table === 'conversations';
}

export function changesTitle(row: OutboxRow): boolean {
  return isMendable(row) && row.fields.includes('title');
}
