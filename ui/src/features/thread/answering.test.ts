import { describe, expect, it } from 'vitest';
import type { MessageView } from '../../ipc/generated';
import { endingOf } from './answering';

const reply = (finish_reason: string | null, metadata: Record<string, unknown> = {}) =>
  ({ role: 'assistant', finish_reason, metadata }) as unknown as MessageView;

describe('how a reply ended', () => {
  it('is told where it is not whole', () => {
    expect(endingOf(reply('stop'))).toBe(null);
    expect(endingOf(reply(null))).toBe(null);
    expect(endingOf(reply('stopped'))).toBe('stopped');
    expect(endingOf(reply('interrupted'))).toBe('interrupted');
    expect(endingOf(reply('max_tokens'))).toBe('cut');
    expect(endingOf(reply('error', { error: { message: 'The connection broke.' } }))).toEqual({ error: 'The connection broke.' });
    expect(endingOf(reply('error', { error: 7 }))).toEqual({ error: '' });
  });
});
