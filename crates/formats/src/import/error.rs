//! Why an import stopped. Each message says what happened, what it means for the user's data, and what to do.

use super::Source;
use std::io;

/// An import that stopped. Whatever was handed out before it must be rolled back: a broken archive changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("'{name}' cannot be opened ({source}). Nothing was imported. Check the path and that you may read it.")]
    Open { name: String, source: io::Error },

    #[error("reading '{name}' failed ({source}). Nothing was imported. Check the disk and try again.")]
    Read { name: String, source: io::Error },

    #[error("'{name}' is empty. Nothing was imported. Download the export again and import the new file.")]
    Empty { name: String },

    #[error(
        "'{name}' is not JSON: {hint} (byte {position}). Nothing was imported. Choose the ZIP as downloaded, its \
         unpacked folder, or the conversations.json inside."
    )]
    NotJson { name: String, position: u64, hint: String },

    #[error(
        "'{name}' is damaged at byte {position}: {what}. Nothing was imported. Download the export again, or copy it \
         again from where it came."
    )]
    Broken { name: String, position: u64, what: String },

    #[error(
        "this is a {found} export, but the format '{asked}' was asked for. Nothing was imported. Choose 'auto' or \
         '{found}' (airi: --format {found})."
    )]
    WrongVendor { asked: Source, found: Source },

    #[error(
        "'{name}' is valid JSON, but neither a ChatGPT, a Claude nor an AIRI export: {seen}. Nothing was imported. \
         Choose the ZIP as downloaded, its unpacked folder, or the conversations.json inside."
    )]
    UnknownShape { name: String, seen: String },

    #[error(
        "'{name}' holds no conversations.json: {seen}. Nothing was imported. Choose the archive exactly as it was \
         downloaded, or the folder that it unpacks to."
    )]
    NoConversations { name: String, seen: String },

    #[error(
        "not one conversation was found in '{name}' ({unreadable} unreadable). Nothing was imported. If there should \
         be some, request a new export from where it came."
    )]
    Nothing { name: String, unreadable: u64 },

    #[error(
        "this export has version {found}, and this AIRI reads versions up to {known}. Nothing was imported. Update \
         AIRI and import it again."
    )]
    NewerVersion { found: u64, known: u64 },

    #[error(
        "the archive is incomplete: its manifest names '{missing}', which is not there. Nothing was imported. \
         Download the export again."
    )]
    MissingPart { missing: String },

    #[error(
        "the archive was refused, because its entry '{entry}' {why}. Exports as downloaded have nothing of the kind. \
         Nothing was imported. Download the export again from its original place."
    )]
    Refused { entry: String, why: String },

    #[error(
        "this archive is unusual: {what}. Nothing was imported yet. If you know where it comes from and expect that, \
         confirm it (airi: --yes)."
    )]
    Unusual { what: String },

    #[error(
        "the archive unpacks to {needed} bytes, but only {free} bytes are free on the disk. Nothing was imported. Free \
         some space and import it again."
    )]
    NoSpace { needed: u64, free: u64 },

    #[error("the ZIP archive is damaged: {what}. Nothing was imported. Download the export again.")]
    Zip { what: String },
}

/// A name from an archive in a form that a terminal or a dialogue can show: no control characters, not too long.
pub(crate) fn shown(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(120).collect();
    if name.chars().nth(120).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_archives_cannot_drive_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 121);
    }

    #[test]
    fn an_unusual_archive_says_how_to_confirm_it() {
        let text = ImportError::Unusual { what: "it unpacks to 900 times its size".into() }.to_string();
        assert!(text.contains("--yes") && text.contains("900 times"));
    }
}
