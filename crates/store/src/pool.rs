//! Connections: one writer behind a mutex, read-only readers in a pool.
//!
//! A second writer inside the process could only wait for SQLite's lock with a busy time-out; the mutex queues instead.
//! Another process (`airi` beside the window) waits for SQLite's lock, at most [`BUSY_TIMEOUT`].

use crate::write::Writer;
use crate::{StoreError, migrate};
use airi_domain::{ConversationId, OwnerId};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
const READERS_KEPT: usize = 6;

/// What a commit changed, told after it.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The mirror's change number after the commit.
    pub head: i64,
    /// The conversations touched; None: too many to name.
    pub conversations: Option<Vec<ConversationId>>,
    /// Whether operations for the server were added.
    pub queued: bool,
}

type Listener = Box<dyn Fn(&Commit) + Send + Sync>;

struct Shared {
    path: PathBuf,
    // Dropped before the writer: the last connection to close folds the write-ahead log in, and a read-only one cannot.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    listeners: Mutex<Vec<Listener>>,
    owner: Mutex<OwnerId>,
}

/// An open library. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// Opens or makes the database at `path` and brings it to the newest schema.
    ///
    /// # Errors
    /// [`StoreError::NewerVersion`], [`StoreError::Damaged`], [`StoreError::Open`]: the file was left untouched.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let describe = |error: StoreError| match error {
            StoreError::Sqlite(source) => StoreError::Open { path: path.to_owned(), source },
            StoreError::Damaged { why, .. } => StoreError::Damaged { path: path.to_owned(), why },
            other => other,
        };
        let mut writer = Connection::open(path).map_err(|error| describe(error.into()))?;
        prepare(&writer).map_err(describe)?;
        migrate::migrate(&mut writer, path).map_err(describe)?;
        let store = Store(Arc::new(Shared {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            listeners: Mutex::new(Vec::new()),
            owner: Mutex::new(OwnerId::LOCAL),
        }));
        let owner = store.read()?.owner()?;
        *lock(&store.0.owner) = owner;
        Ok(store)
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whose rows these are: the account's user, or [`OwnerId::LOCAL`].
    pub fn owner(&self) -> OwnerId {
        *lock(&self.0.owner)
    }

    /// A read-only connection; goes back to the pool when dropped.
    pub fn read(&self) -> Result<Reader, StoreError> {
        let pooled = lock(&self.0.readers).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.0.path, flags)?;
                prepare_reader(&connection)?;
                connection
            }
        };
        Ok(Reader { connection: Some(connection), store: self.clone() })
    }

    /// Runs `act` in one transaction and tells the listeners after the commit. An error rolls everything back.
    pub fn write<T, E: From<StoreError>>(&self, act: impl FnOnce(&mut Writer<'_>) -> Result<T, E>) -> Result<T, E> {
        let (result, commit) = {
            let mut connection = lock(&self.0.writer);
            let tx = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|error| E::from(error.into()))?;
            let mut writer = Writer::begin(tx, self.owner()).map_err(E::from)?;
            let result = act(&mut writer)?;
            let (commit, owner) = writer.commit().map_err(E::from)?;
            *lock(&self.0.owner) = owner;
            (result, commit)
        };
        if let Some(commit) = commit {
            for listener in lock(&self.0.listeners).iter() {
                listener(&commit);
            }
        }
        Ok(result)
    }

    /// Calls `listener` after every commit of this process that changed something.
    pub fn on_commit(&self, listener: impl Fn(&Commit) + Send + Sync + 'static) {
        lock(&self.0.listeners).push(Box::new(listener));
    }

    /// A number that changes whenever another connection, of this process or another one, commits.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        // Asked of the writer's own connection, so that only other processes' commits move it.
        let writer = lock(&self.0.writer);
        Ok(writer.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Writes one state of the library to a file that must not be there yet, checked by SQLite and synced. Writers go on
    /// meanwhile.
    pub fn copy_to(&self, to: &Path) -> Result<(), StoreError> {
        // Not one of the pool: those may write nothing, not even another file.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        migrate::copy_checked(&connection, to)
    }

    /// Runs SQLite's own check of the whole file; an empty answer is a sound file.
    pub fn integrity_problems(&self) -> Result<Vec<String>, StoreError> {
        let reader = self.read()?;
        let mut problems = Vec::new();
        for pragma in ["pragma integrity_check", "pragma foreign_key_check"] {
            let mut statement = reader.connection().prepare(pragma)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text = row.get::<_, String>(0)?;
                if text != "ok" {
                    problems.push(text);
                }
            }
        }
        Ok(problems)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic inside a transaction has rolled it back; the connection itself is still sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    keep_statements(connection)
}

/// Statements stay compiled between their uses. Without stable query plans SQLite would look at each bound value once more
/// and compile every `x = ?` anew at each use: a quarter of all work of a first sync.
fn keep_statements(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn prepare_reader(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    keep_statements(connection)
}

/// A read-only connection from the pool.
pub struct Reader {
    connection: Option<Connection>,
    store: Store,
}

impl Reader {
    pub(crate) fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a reader holds its connection until it is dropped")
    }

    /// Runs `look` on one unchanging state of the library, however many statements it takes.
    pub fn snapshot<T, E: From<StoreError>>(&self, look: impl FnOnce(&Reader) -> Result<T, E>) -> Result<T, E> {
        self.connection().execute_batch("begin").map_err(|error| E::from(error.into()))?;
        let result = look(self);
        let ended = self.connection().execute_batch("rollback").map_err(|error| E::from(error.into()));
        let value = result?;
        ended?;
        Ok(value)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut readers = lock(&self.store.0.readers);
        if readers.len() < READERS_KEPT && connection.is_autocommit() {
            readers.push(connection);
        }
    }
}
