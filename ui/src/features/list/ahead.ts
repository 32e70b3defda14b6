/** The first list, asked for while the window is still being drawn. */
import { ipc } from '../../ipc/commands';
import type { ConversationPage, Section } from '../../ipc/generated';
import { spread, subscribe } from '../../state/changes';

export const PAGE = 200;
export const MOST = 500;

/** One section from its beginning, and the starred ones where they stand above it. */
export type Pages = [ConversationPage, ConversationPage | null];

export function readPages(section: Section, tag: string | null, limit: number): Promise<Pages> {
  return Promise.all([
    ipc.listConversations({ section, tag, cursor: null, limit }),
    section === 'active' ? ipc.listConversations({ section: 'starred', tag: null, cursor: null, limit: MOST }) : null,
  ]);
}

let asked: Promise<Pages> | null = null;
let stop = () => {};

/** What changes before the list is there to hear of it makes the answer void; `listening` resolves once changes are heard of. */
export function askAhead(listening: Promise<unknown>): void {
  forget();
  let answered = false;
  asked = readPages('active', null, PAGE);
  // Whoever has taken it hears of the failure; whoever comes later asks anew.
  void asked.then(() => (answered = true), forget);
  stop = subscribe(forget);
  // Between such an answer and the first change that is heard of, anything may have come.
  void listening.then(() => answered && spread(null));
}

function forget(): void {
  asked = null;
  stop();
  stop = () => {};
}

/** What was asked for ahead, if that is what is wanted, and once. */
export function taken(section: Section, tag: string | null, limit: number): Promise<Pages> | null {
  const found = section === 'active' && tag === null && limit === PAGE ? asked : null;
  forget();
  return found;
}
