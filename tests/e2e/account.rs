//! The steps of a journey that concern the account: signing in with chosen conversations, pausing, refused changes and
//! the account's devices. Each begins and ends with no dialogue open.

use crate::window::{Window, built};
use airi_tests::Cloud;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `airi` on a data folder, whatever comes of it.
fn run(folder: &Path, passphrase: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(built().join("airi"))
        .arg("--data-dir")
        .arg(folder)
        .arg("--json")
        .args(args)
        .env("AIRI_PASSPHRASE_FILE", passphrase)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `airi` on a data folder, which must succeed.
pub(crate) fn airi(folder: &Path, passphrase: &Path, args: &[&str], stdin: &str) -> Value {
    let output = run(folder, passphrase, args, stdin);
    assert!(output.status.success(), "airi {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Walks the three steps of the dialogue; only the conversations of these titles come along.
pub(crate) async fn signs_in_taking(window: &Window, cloud: &Cloud, titles: &[&str]) {
    window.click("sign-in-button").await;
    window.fill("sign-in-url", &cloud.url).await;
    window.fill("sign-in-key", &cloud.publishable_key).await;
    window.click("check-server").await;
    window.says("check", "Server answers").await;
    window.click("sign-in-submit").await;
    window.click("take-chosen").await;
    for title in titles {
        window.click_saying("picker-option", title).await;
    }
    window.says("picker-count", &format!("{} of", titles.len())).await;
    window.shot("07-sign-in");
    window.click("sign-in-submit").await;
    window.fill("sign-in-email", &cloud.email).await;
    window.fill("sign-in-password", &cloud.password).await;
    window.click("sign-in-submit").await;
    window.gone("sign-in-submit").await;
}

/// What is done meanwhile waits, and goes out once syncing goes on.
pub(crate) async fn pauses_and_resumes(window: &Window) {
    window.click("sync-state").await;
    window.click("pause").await;
    window.says("sync-word", "paused").await;
    window.click("dialog-close").await;
    window.click("thread-star").await;
    window.says("sync-state", "paused").await;
    window.click("sync-state").await;
    window.says("waiting", "(1)").await;
    window.click("resume").await;
    window.says("sync-word", "in sync").await;
    window.gone("waiting").await;
    window.shot("10-sync-panel");
    window.click("dialog-close").await;
}

/// What the server's tables say shows in the window: a suspension with its end, the operator's words, a provider that is
/// down. What is written meanwhile waits, and goes out once the suspension is lifted.
pub(crate) async fn is_told_of_a_suspension_and_of_work_on_the_server(window: &Window, cloud: &Cloud) {
    let server = cloud.connect().await.unwrap();
    let says = "update public.system_settings set value = '{\"enabled\": false, \"message\": \"Tonight at ten we move to \
                a larger disk.\"}' where key = 'maintenance_mode'; \
                insert into public.provider_health (id, name, status) values ('openai', 'OpenAI', 'unhealthy') \
                on conflict (id) do update set status = excluded.status";
    server.batch_execute(says).await.unwrap();
    let of = "(select id from auth.users where email = $1)";
    let suspend = format!("select public.suspend_user({of}, '2031-05-06T07:08:00Z', 'a test')");
    server.query(&suspend, &[&cloud.email]).await.unwrap();

    window.click("thread-star").await;
    window.says("suspended-banner", "This account is suspended").await;
    window.says("suspended-banner", "2031").await;
    window.says("server-notice", "Tonight at ten").await;
    window.says("sync-state", "suspended").await;
    window.shot("14-suspended");
    window.click("dismiss-notice").await;
    window.gone("server-notice").await;

    let lift = format!("select public.lift_suspension({of}, 'enough')");
    server.query(&lift, &[&cloud.email]).await.unwrap();
    window.click("sync-state").await;
    window.click("sync-now").await;
    window.says("sync-word", "in sync").await;
    window.click("dialog-close").await;
    window.gone("suspended-banner").await;

    // What the plan leaves of today stands beside one's own costs.
    window.click("usage-button").await;
    window.says("billed-day", "left").await;
    window.says("billed", "free").await;
    window.shot("15-billed");
    window.js("document.querySelectorAll('[role=radiogroup] input[value=conversation]')[0].click()", vec![]).await;
    window.says("usage-conversation", "Designing a write-ahead log in Rust").await;
    window.click_saying("usage-conversation", "Renamed on the other device").await;
    window.says("thread-title", "Renamed on the other device").await;
}

/// Against a server that refuses one title: the change can be exported, a later edit mends it, discarding brings the
/// server's title back.
pub(crate) async fn mends_and_discards_what_the_server_refuses(window: &Window, cloud: &Cloud, folder: &Path) {
    let rule = "alter table public.conversations add constraint refuses_a_title check (title <> 'Refuse me') not valid";
    cloud.connect().await.unwrap().batch_execute(rule).await.unwrap();

    window.click_saying("thread-title", "Renamed on the other device").await;
    window.type_over("title-input", "Refuse me").await;
    window.says("sync-state", "needs attention").await;
    window.click("sync-state").await;
    window.says("refused-change", "Refuse me").await;
    window.says("refused-change", "Changed: title").await;
    window.says("refused-change", "does not take this value").await;
    window.shot("11-refused");
    window.click("refused-export").await;
    let exported = folder.join("change.json");
    window.screen.answer_dialogue(&exported);
    window.says("panel-notice", "change.json").await;
    assert!(std::fs::read_to_string(&exported).unwrap().contains("Refuse me"), "the export holds the change");
    window.click("refused-edit").await;
    window.type_over("title-input", "Mended in the window").await;
    window.says("sync-state", "in sync").await;
    window.says("conversation-row", "Mended in the window").await;

    window.click_saying("thread-title", "Mended in the window").await;
    window.type_over("title-input", "Refuse me").await;
    window.says("sync-state", "needs attention").await;
    window.click("sync-state").await;
    window.click("refused-discard").await;
    window.says("discard-loss", "server’s values come back").await;
    window.click("discard-go").await;
    window.gone("refused-change").await;
    window.says("sync-word", "in sync").await;
    window.click("dialog-close").await;
    window.says("conversation-row", "Mended in the window").await;
}

/// The other device is listed, and its session ends by a click here; what it holds stays there.
pub(crate) async fn signs_the_other_device_out(window: &Window, other: &Path, passphrase: &Path) {
    window.click("sync-state").await;
    window.click("tab-devices").await;
    window.says("device", "this computer").await;
    assert_eq!(window.texts("device").await.len(), 2);
    window.shot("12-devices");
    window.click("device-sign-out").await;
    window.click("confirm").await;
    window.says("devices-notice", "is signed out").await;
    window.gone("device-sign-out").await;
    window.click("dialog-close").await;

    let refused = run(other, passphrase, &["sync"], "");
    assert!(!refused.status.success(), "a device that was signed out still syncs");
    let status = airi(other, passphrase, &["status"], "");
    assert_eq!(status["sync"], "signed_out");
    assert_eq!(status["conversations"], 2, "what it holds stays");
}

/// Once nothing waits, signing out offers to remove the account's library from this computer; the one without an account
/// stays.
pub(crate) async fn signs_out_and_removes_what_is_here(window: &Window, data: &Path) {
    let profiles = || {
        let names = std::fs::read_dir(data.join("profiles")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(profiles().len(), 2, "{:?}", profiles());
    window.click("sync-state").await;
    window.click("sign-out").await;
    window.see("remove-offer").await;
    window.shot("13-remove-offer");
    window.click("offer-remove").await;
    window.click("leaving-go").await;
    window.says("panel-notice", "was removed from this computer").await;
    assert_eq!(profiles(), ["local"]);
    window.click("dialog-close").await;
    window.says("conversation-row", "给奶奶的新年信").await;
}
