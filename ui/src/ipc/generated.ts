// Made by `AIRI_UPDATE=1 cargo test -p airi-contract` from crates/contract; not edited by hand.

export type ErrorCode = "invalid_input" | "not_found" | "bad_archive" | "confirm_needed" | "io" | "disk_full" | "busy" | "newer_version" | "damaged" | "signed_out" | "wrong_password" | "wrong_code" | "session_ended" | "offline" | "server_unsuitable" | "maintenance" | "suspended" | "server_refused" | "no_keyring" | "no_model" | "key_needed" | "provider" | "cancelled" | "timed_out" | "internal";

export type CommandError = { code: ErrorCode, 
/**
 * What happened, what it means for the data, what to do. For people.
 */
message: string, 
/**
 * Whether the same request may succeed later without a change.
 */
retryable: boolean, };

export type ConversationRow = { id: string, title: string | null, summary: string | null, model_id: string | null, provider_id: string | null, avatar_id: string | null, voice_id: string | null, personality_template: string | null, system_prompt: string | null, temperature: number, max_tokens: number, settings: Record<string, unknown>, tags: Array<string>, is_archived: boolean, is_starred: boolean, metadata: Record<string, unknown>, deleted_at: string | null, current_message_id: string | null, created_at: string, 
/**
 * Time of the newest message that is not deleted; of the conversation itself when it has none.
 */
last_message_at: string, 
/**
 * Messages that are not deleted, hidden ones and all branches included.
 */
message_count: number, total_tokens_used: number, 
/**
 * Whether a change of it waits to be sent.
 */
waiting: boolean, 
/**
 * Whether it stays on this device only: nothing of it is sent.
 */
only_here: boolean, 
/**
 * Whether the server has told of it.
 */
on_server: boolean, };

export type Section = "active" | "starred" | "archived" | "trash" | "all";

export type ListRequest = { section: Section, tag: string | null, 
/**
 * `next` of the page before.
 */
cursor: string | null, 
/**
 * 1 to 500.
 */
limit: number, };

export type ConversationPage = { conversations: Array<ConversationRow>, 
/**
 * Null on the last page.
 */
next: string | null, 
/**
 * How many the whole list has.
 */
total: number, };

export type ConversationRef = { id: string, };

export type NewConversation = { title: string | null, 
/**
 * Without a title: what is said first, whose beginning becomes the title.
 */
title_from?: string, model_id: string | null, provider_id: string | null, 
/**
 * It stays on this device only, from its first moment on.
 */
only_here?: boolean, };

export type ConversationEdit = { id: string, title?: string, is_starred?: boolean, is_archived?: boolean, add_tags: Array<string>, remove_tags: Array<string>, 
/**
 * The model and its provider, together; empty: not known.
 */
model_id?: string, provider_id?: string, 
/**
 * What the model is told before everything else; empty takes it away.
 */
system_prompt?: string, 
/**
 * 0 to 2; the table's default, 0.7, leaves it to the provider.
 */
temperature?: number, 
/**
 * Of a reply, in tokens; the table's default, 2048, leaves it to the provider.
 */
max_tokens?: number, };

export type ManyEdit = { ids: Array<string>, is_archived?: boolean, add_tags: Array<string>, remove_tags: Array<string>, };

export type EditedMany = { 
/**
 * Those on which something changed; the others were so before.
 */
changed: Array<string>, };

export type KeepHereRequest = { id: string, only_here: boolean, };

export type ItemsRequest = { ids: Array<string>, };

export type TagCount = { tag: string, conversations: number, };

export type MessageRow = { id: string, conversation_id: string, parent_id: string | null, 
/**
 * user, assistant, system, function, tool
 */
role: string, content: string, 
/**
 * text, image, audio, video, file, code
 */
content_type: string, 
/**
 * What other clients wrote into the column `attachments`; our files are in `files`.
 */
attachments: unknown[], prompt_tokens: number, completion_tokens: number, total_tokens: number, model_id: string | null, provider_id: string | null, response_time_ms: number | null, finish_reason: string | null, function_call: unknown, tool_calls: unknown, rating: number | null, feedback: string | null, metadata: Record<string, unknown>, created_at: string, edited_at: string | null, deleted_at: string | null, files: Array<AttachmentRow>, };

