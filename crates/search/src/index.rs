//! The index in its folder: opened, or made anew when it cannot be trusted.
//!
//! `<dir>/index` holds the engine's files, `<dir>/writer.lock` the lock. Each commit carries a payload: the format's
//! version, the identity of the mirror that it was made from, and the position of the mirror that it has reached.

use crate::error::guarded;
use crate::lock::WriterLock;
use crate::schema::{FORMAT, Fields, register, schema};
use crate::view::View;
use crate::writer::{Load, Writer};
use crate::{Hits, IndexError, Options, Overlay, Query, Scope};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tantivy::index::SegmentId;
use tantivy::{IndexMeta, IndexReader, Opstamp, ReloadPolicy};

/// A handle; clones are the same index. Searching needs no lock and goes on while somebody writes.
#[derive(Clone)]
pub struct Index(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    mirror: String,
    pub(crate) engine: tantivy::Index,
    pub(crate) fields: Fields,
    /// One at a time looks at what is committed.
    looking: Mutex<()>,
    seen: RwLock<Seen>,
}

/// What was committed when somebody looked last.
struct Seen {
    /// The position of the mirror that it has reached.
    position: i64,
    /// None until the first search: opening touches every file, megabytes of an index of a million rows.
    opened: Option<Looked>,
}

#[derive(Clone)]
struct Looked {
    reader: IndexReader,
    view: Arc<View>,
    at: Stand,
}

/// Tells one state of the files from another: a commit moves the stamp, a merge the segments.
type Stand = (Opstamp, Vec<(SegmentId, Option<Opstamp>)>);

fn stand(metas: &IndexMeta) -> Stand {
    (metas.opstamp, metas.segments.iter().map(|segment| (segment.id(), segment.delete_opstamp())).collect())
}

/// What opening found.
pub enum Opened {
    /// It is as it was left; [`Index::position`] says how far it got.
    Ready(Index),
    /// It is empty now, at position 0.
    Rebuilt { index: Index, reason: Rebuilt },
}

impl Opened {
    pub fn into_index(self) -> Index {
        match self {
            Opened::Ready(index) | Opened::Rebuilt { index, .. } => index,
        }
    }
}

/// Why an index was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebuilt {
    Missing,
    /// Made by a version of AIRI that indexes in another way.
    OtherFormat,
    /// Made from another mirror.
    OtherMirror,
    Damaged(String),
}

/// What a commit says of itself.
struct Payload {
    mirror: String,
    position: i64,
}

impl Payload {
    fn write(&self) -> String {
        format!("airi-search {FORMAT}\n{}\n{}", self.position, self.mirror)
    }

    fn read(text: &str) -> Result<Payload, Rebuilt> {
        let mut lines = text.splitn(3, '\n');
        let format = lines.next().and_then(|line| line.strip_prefix("airi-search ")?.parse::<u32>().ok());
        match format {
            Some(FORMAT) => {}
            Some(_) => return Err(Rebuilt::OtherFormat),
            None => return Err(Rebuilt::Damaged("its last commit is not one of ours".to_owned())),
        }
        let position = lines.next().and_then(|line| line.parse().ok());
        let position = position.ok_or_else(|| Rebuilt::Damaged("its position is missing".to_owned()))?;
        Ok(Payload { position, mirror: lines.next().unwrap_or("").to_owned() })
    }
}

impl Index {
    /// Opens the index in `dir`, made from the mirror that `mirror` names. A missing, foreign or damaged one becomes an
    /// empty one; only the disk or another process that is writing just now ([`IndexError::Busy`]) can be in the way of
    /// that. Reads the list of files alone: what is wrong with one of them shows, as an error that
    /// [asks for a rebuild](IndexError::is_damage), at the first search or write; [`Index::verify`] reads all of them.
    pub fn open(dir: &Path, mirror: &str) -> Result<Opened, IndexError> {
        let reason = match guarded(|| Index::open_list(dir, mirror)) {
            Ok(Ok(index)) => return Ok(Opened::Ready(index)),
            Ok(Err(reason)) => reason,
            Err(IndexError::Io(error)) => return Err(IndexError::Io(error)),
            Err(error) => Rebuilt::Damaged(error.to_string()),
        };
        Ok(Opened::Rebuilt { index: Index::rebuild(dir, mirror)?, reason })
    }

    /// Throws the index away and makes an empty one.
    pub fn rebuild(dir: &Path, mirror: &str) -> Result<Index, IndexError> {
        let _lock = WriterLock::take(dir)?;
        let files = dir.join("index");
        // Moved first: where a file of it is still open somewhere, removing may fail halfway.
        let aside = dir.join("index.removed");
        remove(&aside)?;
        if fs::symlink_metadata(&files).is_ok() {
            fs::rename(&files, &aside)?;
        }
        fs::create_dir_all(&files)?;
        let engine = tantivy::Index::create_in_dir(&files, schema().0)?;
        // Others may still read it; then it goes the next time.
        let _ = remove(&aside);
        Ok(Index::with_engine(dir, mirror, engine, 0))
    }

    fn open_list(dir: &Path, mirror: &str) -> Result<Result<Index, Rebuilt>, IndexError> {
        let files = dir.join("index");
        if !files.join("meta.json").is_file() {
            return Ok(Err(if files.exists() {
                Rebuilt::Damaged("meta.json is missing".into())
            } else {
                Rebuilt::Missing
            }));
        }
        let engine = tantivy::Index::open_in_dir(&files)?;
        let metas = engine.load_metas()?;
        let position = match &metas.payload {
            Some(text) => match Payload::read(text) {
                Ok(payload) if payload.mirror != mirror => return Ok(Err(Rebuilt::OtherMirror)),
                Ok(payload) => payload.position,
                Err(reason) => return Ok(Err(reason)),
            },
            None if metas.segments.is_empty() => 0,
            None => return Ok(Err(Rebuilt::Damaged("it holds rows but no position".to_owned()))),
        };
        if engine.schema() != schema().0 {
            return Ok(Err(Rebuilt::OtherFormat));
        }
        Ok(Ok(Index::with_engine(dir, mirror, engine, position)))
    }

