//! What crosses to the window and to `airi --json`: requests, responses, events and error codes.
//!
//! Plain data with the field names of the server's tables. Ids are UUID texts, times ISO 8601 in UTC with microseconds.
//! `cargo test -p airi-contract` writes the TypeScript of everything here to `ui/src/ipc/generated.ts`; a test fails when
//! the committed file is not the generated one. `COMMANDS` names every command of the window, once.

mod account;
mod attachments;
mod backup;
mod chat;
mod conversations;
mod desktop;
mod error;
mod events;
mod search;
mod sign_in;
mod tasks;
mod thread;

pub use account::*;
pub use attachments::*;
pub use backup::*;
pub use chat::*;
pub use conversations::*;
pub use desktop::*;
pub use error::*;
pub use events::*;
pub use search::*;
pub use sign_in::*;
pub use tasks::*;
pub use thread::*;

/// Every command that the window may call, with its request and response type. The list that the build declares to
/// Tauri (`AppManifest::commands`), so a name that is not here cannot be called at all.
pub const COMMANDS: &[&str] = &[
    // () -> AppInfo
    "app_info",
    // () -> () ; opens a window of its own on a throw-away library with a sample history
    "open_sample",
    // () -> () ; closes this window when it is such a one; nothing of it stays
    "leave_sample",
    // ListRequest -> ConversationPage
    "list_conversations",
    // ConversationRef -> ConversationRow
    "get_conversation",
    // NewConversation -> ConversationRow
    "create_conversation",
    // ConversationEdit -> ConversationRow
    "edit_conversation",
    // ManyEdit -> EditedMany ; one act on many, all or nothing
    "edit_conversations",
    // KeepHereRequest -> ConversationRow ; refused when the server has it already
    "keep_here",
    // ItemsRequest -> () ; conversations or messages; soft
    "delete_items",
    // ItemsRequest -> ()
    "undelete_items",
    // ItemsRequest -> () ; conversations in the trash only; for good
    "erase_items",
    // () -> Vec<TagCount>
    "list_tags",
    // ItemsRequest -> Vec<TagCount> ; the tags of some conversations
    "tags_of",
    // ThreadRequest -> ThreadPage
    "thread_page",
    // NewMessage -> MessageView
    "add_message",
    // BranchRequest -> ConversationRow ; shows the branch that goes through a message
    "show_branch",
    // MessageEdit -> MessageView
    "edit_message",
    // SendRequest -> SendAnswer ; saves the message, then has a model answer it; see the event `reply`
    "send_message",
    // ReplyRequest -> ReplyRef ; another reply, or one that goes on
    "ask_reply",
    // ReplyRef -> () ; what had come is kept
    "stop_reply",
    // ReplyRef -> Option<ReplyPiece> ; all of a reply that is being written, null when it is not
    "reply_so_far",
    // () -> Vec<PresetRow>
    "list_presets",
    // () -> Vec<ProviderRow>
    "list_providers",
    // ProviderEdit -> ProviderRow
    "save_provider",
    // ProviderRef -> () ; its key goes too
    "remove_provider",
    // ProviderRef -> ProviderTest
    "test_provider",
    // () -> Vec<FoundServer> ; local servers
    "find_servers",
    // () -> ChatDefaults
    "chat_defaults",
    // SearchRequest -> SearchResponse
    "search",
    // FindRequest -> FoundInThread ; the messages of the branch in view that hold a text
    "find_in_thread",
    // ImportRequest -> TaskStarted ; progress and report come as `task` events
    "start_import",
    // ExportRequest -> TaskStarted
    "start_export",
    // TaskRef -> ()
    "cancel_task",
    // PickRequest -> Option<String> ; the operating system's file dialogue
    "pick_path",
    // SignInRequest -> Status ; with a provider it waits for the browser, see the event `sign_in`
    "sign_in",
    // () -> () ; ends a sign-in that waits for the browser
    "cancel_sign_in",
    // CodeRequest -> () ; has a code sent by e-mail
    "send_code",
    // CheckRequest -> ServerCheck ; what a server has and lacks
    "check_server",
    // () -> Vec<ProfileRow>
    "list_profiles",
    // ProfileRef -> Status ; puts another profile of this computer in use
    "use_profile",
    // () -> Status
    "sign_out",
    // RemoveProfile -> Status ; from this computer; refused while something waits, asks where something would be lost
    "remove_profile",
    // DeleteAccount -> DeletedAccount ; on the server, for good; this computer keeps what it has
    "delete_account",
    // () -> Status ; one round now
    "sync_now",
    // () -> Status
    "status",
    // () -> ServerNews ; as last read
    "server_news",
    // () -> Vec<OutboxRow>
    "outbox",
    // OutboxRequest -> ()
    "resolve_outbox",
    // OutboxExport -> () ; writes the change and its row to a file
    "export_change",
    // PauseRequest -> Status
    "pause_sync",
    // () -> AuditReport ; compares with the server and repairs
    "verify_remote",
    // () -> Vec<DeviceRow> ; asks the server
    "list_devices",
    // DeviceRef -> Vec<DeviceRow> ; ends that device's session
    "sign_out_device",
    // () -> Retention ; asks the server
    "retention",
    // Retention -> Retention ; tells the server, as it is there afterwards
    "set_retention",
    // PathRequest -> () ; a log without content and secrets, to send to somebody
    "save_log",
    // UsageRequest -> UsageReport
    "usage",
    // UsageRequest -> Option<BilledUsage> ; from the rows that the server sends; null: no account
    "billed_usage",
    // UsageRequest -> Option<String> ; asks where to, writes a CSV there, returns the path
    "export_usage",
    // LinkRequest -> LinkVerdict ; whether a link may be opened, and what to show before
    "check_link",
    // LinkRequest -> () ; after the user confirmed
    "open_link",
    // AttachRequest -> Option<MessageView> ; null: the user closed the dialogue
    "attach_file",
    // AttachmentRef -> AttachmentRow ; gets the bytes from the server when they are not here
    "fetch_attachment",
    // AttachmentRef -> Option<String> ; asks where to, writes a copy there, returns the path
    "save_attachment",
    // GalleryRequest -> GalleryPage ; the files of a conversation
    "gallery",
    // KeepFilesRequest -> () ; what stays on this machine, and what leaves it
    "keep_files",
    // () -> Settings
    "get_settings",
    // Settings -> Settings
    "set_settings",
    // Notification -> () ; nothing happens while the window is looked at
    "notify",
    // MenuBar -> ()
    "set_menu_bar",
    // () -> FilesReport ; how the files stand and how much they use
    "files",
    // () -> VerifyReport
    "verify",
    // () -> Vec<BackupRow> ; those that are made by themselves, the newest first
    "list_backups",
    // () -> BackupRow ; makes one now
    "back_up",
    // PathRequest -> RestoreReport ; looks at a backup and checks it
    "check_backup",
    // PathRequest -> RestoreReport ; as a profile of its own, which is then in use
    "restore_backup",
];
