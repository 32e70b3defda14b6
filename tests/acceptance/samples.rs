//! The sample histories of `tests/samples`, as a user has them: file, folder, ZIP.

use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// A ZIP of a folder, as a download has it.
pub(crate) fn zip_of(folder: &Path, to: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&std::fs::read(path).unwrap()).unwrap();
        }
    }
    zip.finish().unwrap();
}
