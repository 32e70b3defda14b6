import { expect, test } from 'vitest';
import type { MessageView } from '../../ipc/generated';
import { detailsOf } from './details';

const BARE = {
  model_id: null, provider_id: null, prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, response_time_ms: null, finish_reason: null,
  metadata: {}, created_at: '2026-01-05T10:00:00Z',
} as unknown as MessageView;

test('only what is known is told', () => {
  expect(detailsOf(BARE).map(({ name }) => name)).toEqual(['At']);
  const full = { ...BARE, model_id: 'gpt', provider_id: 'openai', prompt_tokens: 1200, completion_tokens: 30, total_tokens: 1230, response_time_ms: 2340, finish_reason: 'stop', metadata: { told_messages: 212 } };
  expect(detailsOf(full).slice(0, -1).map(({ value }) => value)).toEqual([
    'gpt', 'openai', '1,230 (1,200 read, 30 written)', '2.3 s', 'stop', 'the newest 212 messages; older ones did not fit',
  ]);
});

test('what an import has under that name is not taken for it', () => {
  expect(detailsOf({ ...BARE, metadata: { told_messages: 'all' } })).toHaveLength(1);
});
