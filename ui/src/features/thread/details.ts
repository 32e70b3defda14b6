/** What is known of a message beside its words. */
import type { MessageView } from '../../ipc/generated';
import { i18n, number, t } from '../../state/i18n.svelte';
import { longTime } from '../../state/time';

export interface Detail {
  name: string;
  value: string;
}

export function detailsOf(message: MessageView): Detail[] {
  const text = t().details;
  const { metadata } = message;
  const told = typeof metadata['told_messages'] === 'number' ? metadata['told_messages'] : null;
  const took = message.response_time_ms === null ? '' : (message.response_time_ms / 1000).toLocaleString(i18n.language, { maximumFractionDigits: 1 });
  const split = message.prompt_tokens + message.completion_tokens > 0 ? ` (${text.split(number(message.prompt_tokens), number(message.completion_tokens))})` : '';
  const all: Detail[] = [
    { name: text.model, value: message.model_id ?? '' },
    { name: text.provider, value: message.provider_id ?? '' },
    { name: text.tokens, value: message.total_tokens > 0 ? number(message.total_tokens) + split : '' },
    { name: text.took, value: took === '' ? '' : text.seconds(took) },
    { name: text.ended, value: message.finish_reason ?? '' },
    { name: text.told, value: told === null ? '' : text.toldLast(number(told)) },
    { name: text.at, value: longTime(message.created_at, i18n.language) },
  ];
  return all.filter(({ value }) => value !== '');
}
