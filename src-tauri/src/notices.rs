//! Notifications of the desktop. They say that something ended while nobody looked at the window; a click opens it.

use crate::events;
use airi_contract::{Asked, Notification};
use std::sync::atomic::{AtomicUsize, Ordering};
use tauri::{Manager, WebviewWindow};

/// A desktop may keep them for days, and each click is waited for on a thread. The oldest ones are then clicked in vain.
const MOST_AWAITED: usize = 16;
static AWAITED: AtomicUsize = AtomicUsize::new(0);

/// Tells it, unless somebody looks at the window. A desktop that has no notifications is no error: there is nobody to tell.
pub(crate) fn tell(window: &WebviewWindow, told: Notification) {
    if window.is_focused().unwrap_or(false) {
        return;
    }
    let window = window.clone();
    std::thread::spawn(move || {
        let Ok(shown) = notice(&window, &told).show() else { return };
        if AWAITED.fetch_add(1, Ordering::Relaxed) < MOST_AWAITED {
            await_click(shown, || {
                crate::show(&window);
                events::ask(&window, Asked { act: None, conversation_id: told.conversation_id });
            });
        }
        AWAITED.fetch_sub(1, Ordering::Relaxed);
    });
}

fn notice(window: &WebviewWindow, told: &Notification) -> notify_rust::Notification {
    let mut notice = notify_rust::Notification::new();
    notice.summary(&told.title).body(&plain(&told.body)).appname("AIRI");
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        let entry = window.app_handle().config().identifier.clone();
        notice.action("default", &told.title).hint(notify_rust::Hint::DesktopEntry(entry));
    }
    #[cfg(target_os = "windows")]
    notice.app_id(&window.app_handle().config().identifier);
    #[cfg(target_os = "macos")]
    let _ = notify_rust::set_application(&window.app_handle().config().identifier);
    notice
}

/// Desktops of freedesktop.org read a little markup in the body.
fn plain(text: &str) -> String {
    if cfg!(all(unix, not(target_os = "macos"))) {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.to_owned()
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn await_click(shown: notify_rust::NotificationHandle, clicked: impl FnOnce()) {
    let mut clicked = Some(clicked);
    shown.wait_for_action(|action| {
        if let Some(clicked) = clicked.take_if(|_| action == "default") {
            clicked();
        }
    });
}

/// There a click brings the window to the front by itself.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn await_click(_: notify_rust::NotificationHandle, _: impl FnOnce()) {}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_told_is_text_and_no_markup() {
        if cfg!(target_os = "linux") {
            assert_eq!(plain("a <b> & c"), "a &lt;b&gt; &amp; c");
        }
    }
}
