//! A look at a sample: a second process on a throw-away library (`--demo`), in a window of its own. The library goes with
//! the process (see `airi_app::App::open`), and so does what the web view keeps of the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// WebDriver takes only web views that keep something; a sample under test keeps it in the folder that goes.
const DRIVEN: &str = "TAURI_WEBVIEW_AUTOMATION";
const NAME: &str = "airi-demo-page-";

pub(crate) fn is_driven() -> bool {
    std::env::var_os(DRIVEN).is_some()
}

/// Starts this very program once more, as a sample. It goes on when this one ends.
///
/// # Errors
/// What the operating system says when the program cannot be started.
pub(crate) fn open(program: &Path) -> std::io::Result<()> {
    let mut child = Command::new(program).arg("--demo").env_remove(DRIVEN).spawn()?;
    // Somebody must take its end, or its number stays taken for as long as this window is open.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// The web view's folder of a sample: in the temporary folder, gone when this is dropped.
pub(crate) struct PageFolder(PathBuf);

impl PageFolder {
    /// Also removes those of samples that were killed.
    pub(crate) fn make() -> PageFolder {
        PageFolder::make_in(&std::env::temp_dir(), std::process::id())
    }

    fn make_in(folder: &Path, process: u32) -> PageFolder {
        for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            let of = path.file_name().and_then(|name| name.to_string_lossy().strip_prefix(NAME)?.parse::<u32>().ok());
            if of.is_some_and(|of| of == process || !is_alive(of)) {
                let _ = fs::remove_dir_all(&path);
            }
        }
        PageFolder(folder.join(format!("{NAME}{process}")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PageFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where that cannot be told, a process is taken for one that lives.
fn is_alive(process: u32) -> bool {
    !cfg!(target_os = "linux") || Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_sample_leaves_nothing_and_takes_the_killed_ones_along() {
        let temp = std::env::temp_dir().join(format!("airi-sample-test-{}", std::process::id()));
        let (killed, alive) =
            (temp.join(format!("{NAME}4294967294")), temp.join(format!("{NAME}{}", std::process::id())));
        let other = temp.join("somebody-else");
        for path in [&killed, &alive, &other] {
            fs::create_dir_all(path).unwrap();
        }
        let mine = PageFolder::make_in(&temp, 4_294_967_293);
        assert_eq!(killed.exists(), !cfg!(target_os = "linux"));
        assert!(alive.exists() && other.exists(), "what is in use, or not ours, is left alone");
        fs::create_dir_all(mine.path().join("storage")).unwrap();
        let path = mine.path().to_owned();
        drop(mine);
        assert!(!path.exists());
        fs::remove_dir_all(&temp).unwrap();
    }
}
