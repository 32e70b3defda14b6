//! The few arguments of the window. Scripts use `airi`.

use std::ffi::OsString;
use std::path::PathBuf;

pub const USAGE: &str = "\
AIRI: your AI conversations, on your own machine.

Usage: airi-desktop [--demo] [--data-dir DIR]

  --demo           open a throw-away library with a rich sample history
  --data-dir DIR   keep the library in DIR instead of the usual place
  --help           show this";

/// What the window was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    pub demo: bool,
    pub data_dir: Option<PathBuf>,
}

impl Arguments {
    /// Reads the arguments after the program's name. `None`: the user asked for help.
    ///
    /// # Errors
    /// A sentence for people when an argument is unknown or lacks its value.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Arguments>, String> {
        let mut parsed = Arguments::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let text = argument.to_string_lossy();
            match text.as_ref() {
                "--demo" => parsed.demo = true,
                "--data-dir" => {
                    let dir = rest.next().ok_or("--data-dir needs a folder.")?;
                    parsed.data_dir = Some(PathBuf::from(dir));
                }
                "--help" | "-h" => return Ok(None),
                other => match other.strip_prefix("--data-dir=") {
                    Some(dir) if !dir.is_empty() => parsed.data_dir = Some(PathBuf::from(dir)),
                    _ => return Err(format!("Unknown argument: {other}")),
                },
            }
        }
        Ok(Some(parsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn no_argument_opens_the_usual_library() {
        assert_eq!(parse(&[]), Ok(Some(Arguments::default())));
    }

    #[test]
    fn a_data_folder_is_taken_in_both_spellings() {
        let expected = Arguments { demo: true, data_dir: Some(PathBuf::from("here")) };
        assert_eq!(parse(&["--demo", "--data-dir", "here"]), Ok(Some(expected.clone())));
        assert_eq!(parse(&["--data-dir=here", "--demo"]), Ok(Some(expected)));
    }

    #[test]
    fn what_is_unknown_or_incomplete_is_refused() {
        assert!(parse(&["--data-dir"]).is_err());
        assert!(parse(&["--data-dir="]).is_err());
        assert!(parse(&["--verbose"]).is_err());
    }
}
