import { expect, it } from 'vitest';
import type { Status, SyncState } from '../../ipc/generated';
import { en } from '../../messages/en';
import { detailOf, sentenceOf, wordOf } from './look';

function status(sync: SyncState, part: Partial<Status> = {}): Status {
  return { profile: 'p', account: null, sync, message: 'Back at noon.', conversations: 0, messages: 0, attachments: 0, outbox: 0, wedged: 0, parked: 0, cursor: null, indexed: true, last_sync: null, progress: null, paused: false, audit: null, ...part };
}
const percent = (share: number) => `${Math.round(share * 100)} %`;
const word = (of: Status) => wordOf(of, en.account, percent);

it('names the number where a state has one', () => {
  expect(word(status('waiting', { outbox: 1203 }))).toBe('1,203 waiting to send');
  expect(word(status('waiting'))).toBe('Waiting to send');
  expect(word(status('offline', { outbox: 3, wedged: 1 }))).toBe('Offline · 2 waiting');
  expect(word(status('needs_attention', { wedged: 1 }))).toBe('1 change needs attention');
  expect(word(status('syncing', { progress: { done: 26, total: 100 } }))).toBe('Syncing 26 %');
  expect(word(status('syncing', { progress: { done: 0, total: 0 } }))).toBe('Syncing…');
  // More rows than were counted at the start must not show as more than all.
  expect(word(status('syncing', { progress: { done: 130, total: 100 } }))).toBe('Syncing 100 %');
});

it('passes on the words that only the server or the disk knows', () => {
  expect(detailOf(status('maintenance'), false)).toBe('Back at noon.');
  expect(detailOf(status('needs_attention'), false)).toBe('Back at noon.');
  expect(sentenceOf(status('needs_attention'), en.account)).toBe(en.account.explain.stuck);
  expect(detailOf(status('needs_attention', { wedged: 2 }), false)).toBeNull();
  expect(detailOf(status('in_step'), false)).toBeNull();
  expect(detailOf(status('signed_out'), false)).toBeNull();
  expect(detailOf(status('signed_out'), true)).toBe('Back at noon.');
});
