//! The data folder: which profiles there are, which one is in use, and the settings that belong to none.
//!
//! ```text
//! config.json            the profile in use, the window's settings
//! dropped.json           where files lie that were dropped on the window, so that a draft still has them after a restart
//! profiles/<name>/       mirror.sqlite, index/, files/, and the locks of that profile
//! ```

use crate::AppError;
use crate::providers::ProviderConfig;
use airi_contract::{ChatDefaults, Settings};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The profile of somebody without an account.
pub(crate) const LOCAL_PROFILE: &str = "local";
const PERMISSIONS: &str = "Check that the folder exists and that you may write to it.";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub active_profile: Option<String>,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub providers: Vec<ProviderConfig>,
    /// Which model answers where nothing else is chosen.
    #[serde(default)]
    pub chat: ChatDefaults,
}

#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    pub(crate) fn open(path: &Path) -> Result<DataDir, AppError> {
        fs::create_dir_all(path.join("profiles"))
            .map_err(AppError::io(format!("The data folder {}", path.display()), PERMISSIONS))?;
        crate::removal::finish_removals(&path.join("profiles"));
        Ok(DataDir(path.to_owned()))
    }

    /// Where the operating system keeps data of applications.
    pub(crate) fn default_path() -> Result<PathBuf, AppError> {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = if cfg!(target_os = "windows") {
            var("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            var("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            var("XDG_DATA_HOME").or_else(|| var("HOME").map(|home| home.join(".local/share")))
        };
        base.map(|base| base.join("airi-desktop")).ok_or_else(|| {
            AppError::Invalid("Your home folder is not known. Name the data folder with --data-dir.".into())
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn profile_dir(&self, name: &str) -> Result<PathBuf, AppError> {
        let plain = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !plain {
            return Err(AppError::Invalid(format!(
                "'{name}' cannot name a profile: letters, digits, '-' and '_' can, 64 at most."
            )));
        }
        Ok(self.0.join("profiles").join(name))
    }

    pub(crate) fn profile_names(&self) -> Result<Vec<String>, AppError> {
        let folder = self.0.join("profiles");
        let entries =
            fs::read_dir(&folder).map_err(AppError::io(format!("The folder {}", folder.display()), PERMISSIONS))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .filter(|name| self.profile_dir(name).is_ok_and(|dir| dir.is_dir()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// A config that cannot be read is an error, not a fresh start: it names the profile in use.
    pub(crate) fn config(&self) -> Result<Config, AppError> {
        let path = self.0.join("config.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                AppError::Invalid(format!(
                    "The file {} cannot be read ({error}). Mend it, or remove it to start with the profile '{LOCAL_PROFILE}'; \
                     no conversation is in it.",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(source) => {
                Err(AppError::Io { what: format!("The file {}", path.display()), source, todo: PERMISSIONS })
            }
        }
    }

    /// Replaces the config as a whole: a reader sees the old one or the new one, never half.
    pub(crate) fn set_config(&self, config: &Config) -> Result<(), AppError> {
        let text = serde_json::to_vec_pretty(config).map_err(|error| AppError::Internal(error.to_string()))?;
        self.replace("config.json", &text)
    }

    /// Replaces a file of the folder as a whole.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> Result<(), AppError> {
        let path = self.0.join(name);
        let fresh = self.0.join(format!("{name}.{}.new", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&fresh)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        write().map_err(AppError::io(format!("The file {}", path.display()), PERMISSIONS))
    }

    /// One window per data folder. The lock is held until the file is dropped.
    pub(crate) fn lock_window(&self) -> Result<File, AppError> {
        let path = self.0.join("window.lock");
        let file = lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => Err(AppError::Busy("AIRI is already open on this data folder.".into())),
        }
    }
}

pub(crate) fn lock_file(path: &Path) -> Result<File, AppError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(AppError::io(format!("The lock {}", path.display()), PERMISSIONS))
}

/// Waits for a lock that another process may hold, at most `limit`.
pub(crate) fn wait_for_lock(path: &Path, limit: Duration, who: &str) -> Result<File, AppError> {
    let file = lock_file(path)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < limit => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(AppError::Busy(format!(
                    "{who} is under way in another process. Try again when it is done."
                )));
            }
            Err(TryLockError::Error(source)) => {
                return Err(AppError::Io { what: format!("The lock {}", path.display()), source, todo: PERMISSIONS });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_name_cannot_lead_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        for name in ["", "..", "a/b", "a\\b", ".hidden", "a b", "ä"] {
            assert!(data.profile_dir(name).is_err(), "{name}");
        }
        assert!(data.profile_dir("account-1f").is_ok());
    }

    #[test]
    fn a_broken_config_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        fs::write(dir.path().join("config.json"), "{").unwrap();
        assert!(data.config().unwrap_err().to_string().contains("config.json"));
        assert_eq!(fs::read_to_string(dir.path().join("config.json")).unwrap(), "{");
    }

    #[test]
    fn the_config_comes_back_as_it_went() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        assert!(data.config().unwrap().active_profile.is_none());
        let config = Config {
            active_profile: Some("p".into()),
            settings: Settings { theme: "dark".into(), ..Settings::default() },
            ..Config::default()
        };
        data.set_config(&config).unwrap();
        assert_eq!(data.config().unwrap().settings, config.settings);
        let held = data.lock_window().unwrap();
        assert!(matches!(data.lock_window(), Err(AppError::Busy(_))));
        drop(held);
        data.lock_window().unwrap();
    }
}