export type AttachmentRow = { id: string, message_id: string, file_name: string, file_type: string | null, file_size: number | null, mime_type: string | null, width: number | null, height: number | null, duration_seconds: number | null, sha256: string | null, metadata: Record<string, unknown>, created_at: string, 
/**
 * Where the bytes are.
 */
state: FileState, 
/**
 * How many bytes of a download are here already; null when there is none under way or broken off.
 */
received: number | null, };

export type FileState = "here" | "waiting" | "remote" | "downloading" | "missing";

export type MessageView = { 
/**
 * The content as safe HTML, rendered in Rust (classes `hl-…` for code, `math` for formulae).
 */
html: string, 
/**
 * Thinking, tool calls and results, in order.
 */
blocks: Array<BlockView>, hidden: boolean, 
/**
 * A reply that is still being written: `reply_so_far` and the event `reply` tell what it says.
 */
writing: boolean, 
/**
 * Set where the thread forks: the siblings in order of time, this one included.
 */
branch: Branch | null, id: string, conversation_id: string, parent_id: string | null, 
/**
 * user, assistant, system, function, tool
 */
role: string, content: string, 
/**
 * text, image, audio, video, file, code
 */
content_type: string, 
/**
 * What other clients wrote into the column `attachments`; our files are in `files`.
 */
attachments: unknown[], prompt_tokens: number, completion_tokens: number, total_tokens: number, model_id: string | null, provider_id: string | null, response_time_ms: number | null, finish_reason: string | null, function_call: unknown, tool_calls: unknown, rating: number | null, feedback: string | null, metadata: Record<string, unknown>, created_at: string, edited_at: string | null, deleted_at: string | null, files: Array<AttachmentRow>, };

export type BlockView = { 
/**
 * thinking, tool_use, tool_result, attachment_text, or whatever an import brought
 */
kind: string, title: string | null, html: string, is_error: boolean, };

export type Branch = { 
/**
 * 0-based place of this message among its siblings.
 */
index: number, sibling_ids: Array<string>, };

export type ThreadRequest = { conversation_id: string, before?: string, after?: string, 
/**
 * A message that must be on the page; when it lies on another branch, the page shows that branch.
 */
around?: string, 
/**
 * A place of the thread (0-based), for a jump by the scrollbar.
 */
at?: number, 
/**
 * 1 to 200.
 */
limit: number, show_hidden: boolean, };

export type ThreadPage = { 
/**
 * Oldest first.
 */
messages: Array<MessageView>, 
/**
 * 0-based place in the thread of the first message here.
 */
first: number, 
/**
 * How many messages the thread in view has (for a true scrollbar).
 */
total: number, 
/**
 * How many of the branch are hidden and left out.
 */
hidden: number, };

export type NewMessage = { conversation_id: string, 
/**
 * user or assistant
 */
role: string, content: string, 
/**
 * None: at the end of the branch in view.
 */
parent_id?: string, };

export type MessageEdit = { id: string, 
/**
 * 1 to 5; 0 clears.
 */
rating?: number, feedback?: string, };

export type BranchRequest = { conversation_id: string, message_id: string, };

export type PresetRow = { id: string, name: string, 
/**
 * openai, anthropic or google: how it is spoken to
 */
protocol: string, base_url: string, needs_key: boolean, };

export type ProviderRow = { 
/**
 * What conversations and messages carry as `provider_id`.
 */
id: string, name: string, 
/**
 * openai, anthropic or google
 */
protocol: string, base_url: string, key: KeyState, 
/**
 * Whether it is on this machine.
 */
is_local: boolean, 
/**
 * As it told them last.
 */
models: Array<string>, 
/**
 * system, none, or the address of a proxy
 */
proxy: string, };

