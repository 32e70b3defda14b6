/** Models of the pretended backend: `?models` has a provider; a reply streams word by word, `?models=broken` breaks off. */
import type * as c from '../src/ipc/generated';

type Fail = (code: c.ErrorCode, text: string) => never;

interface Library {
  row: (id: string) => c.ConversationRow;
  make: () => c.ConversationRow;
  add: (conversation: string, role: 'user' | 'assistant', content: string, fields?: Partial<c.MessageView>) => c.MessageView;
  change: (conversation: string, id: string, fields: Partial<c.MessageView>) => void;
  emit: (event: string, payload: unknown) => void;
}

const WORDS = 'The borrow ends where the last use of it ends, so the compiler lets you write again below that line.'.split(' ');

export class FakeChat {
  providers: c.ProviderRow[];
  readonly #broken: boolean;
  #running = new Map<string, () => void>();

  constructor(
    query: URLSearchParams,
    private readonly library: Library,
    private readonly fail: Fail,
  ) {
    this.#broken = query.get('models') === 'broken';
    this.providers = query.has('models')
      ? [{ id: 'ollama', name: 'Ollama', protocol: 'openai', base_url: 'http://127.0.0.1:11434/v1', key: 'none', is_local: true, models: ['gemma-3', 'llama-3.3', 'qwen-max'], proxy: 'system' }]
      : [];
  }

  answers = {
    send_message: (r: c.SendRequest): c.SendAnswer => {
      if (this.providers.length === 0) this.fail('no_model', 'No model is set up yet.');
      const of = r.conversation_id === undefined ? this.library.make() : this.library.row(r.conversation_id);
      const message = this.library.add(of.id, 'user', r.content);
      return { conversation: of, message, reply_id: this.#reply(of.id, r.model_id ?? 'llama-3.3') };
    },
    ask_reply: (r: c.ReplyRequest): c.ReplyRef => ({ message_id: this.#reply(r.message_id.split('-new-m-')[0]!, r.model_id ?? 'llama-3.3') }),
    stop_reply: (r: c.ReplyRef) => {
      this.#running.get(r.message_id)?.();
      return null;
    },
    reply_so_far: () => null,
    list_presets: (): c.PresetRow[] => [
      { id: 'openai', name: 'OpenAI', protocol: 'openai', base_url: 'https://api.openai.com/v1', needs_key: true },
      { id: 'ollama', name: 'Ollama', protocol: 'openai', base_url: 'http://127.0.0.1:11434/v1', needs_key: false },
    ],
    list_providers: () => this.providers,
    save_provider: (r: c.ProviderEdit): c.ProviderRow => {
      if (r.base_url?.startsWith('http://10.') && !r.allow_private) this.fail('confirm_needed', '10.0.0.2 is in your local network and http is not encrypted.');
      const id = r.id ?? r.preset ?? 'other';
      const made: c.ProviderRow = { id, name: r.name ?? r.preset ?? 'Other', protocol: r.protocol ?? 'openai', base_url: r.base_url ?? 'https://api.openai.com/v1', key: r.key ? 'kept' : 'none', is_local: false, models: [], proxy: r.proxy ?? 'system' };
      this.providers = [...this.providers.filter((one) => one.id !== id), made];
      return made;
    },
    remove_provider: (r: c.ProviderRef) => {
      this.providers = this.providers.filter((one) => one.id !== r.id);
      return null;
    },
    test_provider: (r: c.ProviderRef): c.ProviderTest => {
      this.providers = this.providers.map((one) => (one.id === r.id ? { ...one, models: ['gpt-5', 'gpt-5-mini'] } : one));
      return { ok: true, message: 'It answers and has 2 models.', models: ['gpt-5', 'gpt-5-mini'], took_ms: 212 };
    },
    find_servers: (): c.FoundServer[] => [{ preset: 'lmstudio', name: 'LM Studio', base_url: 'http://127.0.0.1:1234/v1', models: ['phi-4'] }],
    chat_defaults: (): c.ChatDefaults => (this.providers.length === 0 ? { provider_id: null, model_id: null } : { provider_id: this.providers[0]!.id, model_id: 'llama-3.3' }),
  };

  #reply(conversation: string, model: string): string {
    const reply = this.library.add(conversation, 'assistant', '', { writing: true, model_id: model });
    let step = 0;
    let said = '';
    const tell = (state: c.ReplyState) => {
      step += 1;
      this.library.emit('reply', { conversation_id: conversation, message_id: reply.id, step, settled: [], open: said === '' ? '' : `<p>${said}</p>`, thinking: '', state } satisfies c.ReplyPiece);
    };
    const end = (reason: string) => {
      clearInterval(timer);
      this.#running.delete(reply.id);
      const error = reason === 'error' ? { code: 'provider', message: 'The connection broke before the reply was whole. What had come is kept.' } : null;
      this.library.change(conversation, reply.id, { writing: false, content: said, html: `<p>${said}</p>`, finish_reason: reason, metadata: error ? { error } : {} });
      tell({ kind: 'over', kept: true, error: error ? { code: 'provider', message: error.message, retryable: true } : null });
    };
    let at = 0;
    const timer = setInterval(() => {
      said = WORDS.slice(0, (at += 1)).join(' ');
      if (this.#broken && at > 6) end('error');
      else if (at > WORDS.length) end('stop');
      else tell({ kind: 'writing' });
    }, 60);
    this.#running.set(reply.id, () => end('stopped'));
    setTimeout(() => tell({ kind: 'waiting' }), 0);
    return reply.id;
  }
}
