//! What crosses to the window and to `airi --json`: requests, responses, events and error codes.
//!
//! Plain data with the field names of the server's tables. Ids are UUID texts, times ISO 8601 in UTC with microseconds.
//! `cargo test -p airi-contract` writes the TypeScript of everything here to `ui/src/ipc/generated.ts`; a test fails when
//! the committed file is not the generated one. `COMMANDS` names every command of the window, once.

mod account;
mod conversations;
mod error;
mod events;
mod search;
mod tasks;
mod thread;

pub use account::*;
pub use conversations::*;
pub use error::*;
pub use events::*;
pub use search::*;
pub use tasks::*;
pub use thread::*;

/// Every command that the window may call, with its request and response type. The list that the build declares to
/// Tauri (`AppManifest::commands`), so a name that is not here cannot be called at all.
pub const COMMANDS: &[&str] = &[
    // () -> AppInfo
    "app_info",
    // ListRequest -> ConversationPage
    "list_conversations",
    // ConversationRef -> ConversationRow
    "get_conversation",
    // NewConversation -> ConversationRow
    "create_conversation",
    // ConversationEdit -> ConversationRow
    "edit_conversation",
    // ItemsRequest -> () ; conversations or messages; soft
    "delete_items",
    // ItemsRequest -> ()
    "undelete_items",
    // ItemsRequest -> () ; conversations in the trash only; for good
    "erase_items",
    // () -> Vec<TagCount>
    "list_tags",
    // ThreadRequest -> ThreadPage
    "thread_page",
    // NewMessage -> MessageView
    "add_message",
    // BranchRequest -> ConversationRow ; shows the branch that goes through a message
    "show_branch",
    // MessageEdit -> MessageView
    "edit_message",
    // SearchRequest -> SearchResponse
    "search",
    // ImportRequest -> TaskStarted ; progress and report come as `task` events
    "start_import",
    // ExportRequest -> TaskStarted
    "start_export",
    // TaskRef -> ()
    "cancel_task",
    // PickRequest -> Option<String> ; the operating system's file dialogue
    "pick_path",
    // SignInRequest -> Status
    "sign_in",
    // () -> Status
    "sign_out",
    // () -> Status ; one round now
    "sync_now",
    // () -> Status
    "status",
    // () -> Vec<OutboxRow>
    "outbox",
    // OutboxRequest -> ()
    "resolve_outbox",
    // UsageRequest -> UsageReport
    "usage",
    // LinkRequest -> LinkVerdict ; whether a link may be opened, and what to show before
    "check_link",
    // LinkRequest -> () ; after the user confirmed
    "open_link",
    // AttachmentRef -> Option<String> ; asks where to, writes a copy there, returns the path
    "save_attachment",
    // () -> Settings
    "get_settings",
    // Settings -> Settings
    "set_settings",
    // () -> VerifyReport
    "verify",
];
