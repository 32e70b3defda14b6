/** The providers of models, and which model answers. Read from the backend; kept by it. */
import { ipc } from '../ipc/commands';
import type { ChatDefaults, ConversationRow, ProviderRow } from '../ipc/generated';

export interface Choice {
  provider: string;
  model: string;
}

/** Whoever wants to write notes only, although there is a model, is asked once. */
const NOTES_KEY = 'airi.notes-only';

class Models {
  providers = $state.raw<ProviderRow[]>([]);
  defaults = $state.raw<ChatDefaults>({ provider_id: null, model_id: null });
  notesOnly = $state(localStorage.getItem(NOTES_KEY) === '1');

  async read(): Promise<void> {
    const [providers, defaults] = await Promise.all([ipc.listProviders(), ipc.chatDefaults()]);
    this.providers = providers;
    this.defaults = defaults;
  }

  /** Which model answers in a conversation when nothing else is chosen; null: none. */
  of(conversation: ConversationRow | null): Choice | null {
    if (this.notesOnly) return null;
    const own = this.#known(conversation?.provider_id, conversation?.model_id);
    const usual = this.#known(this.defaults.provider_id, this.defaults.model_id);
    const [only, ...others] = this.providers;
    const single = only && others.length === 0 && only.models.length === 1 ? { provider: only.id, model: only.models[0]! } : null;
    return own ?? usual ?? single;
  }

  setNotesOnly(only: boolean): void {
    this.notesOnly = only;
    if (only) localStorage.setItem(NOTES_KEY, '1');
    else localStorage.removeItem(NOTES_KEY);
  }

  #known(provider: string | null | undefined, model: string | null | undefined): Choice | null {
    if (!provider || !model || !this.providers.some(({ id }) => id === provider)) return null;
    return { provider, model };
  }
}

export const models = new Models();
