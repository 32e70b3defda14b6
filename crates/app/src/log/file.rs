//! The log's files: `airi.log`, and before it `airi.1.log` to `airi.4.log`, the oldest last, a megabyte each.
//!
//! Every line is one append to a file that is opened for it, so that the window and any number of `airi` can write at
//! once and each sees when another one has put the full file aside.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing_subscriber::fmt::MakeWriter;

const FILE_BYTES: u64 = 1_000_000;
/// Full files that are kept beside the one that is written.
const KEPT: u32 = 4;

#[derive(Clone)]
pub(super) struct Rolling {
    dir: Arc<PathBuf>,
    /// Of one file.
    most: u64,
}

impl Rolling {
    pub(super) fn open(dir: &Path) -> io::Result<Rolling> {
        fs::create_dir_all(dir)?;
        Ok(Rolling { dir: Arc::new(dir.to_owned()), most: FILE_BYTES })
    }

    /// All files that are there, the oldest first.
    pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
        (0..=KEPT).rev().map(|n| path(dir, n)).filter(|path| path.is_file()).collect()
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut file = self.current()?;
        if file.metadata()?.len() + line.len() as u64 > self.most {
            self.roll()?;
            file = self.current()?;
        }
        file.write_all(line)
    }

    fn current(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        options.open(path(&self.dir, 0))
    }

    fn roll(&self) -> io::Result<()> {
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.dir.join("roll.lock"))?;
        lock.lock()?;
        // Another process may have done it meanwhile.
        if fs::metadata(path(&self.dir, 0)).map_or(0, |data| data.len()) * 2 < self.most {
            return Ok(());
        }
        for n in (0..KEPT).rev() {
            match fs::rename(path(&self.dir, n), path(&self.dir, n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn path(dir: &Path, n: u32) -> PathBuf {
    dir.join(if n == 0 { "airi.log".to_owned() } else { format!("airi.{n}.log") })
}

impl<'a> MakeWriter<'a> for Rolling {
    type Writer = Rolling;

    fn make_writer(&'a self) -> Rolling {
        self.clone()
    }
}

impl Write for Rolling {
    /// Takes whole lines: the formatter hands over one at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A disk that is full or gone takes no log, and nobody is bothered with that.
        let _ = self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(dir: &Path) -> u64 {
        Rolling::files(dir).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }

    #[test]
    fn the_newest_lines_stay_and_the_whole_keeps_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let log = Rolling { most: 1_000, ..Rolling::open(dir.path()).unwrap() };
        for n in 0..1_000 {
            log.append(format!("line {n:04}\n").as_bytes()).unwrap();
        }
        assert!(size(dir.path()) <= 5_000, "{}", size(dir.path()));
        let text: String = Rolling::files(dir.path()).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.len() >= 400, "{}", lines.len());
        let last: Vec<_> = (1_000 - lines.len()..1_000).map(|n| format!("line {n:04}")).collect();
        assert_eq!(lines, last, "in order, without a gap");
    }

    #[test]
    fn several_writers_at_once_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        // 800 lines of 10 bytes, in files of 4 kB: put aside while others write.
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let log = Rolling { most: 4_000, ..Rolling::open(dir.path()).unwrap() };
                scope.spawn(move || {
                    for n in 0..200 {
                        log.append(format!("{writer} {n:07}\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        let text: String = Rolling::files(dir.path()).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        for writer in 0..4 {
            let mine: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("{writer} "))).collect();
            assert_eq!(mine.len(), 200);
        }
        assert!(text.lines().all(|line| line.len() == 9), "no line is torn");
    }

    #[test]
    fn a_folder_that_is_gone_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Rolling::open(&dir.path().join("logs")).unwrap();
        fs::remove_dir(dir.path().join("logs")).unwrap();
        log.write_all(b"into the void\n").unwrap();
        assert!(!dir.path().join("logs").exists());
    }
}
