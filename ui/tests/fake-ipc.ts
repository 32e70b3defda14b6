/**
 * A pretended backend for `npm run dev:fake`, screenshots and component tests. It is no part of a build:
 * tests/bundle.test.ts proves it. `?empty`, `?slow`, `?fail` and `?sync=<state>` in the address show the other states; tests/fake-account.ts has more.
 */
import type * as c from '../src/ipc/generated';
import type { Transport } from '../src/ipc/transport';
import { FakeAccount } from './fake-account';
import { FakeChat } from './fake-chat';
import { NOW, conversation, iso, message } from './fake-data';
import { FakeGallery } from './fake-gallery';

const query = new URLSearchParams(location.search);
const COUNT = Number(query.get('count') ?? (query.has('empty') ? 0 : 400));
const rows = new Map<string, c.ConversationRow>();
for (let index = 0; index < COUNT; index += 1) {
  const row = conversation(index);
  rows.set(row.id, row);
}
const added = new Map<string, c.MessageView[]>();
const deletedMessages = new Set<string>();
const listeners = new Map<string, Set<(payload: unknown) => void>>();
let settings: c.Settings = { theme: query.get('theme') ?? 'system', show_hidden: false, language: query.get('lang'), sidebar_width: 288, files: { keep_offline: 'on_demand', disk_bound_mb: 2048 }, notifications: true, menu_bar: false, titles_by_model: true };

let backups: c.BackupRow[] = query.has('empty') ? [] : [backup(new Date(Date.now() - 7_200_000))];

function backup(at: Date): c.BackupRow {
  return { path: '/backups/local/1', made_at: at.toISOString(), profile: 'local', account: null, conversations: COUNT, messages: COUNT * 14, files: 3, files_missing: 0, bytes: 4_200_000 };
}

/** More lies here than a small bound lets through: some is still to be sent. */
function files(): c.FilesReport {
  const kept = settings.files.keep_offline === 'all' ? 214 : settings.files.keep_offline === 'recent' ? 61 : 18;
  return { ...settings.files, here: kept, here_bytes: kept * 3_600_000, waiting: account.status.account ? 2 : 0, remote: account.status.account ? 231 - kept : 0, remote_bytes: account.status.account ? (231 - kept) * 3_600_000 : 0, library_bytes: 412_000_000 };
}

function emit(event: string, payload: unknown): void {
  for (const take of listeners.get(event) ?? []) take(payload);
}

function changed(ids: string[]): void {
  setTimeout(() => emit('changed', { conversations: ids }), 0);
}

function fail(code: c.ErrorCode, text: string): never {
  throw { code, message: text, retryable: false } satisfies c.CommandError;
}

function row(id: string): c.ConversationRow {
  return rows.get(id) ?? fail('not_found', 'There is no such conversation any more.');
}

function inSection(item: c.ConversationRow, section: c.Section): boolean {
  if (section === 'trash') return item.deleted_at !== null;
  if (item.deleted_at !== null) return false;
  if (section === 'archived') return item.is_archived;
  if (section === 'starred') return item.is_starred;
  return section === 'all' || !item.is_archived;
}

function countTags(of: c.ConversationRow[]): c.TagCount[] {
  const counts = new Map<string, number>();
  for (const { tags } of of) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].map(([tag, conversations]) => ({ tag, conversations })).sort((a, b) => b.conversations - a.conversations || (a.tag < b.tag ? -1 : 1));
}

function retagged(of: c.ConversationRow, edit: { add_tags: string[]; remove_tags: string[] }): string[] {
  return [...new Set([...of.tags, ...edit.add_tags])].filter((tag) => !edit.remove_tags.includes(tag)).sort();
}

function list(request: c.ListRequest): c.ConversationPage {
  const all = [...rows.values()]
    .filter((item) => inSection(item, request.section) && (request.tag === null || item.tags.includes(request.tag)))
    .sort((a, b) => (a.last_message_at === b.last_message_at ? b.id.localeCompare(a.id) : b.last_message_at.localeCompare(a.last_message_at)));
  const from = Number(request.cursor ?? 0);
  const next = from + request.limit < all.length ? String(from + request.limit) : null;
  return { conversations: all.slice(from, from + request.limit), next, total: all.length };
}

