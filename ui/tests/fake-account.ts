/**
 * The pretended account: signing in, sync, the outbox, devices and profiles. In the address: `sync=<state>`, `first` (a
 * long first sync), `paused`, `stuck` (a full disk), `differs` (the last comparison), `nobrowser`.
 */
import type * as c from '../src/ipc/generated';
import { NOW, conversation, iso } from './fake-data';

type Emit = (event: string, payload: unknown) => void;
type Fail = (code: c.ErrorCode, text: string) => never;

const MINUTE = 60_000;
const EMAIL = 'mira@example.org';
const URL_ = 'https://airi.example.org';

function change(id: number, part: Partial<c.OutboxRow>): c.OutboxRow {
  const of = conversation(id);
  return {
    id: `0000000${id}-0000-7000-8000-000000000000`,
    conversation_id: of.id,
    conversation_title: of.title,
    fields: [],
    code: null,
    behind: 0,
    table: 'chat_messages',
    row_id: `${of.id.slice(24)}-m-3`,
    kind: 'insert',
    state: 'pending',
    attempts: 0,
    error: null,
    created_at: iso(NOW - id * MINUTE),
    ...part,
  };
}

const REFUSED: c.OutboxRow[] = [
  change(1, { state: 'wedged', code: 'invalid', table: 'conversations', kind: 'patch', fields: ['title', 'tags_add'], row_id: conversation(1).id, attempts: 1, error: 'value too long for type character varying(255)' }),
  change(3, { state: 'wedged', code: 'too_large', attempts: 3, behind: 4, error: 'payload of 12 MB is over the limit of 10 MB' }),
  change(5, { state: 'wedged', code: 'upload_refused', table: 'message_attachments', attempts: 1, error: 'mime type application/x-foo is not supported' }),
];

const PENDING: c.OutboxRow[] = [
  change(0, { table: 'conversations', kind: 'patch', fields: ['is_starred'] }),
  change(2, {}),
  change(4, { kind: 'patch', fields: ['rating'] }),
];

export class FakeAccount {
  status: c.Status;
  #rows: c.OutboxRow[];
  #devices: c.DeviceRow[];
  #retention: c.Retention = { delete_messages_after_days: null };
  #profiles: c.ProfileRow[];
  #endBrowser: ((error: c.CommandError | null) => void) | null = null;
  readonly #query: URLSearchParams;
  readonly #emit: Emit;
  readonly #fail: Fail;