export type KeyState = "none" | "kept" | "memory" | "needed";

export type ProviderEdit = { 
/**
 * Of an existing one, or the id that a new one shall have. None: the preset's, or one made of the name.
 */
id?: string, preset?: string, name?: string, protocol?: string, base_url?: string, 
/**
 * Empty: takes the key away.
 */
key?: string, 
/**
 * system, none, or the address of a proxy
 */
proxy?: string, 
/**
 * The user confirmed http to this private address.
 */
allow_private: boolean, };

export type ProviderRef = { id: string, };

export type ProviderTest = { ok: boolean, 
/**
 * What is wrong and what to do; or how many models it has.
 */
message: string, models: Array<string>, took_ms: number, };

export type FoundServer = { preset: string, name: string, base_url: string, models: Array<string>, };

export type EnclosedFile = { "kind": "bytes", name: string, base64: string, } | { "kind": "dropped", ticket: string, };

export type SendRequest = { 
/**
 * None: a new conversation.
 */
conversation_id?: string, content: string, files: Array<EnclosedFile>, 
/**
 * Instead of this message of the user: the new one stands beside it, as another branch.
 */
instead_of?: string, 
/**
 * Both or none; none: what the conversation has, else what was chosen last.
 */
provider_id?: string, model_id?: string, };

export type SendAnswer = { conversation: ConversationRow, message: MessageView, 
/**
 * The reply that has begun.
 */
reply_id: string, };

export type ReplyRequest = { 
/**
 * A message of the user: a reply to it, beside those it has. A reply: another one in its place, or, with `go_on`, one that
 * continues it.
 */
message_id: string, go_on: boolean, provider_id?: string, model_id?: string, };

export type ReplyRef = { message_id: string, };

export type ReplyPiece = { conversation_id: string, message_id: string, step: number, 
/**
 * Safe HTML that does not change any more, to be added.
 */
settled: Array<string>, 
/**
 * Safe HTML of the open end; replaces the one before.
 */
open: string, 
/**
 * Plain text to be added to the thinking.
 */
thinking: string, state: ReplyState, };

export type ReplyState = { "kind": "waiting" } | { "kind": "writing" } | { "kind": "over", kept: boolean, error: CommandError | null, };

export type ChatDefaults = { provider_id: string | null, model_id: string | null, };

export type AttachmentRef = { id: string, };

export type AttachRequest = { conversation_id: string, 
/**
 * None: a new message of the user at the end of the branch in view.
 */
message_id?: string, source: AttachSource, };

export type AttachSource = { "kind": "dialogue" } | { "kind": "bytes", name: string, base64: string, } | { "kind": "dropped", ticket: string, };

export type GalleryRequest = { conversation_id: string, only: GalleryOnly, 
/**
 * The page begins after this file; none: with the newest.
 */
after?: GalleryPlace, 
/**
 * 1 to 500.
 */
limit: number, };

export type GalleryOnly = "all" | "pictures" | "files";

export type GalleryPlace = { created_at: string, id: string, };

export type GalleryPage = { files: Array<GalleryFile>, 
/**
 * How many files the conversation has, whatever `only` says.
 */
total: number, 
/**
 * Of these, pictures.
 */
pictures: number, 
/**
 * Whether all files of the conversation stay on this machine.
 */
keep: boolean, };

export type GalleryFile = { 
/**
 * Of the message: user, assistant, …
 */
role: string, model_id: string | null, 
/**
 * True: it stays on this machine whatever the settings say; false: it goes until it is asked for; null: as the
 * settings say.
 */
keep: boolean | null, 
/**
 * Why its bytes could not be had, or were not taken by the server.
 */
problem: string | null, id: string, message_id: string, file_name: string, file_type: string | null, file_size: number | null, mime_type: string | null, width: number | null, height: number | null, duration_seconds: number | null, sha256: string | null, metadata: Record<string, unknown>, created_at: string, 
/**
 * Where the bytes are.
 */
state: FileState, 
/**
 * How many bytes of a download are here already; null when there is none under way or broken off.
 */
received: number | null, };

