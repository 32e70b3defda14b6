//! The committed TypeScript is the generated one: `AIRI_UPDATE=1 cargo test -p airi-contract` writes it anew.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_contract::*;
use std::fmt::Write as _;
use ts_rs::{Config, TS};

macro_rules! declare {
    ($($name:ty),+ $(,)?) => {{
        let config = Config::default();
        let mut out = String::new();
        $( writeln!(out, "export {}\n", <$name as TS>::decl(&config)).unwrap(); )+
        out
    }};
}

#[test]
fn the_committed_types_are_the_generated_ones() {
    let mut text = String::from(
        "// Made by `AIRI_UPDATE=1 cargo test -p airi-contract` from crates/contract; not edited by hand.\n\n",
    );
    text += &declare!(
        ErrorCode,
        CommandError,
        ConversationRow,
        Section,
        ListRequest,
        ConversationPage,
        ConversationRef,
        NewConversation,
        ConversationEdit,
        ManyEdit,
        EditedMany,
        KeepHereRequest,
        ItemsRequest,
        TagCount,
        MessageRow,
        AttachmentRow,
        FileState,
        MessageView,
        BlockView,
        Branch,
        ThreadRequest,
        ThreadPage,
        NewMessage,
        MessageEdit,
        BranchRequest,
        PresetRow,
        ProviderRow,
        KeyState,
        ProviderEdit,
        ProviderRef,
        ProviderTest,
        FoundServer,
        EnclosedFile,
        SendRequest,
        SendAnswer,
        ReplyRequest,
        ReplyRef,
        ReplyPiece,
        ReplyState,
        ChatDefaults,
        AttachmentRef,
        AttachRequest,
        AttachSource,
        GalleryRequest,
        GalleryOnly,
        GalleryPlace,
        GalleryPage,
        GalleryFile,
        KeepFilesRequest,
        Drag,
        DroppedItem,
        DropRefusal,
        FileSettings,
        KeepOffline,
        FilesReport,
        LinkRequest,
        LinkVerdict,
        Sort,
        SearchRequest,
        SearchResponse,
        Hit,
        HitGroup,
        FindRequest,
        FoundInThread,
        FoundMessage,
        ImportRequest,
        ExportRequest,
        TaskStarted,
        TaskRef,
        PickRequest,
        ImportReport,
        Skipped,
        ExportReport,
        AppInfo,
        BuiltInServer,
        Status,
        SyncProgress,
        AuditReport,
        AccountInfo,
        SyncState,
        ServerNews,
        ProviderHealth,
        Limits,
        Limit,
        SignInRequest,
        SignInBy,
        Provider,
        Take,
        CodeRequest,
        SignInWaiting,
        Notification,
        MenuBar,
        MenuGroup,
        MenuEntry,
        Asked,
        BackupRow,
        RestoreReport,
        ProfileRow,
        ProfileRef,
        RemoveProfile,
        DeleteAccount,
        DeletedAccount,
        CheckRequest,
        ServerCheck,
        Check,
        CheckOf,
        CheckState,
        SyncReport,
        OutboxRow,
        OutboxRequest,
        OutboxAction,
        OutboxExport,
        PauseRequest,
        DeviceRow,
        DeviceRef,
        Retention,
        PathRequest,
        UsageBy,
        UsageRequest,
        UsageRow,
        UsageReport,
        BilledUsage,
        Payment,
        Settings,
        VerifyReport,
        Changed,
        StatusChanged,
        TaskEvent,
        TaskState,
    );
    let commands: Vec<String> = COMMANDS.iter().map(|name| format!("\"{name}\"")).collect();
    writeln!(text, "export type CommandName = {};", commands.join(" | ")).unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/ipc/generated.ts");
    if std::env::var_os("AIRI_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "ui/src/ipc/generated.ts is stale: AIRI_UPDATE=1 cargo test -p airi-contract");
}
