import { describe, expect, it } from 'vitest';
import { CommandFailure, toFailure } from './errors';

describe('toFailure', () => {
  it('keeps what the backend said', () => {
    const failure = toFailure({ code: 'disk_full', message: 'No space is left.', retryable: true });
    expect(failure).toBeInstanceOf(CommandFailure);
    expect([failure.code, failure.message, failure.retryable]).toEqual(['disk_full', 'No space is left.', true]);
  });

  it.each([
    ['a text', 'command x not allowed', 'command x not allowed'],
    ['an exception', new TypeError('x is undefined'), 'x is undefined'],
    ['an unknown code', { code: 'new_code', message: 'm' }, 'Unknown error'],
    ['nothing', undefined, 'Unknown error'],
  ])('takes %s for a defect', (_, thrown, message) => {
    const failure = toFailure(thrown);
    expect([failure.code, failure.message, failure.retryable]).toEqual(['internal', message, false]);
  });

  it('does not wrap twice', () => {
    const failure = toFailure({ code: 'busy', message: 'm', retryable: true });
    expect(toFailure(failure)).toBe(failure);
  });
});