export type KeepFilesRequest = { 
/**
 * Of an attachment, or of a conversation: then of all its files, those still to come included.
 */
id: string, 
/**
 * False, for an attachment: it goes until it is asked for; for a conversation: the settings decide again.
 */
keep: boolean, };

export type Drag = { "kind": "over", x: number, y: number, } | { "kind": "archives" } | { "kind": "left" } | { "kind": "dropped", x: number, y: number, items: Array<DroppedItem>, 
/**
 * All of it are exports of histories.
 */
archives: boolean, };

export type DroppedItem = { name: string, 
/**
 * To show, and to import from.
 */
path: string, size: number, 
/**
 * Attaches it, and nothing else; null when it cannot be attached.
 */
ticket: string | null, 
/**
 * Why not.
 */
refusal: DropRefusal | null, 
/**
 * Whether it looks like a picture that can be shown.
 */
picture: boolean, };

export type DropRefusal = "folder" | "empty" | "too_large" | "unreadable";

export type FileSettings = { keep_offline: KeepOffline, 
/**
 * At most so many MiB on the disk; what only this device has, or is still to be sent, stays above it too.
 */
disk_bound_mb: number, };

export type KeepOffline = "all" | "recent" | "on_demand";

export type FilesReport = { keep_offline: KeepOffline, disk_bound_mb: number, 
/**
 * Contents on this machine; equal files count once.
 */
here: number, here_bytes: number, 
/**
 * Of these, still to be sent.
 */
waiting: number, 
/**
 * Only on the server.
 */
remote: number, 
/**
 * As far as rows tell their sizes.
 */
remote_bytes: number, 
/**
 * What the mirror and its index take beside the files.
 */
library_bytes: number, };

export type LinkRequest = { url: string, };

export type LinkVerdict = { allowed: boolean, 
/**
 * What to show before opening: the address with its true host (punycode when not plain).
 */
shown: string, 
/**
 * Why not, when not.
 */
reason: string | null, };

export type Sort = "best" | "newest";

export type SearchRequest = { query: string, 
/**
 * 1 to 200.
 */
limit: number, offset: number, sort: Sort, 
/**
 * The last word is still being typed.
 */
typing: boolean, };

export type SearchResponse = { 
/**
 * In order of rank; hits of one conversation stay together in `groups`.
 */
hits: Array<Hit>, 
/**
 * The conversations of the hits, in order of their best hit.
 */
groups: Array<HitGroup>, total: number, 
/**
 * False: there are at least `total`.
 */
total_is_exact: boolean, took_ms: number, 
/**
 * What was searched instead, when nothing matched exactly.
 */
corrected: string | null, 
/**
 * Changes of the library that were not looked at, because the index is behind them: there may be more hits. 0 as a rule.
 */
unsearched: number, };

export type Hit = { conversation_id: string, 
/**
 * Null: the title matched.
 */
message_id: string | null, 
/**
 * title, text, thinking, tool or file
 */
field: string, role: string | null, 
/**
 * Plain text around the match.
 */
snippet: string, 
/**
 * `[start, end)` in Unicode scalar values of `snippet`.
 */
highlights: Array<[number, number]>, score: number, created_at: string, };

export type HitGroup = { conversation: ConversationRow, 
/**
 * Places in `hits`.
 */
hits: Array<number>, };

export type FindRequest = { conversation_id: string, text: string, 
/**
 * The text is a question's words, all of which must be there; else it must be there as it is.
 */
words: boolean, show_hidden: boolean, };

export type FoundInThread = { 
/**
 * In the thread's order; at most ten thousand.
 */
messages: Array<FoundMessage>, 
/**
 * How many there are.
 */
total: number, 
/**
 * What to highlight: without case, accents and width.
 */
needles: Array<string>, };