function thread(request: c.ThreadRequest): c.ThreadPage {
  const of = row(request.conversation_id);
  const extra = added.get(of.id) ?? [];
  const base = of.message_count - extra.length;
  const total = of.message_count;
  const at = (index: number) => (index < base ? message(of, index) : extra[index - base]!);
  const placeOf = (id: string) => {
    const late = extra.findIndex((one) => one.id === id);
    return late >= 0 ? base + late : Number(id.split('-m-')[1] ?? 2);
  };
  let first = total - request.limit;
  if (request.before !== undefined) first = placeOf(request.before) - request.limit;
  if (request.after !== undefined) first = placeOf(request.after) + 1;
  if (request.around !== undefined) first = placeOf(request.around) - Math.floor(request.limit / 2);
  if (request.at !== undefined) first = request.at;
  const end = Math.min(total, request.before !== undefined ? placeOf(request.before) : Math.max(0, first) + request.limit);
  first = Math.max(0, first);
  const messages = Array.from({ length: Math.max(0, end - first) }, (_, index) => at(first + index));
  return { messages: messages.filter(({ id }) => !deletedMessages.has(id)), first, total, hidden: 3 };
}

function search(request: c.SearchRequest): c.SearchResponse {
  const word = request.query.replace(/-?[a-z]+:("[^"]*"|\S+)/g, '').trim().toLowerCase();
  const hits: c.Hit[] = [];
  const groups: c.HitGroup[] = [];
  if (!word.startsWith('zz')) {
    for (const of of [...rows.values()].slice(0, 5)) {
      const places = Array.from({ length: 1 + (groups.length % 3) }, (_, nth) => {
        const text = nth === 0 ? `…the returned slice borrows from self, so the ${word} stays borrowed for as long as you keep it. Tie it to the source instead, and the borrow ends 🙂 when ${word} returns…` : `Does that also work for ${word} input?`;
        const points = Array.from(text);
        const highlights: [number, number][] = [];
        for (let index = 0; index < points.length; index += 1) {
          if (points.slice(index, index + Array.from(word).length).join('').toLowerCase() === word) highlights.push([index, index + Array.from(word).length]);
        }
        hits.push({ conversation_id: of.id, message_id: message(of, 5 + nth * 2).id, field: nth === 2 ? 'thinking' : 'text', role: nth === 1 ? 'user' : 'assistant', snippet: text, highlights, score: 1, created_at: of.last_message_at });
        return hits.length - 1;
      });
      groups.push({ conversation: of, hits: places });
    }
  }
  return { hits, groups, total: hits.length === 0 ? 0 : 48, total_is_exact: true, took_ms: 1.37, corrected: word.includes('lifetme') ? 'lifetime' : null, unsearched: 0 };
}

function runTask(last: c.TaskState): c.TaskStarted {
  const task = `task-${Math.random()}`;
  let done = 0;
  const timer = setInterval(() => {
    done += 300;
    emit('task', { task, state: done < 2400 ? { kind: 'running', step: 'Reading conversations', done, total: 2400 } : last });
    if (done >= 2400) clearInterval(timer);
  }, 250);
  return { task };
}

const report: c.ImportReport = {
  format: 'chatgpt', conversations_read: 2400, conversations_imported: 2312, conversations_already_there: 81, conversations_updated: 6,
  messages_read: 48_122, messages_imported: 46_903, messages_already_there: 1219, attachments_imported: 418, attachments_missing: 12,
  skipped: [{ position: 1731, title: 'Broken one', reason: 'Its messages form a circle.' }], notes: [], took_ms: 5213,
};

function addMessage(conversation: string, role: string, content: string, fields: Partial<c.MessageView> = {}): c.MessageView {
  const of = row(conversation);
  const made = { ...message(of, of.message_count), id: `${of.id}-new-m-${of.message_count}`, role, content, html: '', blocks: [], files: [], branch: null, metadata: {}, finish_reason: null, total_tokens: 0, created_at: iso(Date.now()), ...fields };
  if (content !== '') {
    const holder = document.createElement('p');
    holder.textContent = content;
    made.html = holder.outerHTML;
  }
  added.set(of.id, [...(added.get(of.id) ?? []), made]);
  rows.set(of.id, { ...of, message_count: of.message_count + 1, last_message_at: made.created_at });
  changed([of.id]);
  return made;
}

function makeConversation(title: string | null): c.ConversationRow {
  const made = conversation(COUNT + rows.size, { title, created_at: iso(Date.now()), last_message_at: iso(Date.now()), message_count: 0, is_archived: false, is_starred: false, deleted_at: null, total_tokens_used: 0 });
  rows.set(made.id, made);
  changed([made.id]);
  return made;
}

const chat = new FakeChat(
  query,
  {
    row,
    make: () => makeConversation(null),
    add: addMessage,
    change: (id, of, fields) => {
      added.set(id, (added.get(id) ?? []).map((one) => (one.id === of ? { ...one, ...fields } : one)));
      changed([id]);
    },
    emit,
  },
  fail,
);

const gallery = new FakeGallery(query.has('nofiles'), fail);
const account = new FakeAccount(query, COUNT, emit, fail);

type Answers = Record<c.CommandName, (request: never) => unknown>;

const answers: Answers = {
  app_info: () => (query.has('fail') ? fail('damaged', 'The library cannot be read: its file is damaged. It was left untouched; restore a backup or move it aside.') : { version: '0.1.0', platform: 'linux', demo: query.has('demo'), data_dir: '/home/mika/.local/share/airi-desktop', server: query.has('builtin') ? { url: 'https://sync.airi.example', key: 'sb_publishable_built_in' } : null, status: account.status, settings }),
  open_sample: () => null,
  leave_sample: () => null,
  list_conversations: (r: c.ListRequest) => list(r),
  get_conversation: (r: c.ConversationRef) => row(r.id),
  create_conversation: (r: c.NewConversation) => makeConversation(r.title ?? r.title_from ?? null),
  edit_conversation: (r: c.ConversationEdit) => {
    const { id, title, is_starred, is_archived } = r;
    const now = row(id);
    const next = { ...now, title: title ?? now.title, is_starred: is_starred ?? now.is_starred, is_archived: is_archived ?? now.is_archived, tags: retagged(now, r) };
    rows.set(id, next);
    changed([id]);
    return next;
  },
  edit_conversations: (r: c.ManyEdit) => {
    const edited: string[] = [];
    for (const id of r.ids) {
      const now = row(id);
      const next = { ...now, is_archived: r.is_archived ?? now.is_archived, tags: retagged(now, r) };
      if (next.is_archived !== now.is_archived || next.tags.join() !== now.tags.join()) edited.push(id);
      rows.set(id, next);
    }
    changed(r.ids);
    return { changed: edited };
  },
  keep_here: (r: c.KeepHereRequest) => {
    if (r.only_here && row(r.id).on_server) return fail('invalid_input', 'This conversation is on the server already, so it cannot stay on this device only. Nothing was changed.');
    const next = { ...row(r.id), only_here: r.only_here };
    rows.set(r.id, next);
    changed([r.id]);
    return next;
  },
  delete_items: (r: c.ItemsRequest) => {
    for (const id of r.ids) {
      if (rows.has(id)) rows.set(id, { ...row(id), deleted_at: iso(Date.now()) });
      else deletedMessages.add(id);
    }
    changed(r.ids);
    return null;
  },
  undelete_items: (r: c.ItemsRequest) => {
    for (const id of r.ids) if (rows.has(id)) rows.set(id, { ...row(id), deleted_at: null });
    changed(r.ids);
    return null;
  },
  erase_items: (r: c.ItemsRequest) => {
    for (const id of r.ids) rows.delete(id);
    changed(r.ids);
    return null;
  },
  list_tags: () => (query.has('notags') ? [] : countTags([...rows.values()].filter((item) => item.deleted_at === null))),
  tags_of: (r: c.ItemsRequest) => countTags(r.ids.map(row)),
  thread_page: (r: c.ThreadRequest) => thread(r),
  add_message: (r: c.NewMessage) => addMessage(r.conversation_id, r.role, r.content),
  show_branch: (r: c.BranchRequest) => row(r.conversation_id),
  edit_message: () => null,
  search: (r: c.SearchRequest) => search(r),
  find_in_thread: (r: c.FindRequest) => {
    const of = row(r.conversation_id);
    const needles = (r.words ? r.text.split(/\s+/) : [r.text.trim()]).map((one) => one.toLowerCase()).filter(Boolean);
    const messages: c.FoundMessage[] = [];
    for (let index = 0; index < of.message_count && needles.length > 0; index += 1) {
      const { id, html } = message(of, index);
      const text = html.replace(/<[^>]*>/g, '').toLowerCase();
      if (needles.every((needle) => text.includes(needle))) messages.push({ message_id: id, place: index, folded_away: false });
    }
    return { messages: messages.slice(0, 10_000), total: messages.length, needles };
  },
  start_import: (r: c.ImportRequest) => (r.paths[0]?.includes('huge') && !r.confirmed ? fail('confirm_needed', 'It unpacks to 9.4 GB, 210 times its own size.') : runTask({ kind: 'imported', reports: [report] })),
  start_export: () => runTask({ kind: 'exported', report: { format: 'json', path: '/home/mira/airi-export.zip', conversations: 2400, messages: 48_122, attachments: 418, attachments_missing: 0, bytes: 81_231_233 } }),
  cancel_task: () => null,
  pick_path: (r: c.PickRequest) => (r.kind === 'export_file' ? `/home/mira/${r.suggested_name}` : '/home/mira/export.zip'),
  ...account.answers,
  ...chat.answers,
  usage: (r: c.UsageRequest) => ({
    by: r.by,
    rows: Array.from({ length: r.by === 'day' ? 24 : 5 }, (_, index) => ({
      title: r.by === 'conversation' ? conversation(index).title : null,
      key: r.by === 'conversation' ? conversation(index).id : r.by === 'day' ? iso(NOW - index * 86_400_000).slice(0, 10) : (['gpt-4o', 'claude-sonnet-4-5', 'o3-mini', 'gemini-2.5-pro', null][index] ?? null),
      messages: 12 + ((index * 7) % 31),
      prompt_tokens: 21_000 + ((index * 7919) % 40_000),
      completion_tokens: 14_000 + ((index * 104_729) % 90_000),
      total_tokens: 35_000 + ((index * 7919) % 40_000) + ((index * 104_729) % 90_000),
      cost_usd: index === 4 ? null : 0.31 + index * 0.173,
      unpriced_tokens: index === 4 ? 35_000 : index % 6 === 2 ? 1_200 : 0,
    })),
    prices_as_of: '2026-03-31',
    own_prices: false,
    prices_problem: null,
  }),
  billed_usage: () =>
    account.status.account === null
      ? null
      : { estimated_usd: 4.31, tokens: 412_000, calls: 137, plan: 'plus', subscription_status: 'active', subscription_ends_at: null, day: { used: 37, limit: 500, left: 463, resets_at: iso(NOW + 32_400_000) }, read_at: iso(NOW - 240_000), payments: [{ at: iso(NOW - 12 * 86_400_000), amount: 20, currency: 'USD', status: 'succeeded', description: 'AIRI Plus, monthly' }] },
  export_usage: () => '/home/mira/airi-usage.csv',
  check_link: (r: c.LinkRequest) => ({ allowed: r.url.startsWith('https:'), shown: r.url, reason: 'Only web and mail addresses are opened.' }),
  open_link: () => null,
  attach_file: (r: c.AttachRequest) => addMessage(r.conversation_id, 'user', ''),
  gallery: (r: c.GalleryRequest) => gallery.page(row(r.conversation_id), r),
  keep_files: (r: c.KeepFilesRequest) => {
    if (rows.has(r.id)) gallery.keepAll(r.id, r.keep);
    else changed([gallery.keepOne(r.id, r.keep)]);
    return null;
  },
  fetch_attachment: () => fail('offline', 'The server cannot be reached.'),
  save_attachment: () => '/home/mira/Downloads/sketch.png',
  get_settings: () => settings,
  notify: () => null,
  set_menu_bar: () => null,
  set_settings: (r: c.Settings) => (settings = r),
  list_backups: () => backups,
  back_up: () => {
    backups = [backup(new Date()), ...backups];
    return backups[0]!;
  },
  check_backup: () => ({ backup: backup(new Date(Date.now() - 86_400_000)), profile: null, before: 'local', unsent_before: 0, message: '' }),
  restore_backup: () => ({ backup: backup(new Date()), profile: 'restored', before: 'local', unsent_before: 2, message: 'The backup is now in use. The profile before holds 2 changes that were never sent.' }),
  files: () => (query.has('nofiles') ? fail('io', 'The folder of the files cannot be read. Check its permissions.') : files()),
  verify: () => ({ ok: true, conversations: COUNT, messages: COUNT * 14, files: 3, problems: [] }),
};

const picture =
  'data:image/svg+xml;utf8,' +
  encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><rect width="640" height="360" fill="#cfe3df"/><circle cx="480" cy="110" r="52" fill="#f3d9a4"/><path d="M0 300 160 170 270 250 400 130 640 320V360H0Z" fill="#4f8f86"/></svg>');

const calls: { command: string; request: unknown }[] = [];

const fake: Transport = {
  async invoke(command, args) {
    await new Promise((resolve) => setTimeout(resolve, query.has('slow') ? 60_000 : 4));
    calls.push({ command, request: args['request'] });
    return structuredClone(await (answers[command as c.CommandName] as (request: unknown) => unknown)(args['request']));
  },
  listen: async (event, take) => {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set.add(take));
    return () => void set.delete(take);
  },
  imageUrl: () => picture,
};

window.__AIRI_FAKE__ = fake;
// What the page asked for, and a way to let things happen, for tests/account.mjs.
Object.assign(window, { airiCalls: calls, airiFake: account, airiGallery: gallery, airiChanged: changed, airiDrag: (drag: c.Drag) => emit('drag', drag) });
