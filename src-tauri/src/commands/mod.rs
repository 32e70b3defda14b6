//! The contract's commands, one file a feature, each a one-line adapter onto the app. `handler` lists them once; a test
//! holds the list to `airi_contract::COMMANDS`.

mod account;
mod attachments;
mod backup;
mod chat;
mod conversations;
mod desktop;
mod devices;
mod links;
mod sample;
mod search;
mod settings;
mod sign_in;
mod tasks;
mod thread;
mod usage;

use tauri::Wry;
use tauri::ipc::Invoke;

/// Lists the commands for Tauri and, under test, by name.
macro_rules! commands {
    ($($file:ident :: $name:ident),+ $(,)?) => {
        pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($file::$name),+]
        }

        #[cfg(test)]
        const LISTED: &[&str] = &[$(stringify!($name)),+];
    };
}

commands![
    settings::app_info,
    sample::open_sample,
    sample::leave_sample,
    conversations::list_conversations,
    conversations::get_conversation,
    conversations::create_conversation,
    conversations::edit_conversation,
    conversations::edit_conversations,
    conversations::keep_here,
    conversations::delete_items,
    conversations::undelete_items,
    conversations::erase_items,
    conversations::list_tags,
    conversations::tags_of,
    thread::thread_page,
    thread::add_message,
    thread::show_branch,
    thread::edit_message,
    chat::send_message,
    chat::ask_reply,
    chat::stop_reply,
    chat::reply_so_far,
    chat::list_presets,
    chat::list_providers,
    chat::save_provider,
    chat::remove_provider,
    chat::test_provider,
    chat::find_servers,
    chat::chat_defaults,
    search::search,
    search::find_in_thread,
    tasks::start_import,
    tasks::start_export,
    tasks::cancel_task,
    tasks::pick_path,
    sign_in::sign_in,
    sign_in::cancel_sign_in,
    sign_in::send_code,
    sign_in::check_server,
    sign_in::list_profiles,
    sign_in::use_profile,
    account::sign_out,
    account::remove_profile,
    account::delete_account,
    account::sync_now,
    account::pause_sync,
    account::verify_remote,
    account::status,
    account::server_news,
    account::outbox,
    account::resolve_outbox,
    account::export_change,
    devices::list_devices,
    devices::sign_out_device,
    account::retention,
    account::set_retention,
    usage::usage,
    usage::billed_usage,
    usage::export_usage,
    links::check_link,
    links::open_link,
    attachments::attach_file,
    attachments::fetch_attachment,
    attachments::save_attachment,
    attachments::gallery,
    attachments::keep_files,
    settings::get_settings,
    settings::set_settings,
    desktop::notify,
    desktop::set_menu_bar,
    settings::files,
    settings::verify,
    settings::save_log,
    backup::list_backups,
    backup::back_up,
    backup::check_backup,
    backup::restore_backup,
];

#[cfg(test)]
mod tests {
    use super::LISTED;
    use std::collections::BTreeSet;

    fn contract() -> BTreeSet<String> {
        airi_contract::COMMANDS.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn every_command_of_the_contract_is_answered_and_no_other() {
        let listed: BTreeSet<String> = LISTED.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(listed, contract());
        assert_eq!(listed.len(), LISTED.len());
    }

    #[test]
    fn the_window_is_granted_the_contract_and_listening_alone() {
        let capability: serde_json::Value =
            serde_json::from_str(include_str!("../../capabilities/main.json")).expect("a capability file");
        let granted: BTreeSet<String> = capability["permissions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|permission| permission.as_str().expect("a name").to_owned())
            .collect();
        let mut expected: BTreeSet<String> =
            contract().into_iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
        expected.extend(["core:event:allow-listen".to_owned(), "core:event:allow-unlisten".to_owned()]);
        assert_eq!(granted, expected);
        assert_eq!(capability["windows"], serde_json::json!(["main"]));
    }
}