  constructor(query: URLSearchParams, count: number, emit: Emit, fail: Fail) {
    this.#query = query;
    this.#emit = emit;
    this.#fail = fail;
    const first = query.has('first');
    const sync = (query.get('sync') ?? (first ? 'syncing' : query.has('paused') ? 'paused' : query.has('stuck') ? 'needs_attention' : 'local')) as c.SyncState;
    this.#rows = sync === 'needs_attention' && !query.has('stuck') ? [...REFUSED, ...PENDING] : ['waiting', 'offline', 'signed_out', 'paused'].includes(sync) ? [...PENDING] : [];
    this.status = {
      profile: sync === 'local' ? 'local' : 'account-1',
      account: sync === 'local' ? null : { url: URL_, email: EMAIL, user_id: 'u', signed_in: sync !== 'signed_out', session_in: 'keyring' },
      sync,
      message: MESSAGES[sync] ?? (query.has('stuck') ? 'The disk is full: the history needs 3.1 GB more, and 412 MB are free. What is here is safe. Make space, then try again.' : ''),
      conversations: count,
      messages: count * 14,
      attachments: 3 * count,
      outbox: 0,
      wedged: 0,
      parked: query.has('parked') ? 3 : 0,
      cursor: null,
      indexed: true,
      last_sync: sync === 'local' || first ? null : iso(NOW - 4 * MINUTE),
      progress: first ? { done: 12_480, total: 48_122 } : null,
      paused: sync === 'paused',
      audit: sync === 'local' || first ? null : audit(query.has('differs')),
    };
    this.#count();
    this.#devices = [
      { id: 'd1', name: 'mira-desktop', platform: 'linux', app_version: '0.1.0', first_seen_at: iso(NOW - 90 * 1440 * MINUTE), last_sync_at: iso(NOW - 4 * MINUTE), signed_out_at: null, current: true },
      { id: 'd2', name: 'Mira’s MacBook', platform: 'macos', app_version: '0.1.0', first_seen_at: iso(NOW - 30 * 1440 * MINUTE), last_sync_at: iso(NOW - 200 * MINUTE), signed_out_at: null, current: false },
      { id: 'd3', name: 'OFFICE-PC', platform: 'windows', app_version: '0.0.9', first_seen_at: iso(NOW - 300 * 1440 * MINUTE), last_sync_at: iso(NOW - 50 * 1440 * MINUTE), signed_out_at: iso(NOW - 49 * 1440 * MINUTE), current: false },
    ];
    const local: c.ProfileRow = { name: 'local', in_use: sync === 'local', account: null, conversations: sync === 'local' ? count : 12, unsent: 0, problem: null };
    const other = { url: URL_, email: 'team@example.org', user_id: 'v', signed_in: true, session_in: 'keyring' };
    this.#profiles = [
      local,
      ...(this.status.account ? [{ name: 'account-1', in_use: true, account: this.status.account, conversations: count, unsent: this.status.outbox, problem: null }] : []),
      ...(query.has('profiles') ? [{ name: 'account-2', in_use: false, account: other, conversations: 87, unsent: 2, problem: null }] : []),
    ];
    if (first && !query.has('still')) this.#run();
  }

  /** Puts the state as a test wants it, as if the backend had said so. */
  tell(part: Partial<c.Status>): void {
    this.status = { ...this.status, ...part };
    this.#emit('status', { status: this.status });
  }

  /** The user is done in the browser. */
  browserDone(error: c.CommandError | null = null): void {
    this.#endBrowser?.(error);
  }

  #news(): c.ServerNews {
    const suspended = this.status.sync === 'suspended';
    const limit = (used: number, of: number | null): c.Limit => ({ used, limit: of, left: of === null ? null : of - used, resets_at: iso(NOW + 9 * 60 * MINUTE) });
    return {
      read_at: iso(NOW - 4 * MINUTE),
      notice: this.#query.has('notice') ? 'Tonight from 22:00 to 23:00 UTC the server moves to a larger disk. Write on; it is sent afterwards.' : null,
      providers: this.#query.has('notice') ? [{ id: 'ollama', name: 'Ollama', status: 'degraded', last_check_at: iso(NOW - 6 * MINUTE) }] : [],
      limits: this.status.account ? { plan: 'plus', day: limit(37, 500), hour: limit(4, 60), suspended, suspended_until: suspended ? iso(NOW + 3 * 1440 * MINUTE) : null } : null,
    };
  }

  #count(): void {
    this.status.outbox = this.#rows.length;
    this.status.wedged = this.#rows.filter((row) => row.state === 'wedged').length;
    if (this.status.sync === 'needs_attention' && this.status.wedged === 0 && !this.#query.has('stuck')) this.status.sync = this.status.outbox > 0 ? 'waiting' : 'in_step';
  }

  #run(): void {
    const timer = setInterval(() => {
      const { progress, paused } = this.status;
      if (paused) return;
      if (progress === null || progress.done >= progress.total) {
        clearInterval(timer);
        this.tell({ sync: 'in_step', progress: null, last_sync: iso(Date.now()) });
      } else {
        this.tell({ sync: 'syncing', progress: { ...progress, done: Math.min(progress.total, progress.done + 311) } });
      }
    }, 400);
  }

  #enter(email: string, url: string): c.Status {
    const account = { url, email, user_id: 'u', signed_in: true, session_in: 'keyring' };
    this.status = { ...this.status, profile: 'account-1', account, sync: 'syncing', message: '', last_sync: null, progress: { done: 1_200, total: 48_122 } };
    if (!this.#query.has('still')) this.#run();
    return this.status;
  }

  async #signIn(request: c.SignInRequest): Promise<c.Status> {
    const { by, url } = request;
    if ('password' in by) {
      if (by.password.password === 'wrong') this.#fail('wrong_password', 'The server does not know this e-mail with this password. Check both and try again.');
      return this.#enter(by.password.email, url);
    }
    if ('code' in by) {
      if (by.code.code === '000000') this.#fail('wrong_code', 'This code is not the one that was sent, or it is too old. Ask for a new one.');
      return this.#enter(by.code.email, url);
    }
    setTimeout(() => this.#emit('sign_in', { url: `${url}/auth/v1/authorize?provider=${by.provider}&code_challenge=qWJx3G0kQ2Zs`, problem: this.#query.has('nobrowser') ? 'No browser was found.' : null }), 60);
    const error = await new Promise<c.CommandError | null>((resolve) => (this.#endBrowser = resolve));
    if (error) throw error;
    return this.#enter(EMAIL, url);
  }

  readonly answers = {
    sign_in: (r: c.SignInRequest) => this.#signIn(r),
    cancel_sign_in: () => {
      this.#endBrowser?.({ code: 'cancelled', message: 'Stopped.', retryable: true });
      return null;
    },
    send_code: (r: c.CodeRequest) => (r.email.startsWith('nobody') ? this.#fail('server_refused', 'The server sends no code to this address.') : null),
    check_server: (r: c.CheckRequest) => checkOf(r.url ?? URL_),
    list_profiles: () => this.#profiles,
    use_profile: (r: c.ProfileRef) => {
      this.#profiles = this.#profiles.map((row) => ({ ...row, in_use: row.name === r.name }));
      const row = this.#profiles.find(({ name }) => name === r.name) ?? this.#fail('not_found', 'No such profile.');
      this.status = { ...this.status, profile: row.name, account: row.account, sync: row.account ? 'in_step' : 'local', conversations: row.conversations };
      return this.status;
    },
    sign_out: () => {
      this.status = { ...this.status, sync: 'signed_out', account: this.status.account && { ...this.status.account, signed_in: false } };
      return this.status;
    },
    remove_profile: (r: c.RemoveProfile) => {
      const row = this.#profiles.find(({ name }) => name === r.name) ?? this.#fail('not_found', 'No such profile.');
      if (row.unsent > 0) this.#fail('invalid_input', `${row.unsent} changes of this profile were not sent to the server yet. Sync first, or discard them; nothing was removed.`);
      if (row.account === null && r.confirm !== row.name) this.#fail('confirm_needed', 'Type local to remove them.');
      this.#profiles = this.#profiles.filter(({ name }) => name !== r.name);
      if (row.in_use) this.status = { ...this.status, profile: 'local', account: null, sync: 'local', conversations: 12, last_sync: null };
      return this.status;
    },
    delete_account: () => {
      if (this.status.sync === 'offline') this.#fail('offline', 'The server cannot be reached. Nothing was deleted.');
      this.status = { ...this.status, sync: 'signed_out', message: 'The account was deleted from the server. Everything on this computer stays yours.', account: this.status.account && { ...this.status.account, signed_in: false } };
      return { status: this.status, files_left: 0 };
    },
    sync_now: () => {
      this.#rows = this.#rows.filter((row) => row.state === 'wedged');
      this.status = { ...this.status, last_sync: iso(Date.now()), sync: this.status.wedged > 0 ? 'needs_attention' : 'in_step' };
      this.#count();
      return this.status;
    },
    status: () => this.status,
    server_news: () => this.#news(),
    outbox: () => this.#rows,
    resolve_outbox: (r: c.OutboxRequest) => {
      const row = this.#rows.find(({ id }) => id === r.id);
      this.#rows = this.#rows.filter(({ id }) => id !== r.id);
      if (r.action === 'retry' && row) this.#rows.push({ ...row, state: 'pending', code: null, error: null });
      this.status = { ...this.status };
      this.#count();
      return null;
    },
    export_change: () => null,
    pause_sync: (r: c.PauseRequest) => {
      const sync: c.SyncState = r.paused ? 'paused' : this.status.progress ? 'syncing' : this.status.outbox > 0 ? 'waiting' : 'in_step';
      this.status = { ...this.status, paused: r.paused, sync };
      return this.status;
    },
    verify_remote: async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return audit(false, Date.now());
    },
    list_devices: () => (this.status.sync === 'offline' ? this.#fail('offline', 'The server cannot be reached.') : this.#devices),
    sign_out_device: (r: c.DeviceRef) => (this.#devices = this.#devices.map((row) => (row.id === r.id ? { ...row, signed_out_at: iso(Date.now()) } : row))),
    retention: () => (this.status.sync === 'offline' ? this.#fail('offline', 'The server cannot be reached.') : this.#retention),
    set_retention: (r: c.Retention) => (this.#retention = r),
    save_log: () => null,
  };
}

const MESSAGES: Partial<Record<c.SyncState, string>> = {
  suspended: 'This account is suspended until 2026-01-03 12:00 UTC. Reading and exporting go on; what was written meanwhile stays on the device.',
  maintenance: 'We move to a larger disk. Back at 14:00 UTC.',
  server_unsuitable: 'This server lacks the migrations of AIRI Desktop (revision 2 is needed, it has none). Its operator applies supabase/migrations.',
};

function audit(differs: boolean, at = NOW - 190 * MINUTE): c.AuditReport {
  if (!differs) return { at: iso(at), rows: 48_122, ranges_differing: 0, fetched: 0, sent_again: 0, findings: [] };
  return { at: iso(at), rows: 48_122, ranges_differing: 1, fetched: 2, sent_again: 1, findings: ['chat_messages 0198…: older here than on the server; fetched again.', 'chat_messages 0198…: only on this device; sent again.'] };
}

const NEEDED: ReadonlySet<c.CheckOf> = new Set<c.CheckOf>(['reachable', 'key', 'migrations', 'bucket']);

/** `old.` lacks the migrations, `plain.` the providers, `closed.` every way to sign in; `down.` does not answer. */
function checkOf(url: string): c.ServerCheck {
  const missing: c.CheckOf[] = url.includes('old.') ? ['migrations'] : url.includes('plain.') ? ['google', 'discord'] : url.includes('closed.') ? ['email', 'code', 'google', 'discord'] : url.includes('down.') ? ['reachable'] : [];
  const all: c.CheckOf[] = ['reachable', 'key', 'email', 'code', 'google', 'discord', 'redirects', 'migrations', 'bucket', 'doorbell'];
  const checks = all.map((what): c.Check => {
    const state: c.CheckState = missing.includes(what) ? 'missing' : ['redirects', 'doorbell'].includes(what) || missing.includes('reachable') ? 'cannot_tell' : 'ok';
    const message = state === 'ok' ? 'It is there.' : state === 'missing' ? 'The server does not have it.' : 'It cannot be seen from outside.';
    return { what, state, needed: NEEDED.has(what), message, todo: state === 'missing' ? `Its operator turns on “${what}” in the server’s settings.` : null };
  });
  return { url, signed_in: false, ok: !checks.some((one) => one.needed && one.state === 'missing'), checks };
}
