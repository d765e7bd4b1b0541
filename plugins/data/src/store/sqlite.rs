//! SQLite: one file, one writer, several readers, all in WAL mode.
//!
//! The connections belong to this plugin alone; nobody else in the process may open the file with a copy of SQLite of their
//! own. Each connection is a thread of sqlx. Requests borrow readers from a small pool that takes them back on the spot; writes
//! are handed to one task (`writer`), which lives from [`SqliteStore::open`] to `close`.

mod connection;
mod conversion;
mod pool;
mod rebuild;
mod schema;
mod table_text;
mod words;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use self::connection::Connection;
use self::pool::Pool;
use self::writer::Writer;
use super::waiting::HoldRights;
use super::{BoxFuture, Dialect, HoldRight, Outcome, Probe, Reader, SqliteDialect, Store, StoreStatus, WriteUnit};
use crate::config::Synchronous;
use crate::error::{DataError, Result};
use crate::schema::{DatabaseShape, SchemaStep};

pub(super) use self::words::index_name;

/// Texts of statements that each connection keeps prepared.
const STATEMENTS_CACHED: usize = 512;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file; made when it is not there, with its folder.
    pub path: PathBuf,
    /// When to wait for the disk.
    pub synchronous: Synchronous,
    /// Connections for reading, at least 1.
    pub readers: usize,
    /// How long to wait for a connection while all are in use.
    pub connect_timeout: Duration,
    /// How long to wait for a lock of another program.
    pub busy_timeout: Duration,
    /// How long one query may run.
    pub query_timeout: Duration,
    /// Makes calls fail, in tests.
    pub probe: Option<Arc<dyn Probe>>,
}

impl SqliteOptions {
    /// A file with everything else as by default.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            synchronous: Synchronous::Normal,
            readers: 4,
            connect_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(30),
            probe: None,
        }
    }

    fn connect_options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match self.synchronous {
                Synchronous::Normal => SqliteSynchronous::Normal,
                Synchronous::Full => SqliteSynchronous::Full,
            })
            .busy_timeout(self.busy_timeout)
            // The engine keeps references itself, with hooks and events for what follows from a delete.
            .foreign_keys(false)
            .pragma("temp_store", "MEMORY")
            .statement_cache_capacity(STATEMENTS_CACHED)
            .row_buffer_size(256)
            .disable_statement_logging()
    }
}

/// A SQLite database.
pub struct SqliteStore {
    pool: Pool,
    rights: HoldRights,
    writer: Writer,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, makes the store's own tables, and starts the writer. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// `Database` when the file cannot be made or is no database.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        if let Some(folder) = options.path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| DataError::Database {
                doing: "make its folder",
                source: source.into(),
            })?;
        }
        let options = Arc::new(options);
        let mut connection = Connection::open(&options, false).await?;
        schema::make_own_tables(&mut connection).await?;
        schema::look_for_options(&mut connection).await?;
        let pool = Pool::open(Arc::clone(&options)).await?;
        Ok(Self {
            pool,
            rights: HoldRights::new(options.readers, options.connect_timeout),
            writer: Writer::start(connection, options),
        })
    }
}

impl Store for SqliteStore {
    fn dialect(&self) -> &'static dyn Dialect {
        &SqliteDialect
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        Box::pin(async { Ok(Box::new(self.pool.lease().await?) as Box<dyn Reader>) })
    }

    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>> {
        Box::pin(self.rights.take())
    }

    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(self.writer.write(unit))
    }

    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>> {
        Box::pin(async { schema::read_shape(&mut self.pool.lease().await?).await })
    }

    fn change_schema(&self, steps: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.writer.change_schema(steps, WriteUnit::default()).await.map(drop) })
    }

    fn change_schema_with(&self, steps: Vec<SchemaStep>, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(self.writer.change_schema(steps, unit))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.rights.close();
            // The writer last: the connection that closes last folds the log into the file.
            self.pool.close().await;
            self.writer.close().await;
        })
    }

    fn status(&self) -> StoreStatus {
        let (readers, readers_idle) = self.pool.counts();
        let (commits, units, open) = self.writer.counts();
        StoreStatus {
            readers,
            readers_idle,
            commits,
            units,
            open,
        }
    }
}

#[cfg(test)]
mod tests;