    fn with_engine(dir: &Path, mirror: &str, engine: tantivy::Index, position: i64) -> Index {
        register(&engine);
        Index(Arc::new(Inner {
            dir: dir.to_owned(),
            mirror: mirror.to_owned(),
            engine,
            fields: schema().1,
            looking: Mutex::new(()),
            seen: RwLock::new(Seen { position, opened: None }),
        }))
    }

    /// Reads every byte and compares checksums: for idle times. Who writes meanwhile removes files: then it is read again, and
    /// when that goes on, nothing is said against it.
    pub fn verify(&self) -> Result<(), IndexError> {
        for _ in 0..3 {
            let before = guarded(|| Ok(stand(&self.0.engine.load_metas()?)));
            let found = guarded(|| Ok(self.0.engine.validate_checksum()?)).and_then(|damaged| {
                match damaged.into_iter().next() {
                    Some(file) => Err(IndexError::Damaged(format!("the checksum of {} is wrong", file.display()))),
                    None => Ok(()),
                }
            });
            let after = guarded(|| Ok(stand(&self.0.engine.load_metas()?)));
            match (found, before, after) {
                (Err(_), Ok(before), Ok(after)) if before != after => {}
                (found, ..) => return found,
            }
        }
        Ok(())
    }

    /// Opens what a search needs, unless that is open already. Damage shows here.
    pub fn open_files(&self) -> Result<(), IndexError> {
        self.view().map(drop)
    }

    /// Lets go of its files, which some systems do not move while they are open; the next search opens them again.
    pub fn close_files(&self) {
        self.seen_mut().opened = None;
    }

    /// Whether both are one handle.
    pub fn is(&self, other: &Index) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The position of the mirror that is searched at present.
    pub fn position(&self) -> i64 {
        self.seen().position
    }

    /// Rows in it, titles among them.
    pub fn len(&self) -> Result<u64, IndexError> {
        Ok(self.view()?.searcher.num_docs())
    }

    pub fn is_empty(&self) -> Result<bool, IndexError> {
        Ok(self.len()? == 0)
    }

    /// Takes the writer's lock. A few rows at a time: [`Load::Steady`]; a rebuild: [`Load::Bulk`].
    pub fn writer(&self, load: Load) -> Result<Writer, IndexError> {
        let lock = WriterLock::take(&self.0.dir)?;
        Writer::new(self.clone(), lock, load)
    }

    /// Sees what another process has committed. Searches that run go on with what they see.
    pub fn reload(&self) -> Result<(), IndexError> {
        self.look(false)
    }

    fn look(&self, open: bool) -> Result<(), IndexError> {
        let _one = self.0.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = guarded(|| {
            // Read first: a position behind the rows only makes the caller put some rows again.
            let metas = self.0.engine.load_metas()?;
            let position = match metas.payload.as_deref().map(Payload::read) {
                None => 0,
                Some(Ok(payload)) if payload.mirror == self.0.mirror => payload.position,
                Some(_) => return Err(IndexError::Damaged("another version of AIRI has replaced it".to_owned())),
            };
            let at = stand(&metas);
            let before = self.seen().opened.clone();
            let reader = match before {
                Some(looked) if looked.at == at => {
                    self.seen_mut().position = position;
                    return Ok(());
                }
                Some(looked) => {
                    looked.reader.reload()?;
                    Some(looked.reader)
                }
                None if open => Some(self.0.engine.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?),
                None => None,
            };
            let look = |reader: IndexReader| -> Result<Looked, IndexError> {
                let view = Arc::new(View::new(reader.searcher(), &self.0.fields)?);
                Ok(Looked { reader, view, at })
            };
            let opened = reader.map(look).transpose()?;
            *self.seen_mut() = Seen { position, opened };
            Ok(())
        });
        // What the engine refuses to open is not what it wrote.
        looked.map_err(|error| match error {
            IndexError::Engine(error) => IndexError::Damaged(error.to_string()),
            error => error,
        })
    }

    /// Searches. `overlay` holds what is not committed yet. Never blocks on a writer.
    pub fn search(
        &self,
        query: &Query,
        scope: &Scope,
        options: &Options,
        overlay: Option<&Overlay>,
    ) -> Result<Hits, IndexError> {
        guarded(|| crate::search::search(&*self.view()?, &self.0.fields, query, scope, options, overlay))
    }

    pub(crate) fn view(&self) -> Result<Arc<View>, IndexError> {
        let opened = || self.seen().opened.as_ref().map(|looked| looked.view.clone());
        if let Some(view) = opened() {
            return Ok(view);
        }
        self.look(true)?;
        opened().ok_or_else(|| IndexError::Damaged("it cannot be opened".to_owned()))
    }

    fn seen_mut(&self) -> RwLockWriteGuard<'_, Seen> {
        self.0.seen.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        self.0.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn payload(&self, position: i64) -> String {
        Payload { mirror: self.0.mirror.clone(), position }.write()
    }
}

fn remove(path: &Path) -> Result<(), IndexError> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(found) if found.is_dir() => Ok(fs::remove_dir_all(path)?),
        Ok(_) => Ok(fs::remove_file(path)?),
    }
}
