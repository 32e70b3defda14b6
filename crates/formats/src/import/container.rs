//! What the user pointed at — a file, a ZIP, a folder — seen as a list of named entries that can be opened.

use super::error::{ImportError, shown};
use super::limits::Limits;
use super::zip_entries::{self, OpenZip, zip_error};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longer names are no export's.
pub(crate) const MAX_NAME: usize = 4096;
const MAX_FOLDER_DEPTH: usize = 16;

pub(crate) struct Entry {
    /// Relative, with `/`.
    pub name: String,
    /// Bytes, unpacked, as measured before reading.
    pub size: u64,
    place: Place,
}

enum Place {
    Zip(usize),
    File(PathBuf),
}

impl Entry {
    pub(crate) fn in_zip(name: String, size: u64, index: usize) -> Entry {
        Entry { name, size, place: Place::Zip(index) }
    }

    /// The last part of its name.
    pub(crate) fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// Its folder with the closing `/`, or nothing.
    pub(crate) fn folder(&self) -> &str {
        &self.name[..self.name.len() - self.base().len()]
    }
}

pub(crate) struct Container {
    /// As the user knows it.
    pub name: String,
    /// A lone JSON file, not a folder or ZIP.
    pub single: bool,
    pub entries: Vec<Entry>,
    zip: Option<OpenZip>,
}

impl Container {
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Container, ImportError> {
        let name = shown(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy());
        let cannot = |source| ImportError::Open { name: shown(&path.to_string_lossy()), source };
        let meta = fs::metadata(path).map_err(cannot)?;
        if meta.is_dir() {
            let entries = list_folder(path, limits).map_err(|error| match error {
                ListError::Io(source) => cannot(source),
                ListError::Import(error) => error,
            })?;
            return Ok(Container { name, single: false, entries, zip: None });
        }
        if !meta.is_file() {
            return Err(cannot(io::Error::other("it is neither a file nor a folder")));
        }
        let mut file = File::open(path).map_err(cannot)?;
        let mut magic = Vec::new();
        (&mut file).take(4).read_to_end(&mut magic).map_err(cannot)?;
        if matches!(magic.as_slice(), b"PK\x03\x04" | b"PK\x05\x06") {
            let (zip, entries) = zip_entries::open(file, limits)?;
            return Ok(Container { name, single: false, entries, zip: Some(zip) });
        }
        if magic.starts_with(b"Rar!") || magic.starts_with(b"7z\xbc\xaf") || magic.starts_with(&[0x1f, 0x8b]) {
            return Err(ImportError::NotJson { name, position: 0, hint: "it is an archive of another kind".into() });
        }
        limits.check_unpacked(meta.len())?;
        let entry = Entry { name: name.clone(), size: meta.len(), place: Place::File(path.to_owned()) };
        Ok(Container { name, single: true, entries: vec![entry], zip: None })
    }

    /// A reader over the entry that ends, with an error, where more comes than was measured.
    pub(crate) fn read(&mut self, index: usize) -> Result<Box<dyn Read + '_>, ImportError> {
        let entry = &self.entries[index];
        match (&entry.place, &mut self.zip) {
            (Place::File(path), _) => {
                let cannot = |source| ImportError::Open { name: shown(&entry.name), source };
                if !self.single && !fs::symlink_metadata(path).map_err(cannot)?.is_file() {
                    return Err(cannot(io::Error::other("it is no longer a plain file")));
                }
                Ok(Box::new(Bounded { inner: File::open(path).map_err(cannot)?, left: entry.size }))
            }
            (Place::Zip(at), Some(zip)) => {
                let inner = zip.by_index(*at).map_err(zip_error)?;
                Ok(Box::new(Bounded { inner, left: entry.size }))
            }
            (Place::Zip(_), None) => Err(ImportError::Zip { what: "it is no longer open".into() }),
        }
    }

    /// A small entry as a whole; None when it is larger than `max`.
    pub(crate) fn read_small(&mut self, index: usize, max: u64) -> Result<Option<Vec<u8>>, ImportError> {
        if self.entries[index].size > max {
            return Ok(None);
        }
        let name = shown(&self.entries[index].name);
        let mut bytes = Vec::new();
        self.read(index)?.read_to_end(&mut bytes).map_err(|source| ImportError::Read { name, source })?;
        Ok(Some(bytes))
    }
}

struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than it was said to be")),
            };
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let count = self.inner.read(&mut out[..room])?;
        self.left -= count as u64;
        Ok(count)
    }
}

enum ListError {
    Io(io::Error),
    Import(ImportError),
}

/// Every plain file below `root` in order of name; links are left out, wherever they point.
fn list_folder(root: &Path, limits: &Limits) -> Result<Vec<Entry>, ListError> {
    let mut entries = Vec::new();
    let (mut seen, mut total) = (0_u64, 0_u64);
    let mut waiting = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        for item in fs::read_dir(&folder).map_err(ListError::Io)? {
            let item = item.map_err(ListError::Io)?;
            seen += 1;
            limits.check_entries(seen).map_err(ListError::Import)?;
            // Of the link itself, not of what it points to.
            let meta = item.metadata().map_err(ListError::Io)?;
            let name = format!("{prefix}{}", item.file_name().to_string_lossy());
            if meta.is_dir() && depth < MAX_FOLDER_DEPTH {
                waiting.push((item.path(), format!("{name}/"), depth + 1));
            } else if meta.is_file() {
                total = total.saturating_add(meta.len());
                entries.push(Entry { name, size: meta.len(), place: Place::File(item.path()) });
            }
        }
    }
    limits.check_unpacked(total).map_err(ListError::Import)?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_stops_where_more_comes_than_was_measured() {
        let mut honest = Bounded { inner: b"12345".as_slice(), left: 5 };
        let mut text = String::new();
        honest.read_to_string(&mut text).unwrap();
        assert_eq!(text, "12345");
        let mut liar = Bounded { inner: io::repeat(b'x'), left: 5 };
        let mut bytes = Vec::new();
        assert!(liar.read_to_end(&mut bytes).is_err());
        assert_eq!(bytes.len(), 5);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_folder_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.json"), "[]").unwrap();
        fs::write(dir.path().join("a.json"), "[]").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.json"), dir.path().join("b.json")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        let container = Container::open(dir.path(), &Limits::default()).unwrap();
        let names: Vec<_> = container.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a.json"]);
    }

    #[test]
    fn folders_are_measured_before_they_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), vec![0; 4096]).unwrap();
        let limits = Limits { max_unpacked_bytes: 4095, ..Limits::default() };
        assert!(matches!(Container::open(dir.path(), &limits), Err(ImportError::Unusual { .. })));
        let limits = Limits { max_entries: 0, ..Limits::default() };
        assert!(matches!(Container::open(dir.path(), &limits), Err(ImportError::Unusual { .. })));
    }
}
