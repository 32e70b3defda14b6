import { beforeEach, expect, it } from 'vitest';
import type { Status } from '../../ipc/generated';
import { watching } from './watching.svelte';

const base: Status = { profile: 'p', account: null, sync: 'local', message: '', conversations: 0, messages: 0, attachments: 0, outbox: 0, wedged: 0, parked: 0, cursor: null, indexed: true, last_sync: null, progress: null, paused: false, audit: null };

function of(signed_in: boolean, user_id = 'u'): Status {
  return { ...base, sync: signed_in ? 'in_step' : 'signed_out', account: { url: 'https://a', email: 'm@a', user_id, signed_in, session_in: 'keyring' } };
}

beforeEach(() => watching.feed(of(true), 0));

it('tells of a session that ended elsewhere, until it was put aside', () => {
  expect(watching.tellsEnded(base)).toBe(false);
  expect(watching.tellsEnded(of(false))).toBe(true);
  watching.dismiss(of(false));
  expect(watching.tellsEnded(of(false))).toBe(false);
  expect(watching.tellsEnded(of(false, 'another'))).toBe(true);
  // Signed in and out again: it is worth saying again.
  watching.feed(of(true), 1);
  expect(watching.tellsEnded(of(false))).toBe(true);
});

it('does not tell somebody who signs out themselves, whichever word comes first', async () => {
  const left = await watching.leave(of(true), async () => {
    watching.feed(of(true), 2);
    expect(watching.tellsEnded(of(false))).toBe(false);
    return true;
  });
  expect(left).toBe(true);
  expect(watching.tellsEnded(of(false))).toBe(false);
  watching.feed(of(true), 3);
  await watching.leave(of(true), async () => false);
  expect(watching.tellsEnded(of(false))).toBe(true);
});
