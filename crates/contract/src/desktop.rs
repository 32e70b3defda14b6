//! Between the page and the desktop around its window: notifications, and a menu bar.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Told outside the window, while nobody looks at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Notification {
    pub title: String,
    pub body: String,
    /// Opened when it is clicked.
    pub conversation_id: Option<String>,
}

/// The window's menu bar, in the language of the page. Without groups there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MenuBar {
    pub groups: Vec<MenuGroup>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MenuGroup {
    pub label: String,
    /// An entry without an act is a line between others.
    pub entries: Vec<MenuEntry>,
    /// What macOS adds to it by itself: edit (cut, copy, paste) or window (minimise, close).
    pub role: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MenuEntry {
    /// What `asked` then names.
    pub act: Option<String>,
    pub label: String,
    /// Such as CmdOrCtrl+K. Shown and heard on macOS; elsewhere the page hears its keys itself.
    pub keys: Option<String>,
}

/// The event `asked`: something outside the page asks it to do what a user chose there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Asked {
    /// A menu entry's act.
    pub act: Option<String>,
    /// A conversation to open.
    pub conversation_id: Option<String>,
}
