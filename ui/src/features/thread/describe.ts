/** Words for roles, blocks and models. */
import type { BlockView, ConversationRow, MessageView } from '../../ipc/generated';
import { compact, t } from '../../state/i18n.svelte';

export function roleName(message: Pick<MessageView, 'role' | 'model_id'>): string {
  const text = t().thread;
  switch (message.role) {
    case 'user':
      return text.you;
    case 'assistant':
      return message.model_id || text.assistant;
    case 'system':
      return text.system;
    default:
      return text.tool;
  }
}

export function blockName(block: BlockView): string {
  const text = t().thread;
  const names: Record<string, string> = {
    thinking: text.thinking,
    tool_use: text.toolUse,
    tool_result: text.toolResult,
    attachment_text: text.attachmentText,
  };
  const name = names[block.kind] ?? block.kind.replaceAll('_', ' ');
  return block.title === null || block.title === '' ? name : `${name} · ${block.title}`;
}

export function factsOf(conversation: ConversationRow): string[] {
  const text = t().thread;
  const facts = [text.messages(conversation.message_count)];
  if (conversation.model_id) facts.push(conversation.model_id);
  if (conversation.total_tokens_used > 0) facts.push(text.tokens(compact(conversation.total_tokens_used)));
  return facts;
}