export type FoundMessage = { message_id: string, 
/**
 * Its 0-based place in the thread.
 */
place: number, 
/**
 * It is found only in thinking or tools, which the thread folds.
 */
folded_away: boolean, };

export type ImportRequest = { paths: Array<string>, 
/**
 * auto, chatgpt, claude or airi
 */
format: string | null, 
/**
 * The user confirmed an unusually large or dense archive.
 */
confirmed: boolean, };

export type ExportRequest = { 
/**
 * Empty: all conversations.
 */
ids: Array<string>, 
/**
 * json, markdown or html
 */
format: string, include_deleted: boolean, 
/**
 * ISO dates; a conversation counts by its last message.
 */
since: string | null, until: string | null, 
/**
 * A file (json; .zip takes the attachments along; markdown or html of one conversation) or a folder.
 */
path: string, };

export type TaskStarted = { task: string, };

export type TaskRef = { task: string, };

export type PickRequest = { "kind": "import_file" } | { "kind": "import_folder" } | { "kind": "export_file", suggested_name: string, } | { "kind": "export_folder" };

export type ImportReport = { 
/**
 * chatgpt, claude or airi
 */
format: string, conversations_read: number, conversations_imported: number, 
/**
 * Already there and complete: nothing was added to them.
 */
conversations_already_there: number, 
/**
 * Already there, and messages were added.
 */
conversations_updated: number, messages_read: number, messages_imported: number, messages_already_there: number, attachments_imported: number, 
/**
 * Named by the export, but the file is not in it.
 */
attachments_missing: number, skipped: Array<Skipped>, 
/**
 * Odd things that were repaired on the way.
 */
notes: Array<string>, took_ms: number, };

export type Skipped = { 
/**
 * 1-based place in the export.
 */
position: number, title: string | null, reason: string, };

export type ExportReport = { format: string, path: string, conversations: number, messages: number, attachments: number, 
/**
 * Rows are exported, but the bytes are not on this machine.
 */
attachments_missing: number, bytes: number, };

export type AppInfo = { version: string, 
/**
 * linux, macos or windows
 */
platform: string, demo: boolean, 
/**
 * Where everything is kept.
 */
data_dir: string, 
/**
 * The server that this build offers for signing in; null: one names one's own.
 */
server: BuiltInServer | null, status: Status, settings: Settings, };

export type BuiltInServer = { url: string, key: string, };

export type Status = { profile: string, account: AccountInfo | null, sync: SyncState, 
/**
 * One sentence for people: what the state means and what to do.
 */
message: string, 
/**
 * All that are not deleted, archived and hidden ones included.
 */
conversations: number, messages: number, attachments: number, 
/**
 * Changes that the server does not have yet, refused ones included.
 */
outbox: number, 
/**
 * Changes that the server refused and that need attention.
 */
wedged: number, 
/**
 * Rows from the server that could not be stored; they are kept aside.
 */
parked: number, 
/**
 * `epoch/seq` that pulling has reached; null before the first.
 */
cursor: string | null, 
/**
 * Whether the search index has reached the mirror.
 */
indexed: boolean, last_sync: string | null, 
/**
 * How far a sync under way is, when it takes long (the first one, or one after a restore of the server).
 */
progress: SyncProgress | null, 
/**
 * Whether the user has paused syncing; nothing is sent or taken until it goes on.
 */
paused: boolean, 
/**
 * The last comparison with the server; null before the first.
 */
audit: AuditReport | null, };

export type SyncProgress = { done: number, 
/**
 * As the server counted them when it began.
 */
total: number, };

export type AuditReport = { 
/**
 * When it ended.
 */
at: string, 
/**
 * Rows that were compared.
 */
rows: number, 
/**
 * Ranges of up to a thousand rows that differed.
 */
ranges_differing: number, 
/**
 * Rows that were fetched again because they were older here, or missing.
 */
fetched: number, 
/**
 * Rows that only this device had, without any word that they were erased; they are sent again.
 */
sent_again: number, 
/**
 * What differed and why, one sentence each (at most 100).
 */
findings: Array<string>, };

export type AccountInfo = { url: string, email: string, user_id: string, signed_in: boolean, 
/**
 * keyring, file or memory
 */
session_in: string, };

export type SyncState = "local" | "in_step" | "waiting" | "syncing" | "offline" | "signed_out" | "paused" | "maintenance" | "suspended" | "server_unsuitable" | "needs_attention";

export type ServerNews = { 
/**
 * When it was read; null: never.
 */
read_at: string | null, 
/**
 * The operator's words about work on the server that is to come or under way.
 */
notice: string | null, 
/**
 * Providers of models that do not work as usual, as the server sees them.
 */
providers: Array<ProviderHealth>, 
/**
 * Plan and limits of this account; null where the server knows none.
 */
limits: Limits | null, };

export type ProviderHealth = { id: string, name: string, 
/**
 * degraded, unhealthy or maintenance
 */
status: string, last_check_at: string | null, };

export type Limits = { plan: string, day: Limit, hour: Limit, suspended: boolean, 
/**
 * null with `suspended`: for good
 */
suspended_until: string | null, };

export type Limit = { used: number, 
/**
 * null: none
 */
limit: number | null, left: number | null, resets_at: string | null, };

export type SignInRequest = { url: string, 
/**
 * The publishable key; empty: the one that this address was signed in to with before.
 */
key: string, by: SignInBy, 
/**
 * Whether the conversations of the profile without an account come along.
 */
take: Take, 
/**
 * The account of the profile in use now lives at this address (a server that was moved or recovered): the profile
 * keeps all that it has and is pointed there. Refused when another account signs in than the profile's own.
 */
new_address: boolean, };

export type SignInBy = { "password": { email: string, password: string, } } | { "code": { email: string, code: string, } } | { "provider": Provider };

export type Provider = "google" | "discord";

export type Take = "all" | "none" | { "chosen": Array<string> };

export type CodeRequest = { url: string, 
/**
 * As in [`SignInRequest`].
 */
key: string, email: string, };

export type SignInWaiting = { 
/**
 * For copying, where no browser opened by itself.
 */
url: string, 
/**
 * Why the browser did not open, if that is known.
 */
problem: string | null, };

export type Notification = { title: string, body: string, 
/**
 * Opened when it is clicked.
 */
conversation_id: string | null, };

export type MenuBar = { groups: Array<MenuGroup>, };

export type MenuGroup = { label: string, 
/**
 * An entry without an act is a line between others.
 */
entries: Array<MenuEntry>, 
/**
 * What macOS adds to it by itself: edit (cut, copy, paste) or window (minimise, close).
 */
role: string | null, };

export type MenuEntry = { 
/**
 * What `asked` then names.
 */
act: string | null, label: string, 
/**
 * Such as CmdOrCtrl+K. Shown and heard on macOS; elsewhere the page hears its keys itself.
 */
keys: string | null, };

export type Asked = { 
/**
 * A menu entry's act.
 */
act: string | null, 
/**
 * A conversation to open.
 */
conversation_id: string | null, };

export type BackupRow = { 
/**
 * Its folder.
 */
path: string, made_at: string, 
/**
 * The profile it was made of.
 */
profile: string, 
/**
 * E-mail and server of the account; null: a profile without one.
 */
account: string | null, conversations: number, messages: number, files: number, 
/**
 * Files of the library whose bytes were not on this computer then (they are on the server, or nobody has them).
 */
files_missing: number, 
/**
 * Bytes of the mirror and the files. What several backups share lies on the disk once.
 */
bytes: number, };

export type RestoreReport = { backup: BackupRow, 
/**
 * The new profile with the backup's content; null: the backup was only looked at.
 */
profile: string | null, 
/**
 * The profile that was in use before.
 */
before: string, 
/**
 * Changes in it that were never sent to its account's server, and so are in no other place.
 */
unsent_before: number, 
/**
 * One or two sentences for people: what to do now.
 */
message: string, };

export type ProfileRow = { name: string, in_use: boolean, account: AccountInfo | null, 
/**
 * All that are not deleted, archived and hidden ones included.
 */
conversations: number, 
/**
 * Changes that wait to be sent.
 */
unsent: number, 
/**
 * Why the profile cannot be opened; the counts are then 0.
 */
problem: string | null, };

export type ProfileRef = { name: string, };

export type RemoveProfile = { name: string, 
/**
 * Typed by the user where something would be lost that is nowhere else: the account's e-mail address, or the name of a
 * profile without an account.
 */
confirm: string | null, };

export type DeleteAccount = { 
/**
 * The account's e-mail address, typed by the user.
 */
confirm: string, };

export type DeletedAccount = { status: Status, 
/**
 * Files that the server's storage did not remove just now; its operator's next run does.
 */
files_left: number, };

export type CheckRequest = { url: string | null, key: string | null, };

export type ServerCheck = { url: string, 
/**
 * Whether it was looked at with a session; without one, files, doorbell and migrations are seen from outside.
 */
signed_in: boolean, 
/**
 * Nothing that is needed is missing.
 */
ok: boolean, 
/**
 * In the order in which they should be mended.
 */
checks: Array<Check>, };

export type Check = { what: CheckOf, state: CheckState, 
/**
 * Whether the app does not work in full without it.
 */
needed: boolean, 
/**
 * What was found, for people.
 */
message: string, 
/**
 * What to do about it; null where there is nothing to do.
 */
todo: string | null, };

export type CheckOf = "reachable" | "key" | "email" | "code" | "google" | "discord" | "redirects" | "migrations" | "bucket" | "doorbell";

export type CheckState = "ok" | "missing" | "cannot_tell";

export type SyncReport = { pulled: number, pushed: number, refused: number, parked: number, files_uploaded: number, files_downloaded: number, requests: number, waiting: number, took_ms: number, };

export type OutboxRow = { id: string, conversation_id: string, conversation_title: string | null, 
/**
 * Names of the changed fields; empty for a new or erased row.
 */
fields: Array<string>, 
/**
 * The server's code of a refusal, e.g. content_conflict, id_taken, missing_parent, invalid, upload_refused.
 */
code: string | null, 
/**
 * Changes of the same conversation that wait behind this one.
 */
behind: number, table: string, row_id: string, 
/**
 * insert, patch or delete
 */
kind: string, 
/**
 * pending or wedged
 */
state: string, attempts: number, error: string | null, created_at: string, };

export type OutboxRequest = { id: string, action: OutboxAction, };

export type OutboxAction = "retry" | "discard";

export type OutboxExport = { id: string, path: string, };

export type PauseRequest = { paused: boolean, };

export type DeviceRow = { id: string, name: string, 
/**
 * linux, macos, windows
 */
platform: string, app_version: string, first_seen_at: string, last_sync_at: string, 
/**
 * Signed out from another device.
 */
signed_out_at: string | null, 
/**
 * This very device.
 */
current: boolean, };

export type DeviceRef = { id: string, };

export type Retention = { 
/**
 * 90 to 36,500; null: off, as it is for everyone who has not turned it on.
 */
delete_messages_after_days: number | null, };

export type PathRequest = { path: string, };

export type UsageBy = "day" | "model" | "provider" | "conversation";

export type UsageRequest = { 
/**
 * ISO date or time; None: from the beginning.
 */
since: string | null, 
/**
 * ISO date or time; what is earlier counts. None: to the end.
 */
until: string | null, by: UsageBy, };

export type UsageRow = { 
/**
 * The date in UTC, the model, the provider or the conversation's id; null: not known.
 */
key: string | null, 
/**
 * The conversation's, when rows are conversations.
 */
title: string | null, messages: number, prompt_tokens: number, completion_tokens: number, total_tokens: number, 
/**
 * What the tokens with a known price cost, in US dollars; null: none of them has one.
 */
cost_usd: number | null, 
/**
 * Tokens whose price is not known; they are in no cost.
 */
unpriced_tokens: number, };

export type UsageReport = { by: UsageBy, rows: Array<UsageRow>, 
/**
 * The day of the prices.
 */
prices_as_of: string, 
/**
 * Whether the user's own `prices.json` is among them.
 */
own_prices: boolean, 
/**
 * Why it is not, though it is there.
 */
prices_problem: string | null, };

export type BilledUsage = { 
/**
 * As the server estimates it, in US dollars; null: it did nothing in this time.
 */
estimated_usd: number | null, tokens: number, calls: number, plan: string | null, 
/**
 * active, canceled, past_due, trialing or paused
 */
subscription_status: string | null, subscription_ends_at: string | null, 
/**
 * What the plan allows a day, as it was last read; null: never.
 */
day: Limit | null, read_at: string | null, 
/**
 * What was paid in this time, the newest first.
 */
payments: Array<Payment>, };

export type Payment = { at: string, amount: number, currency: string, status: string, description: string | null, };

export type Settings = { 
/**
 * system, light or dark
 */
theme: string, 
/**
 * Whether threads show what is hidden by default.
 */
show_hidden: boolean, 
/**
 * en, zh-Hans or ja; None: as the system
 */
language: string | null, sidebar_width: number, files: FileSettings, 
/**
 * Whether the desktop tells of replies and long work that end while nobody looks at the window.
 */
notifications: boolean, 
/**
 * Whether the window has a menu bar of the desktop's own. macOS always has one.
 */
menu_bar: boolean, 
/**
 * Whether a model names a conversation after its first reply.
 */
titles_by_model: boolean, };

export type VerifyReport = { ok: boolean, conversations: number, messages: number, files: number, 
/**
 * What does not agree, one sentence each.
 */
problems: Array<string>, };

export type Changed = { 
/**
 * The conversations whose rows or messages changed; null: many, read anew.
 */
conversations: Array<string> | null, };

export type StatusChanged = { status: Status, };

export type TaskEvent = { task: string, state: TaskState, };

export type TaskState = { "kind": "running", 
/**
 * What it is doing, for people.
 */
step: string, done: number, 
/**
 * Null: not known yet.
 */
total: number | null, } | { "kind": "imported", reports: Array<ImportReport>, } | { "kind": "exported", report: ExportReport, } | { "kind": "failed", error: CommandError, };

export type CommandName = "app_info" | "open_sample" | "leave_sample" | "list_conversations" | "get_conversation" | "create_conversation" | "edit_conversation" | "edit_conversations" | "keep_here" | "delete_items" | "undelete_items" | "erase_items" | "list_tags" | "tags_of" | "thread_page" | "add_message" | "show_branch" | "edit_message" | "send_message" | "ask_reply" | "stop_reply" | "reply_so_far" | "list_presets" | "list_providers" | "save_provider" | "remove_provider" | "test_provider" | "find_servers" | "chat_defaults" | "search" | "find_in_thread" | "start_import" | "start_export" | "cancel_task" | "pick_path" | "sign_in" | "cancel_sign_in" | "send_code" | "check_server" | "list_profiles" | "use_profile" | "sign_out" | "remove_profile" | "delete_account" | "sync_now" | "status" | "server_news" | "outbox" | "resolve_outbox" | "export_change" | "pause_sync" | "verify_remote" | "list_devices" | "sign_out_device" | "retention" | "set_retention" | "save_log" | "usage" | "billed_usage" | "export_usage" | "check_link" | "open_link" | "attach_file" | "fetch_attachment" | "save_attachment" | "gallery" | "keep_files" | "get_settings" | "set_settings" | "notify" | "set_menu_bar" | "files" | "verify" | "list_backups" | "back_up" | "check_backup" | "restore_backup";
