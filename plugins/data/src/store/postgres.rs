//! PostgreSQL: a pool of connections, units as transactions, reads from the primary or from replicas.
//!
//! Everything lies in one schema of the database: the tables of objects, the store's own, and the types and functions that
//! make PostgreSQL answer what SQLite answers. Other programs, and other hosts, may use the same database at the same time.
//! Connections are made by this plugin's runtime and closed by [`PostgresStore::close`]; no task outlives it.

mod announce;
mod connection;
mod conversion;
mod lock;
mod numeric;
mod own;
mod pool;
mod reckoning;
mod schema;
mod shape;
mod value;
mod words;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use objectos_plugin_api::contracts::events::ChangedRecord;
use parking_lot::RwLock;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use self::announce::Announcer;
use self::pool::Pool;
use self::writer::Writer;
use super::waiting::HoldRights;
use super::{
    BoxFuture, Dialect, Heard, HoldRight, Outcome, PostgresDialect, Probe, Reader, Statement, Store, StoreLock,
    StoreStatus, WriteUnit,
};
use crate::error::{DataError, Result};
use crate::schema::{DatabaseShape, SchemaStep};

/// Texts of statements that each connection keeps prepared.
const STATEMENTS_CACHED: usize = 256;
/// Of all connections to the primary, the part that writes.
const WRITERS_PART: usize = 4;

/// How to reach a database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`; further parameters as `libpq` has them (`sslmode`, `sslrootcert`, …).
    pub url: String,
    /// Other servers that hold the same, a moment later; read from when nothing is about to be written.
    pub replicas: Vec<String>,
    /// How far the replicas may be behind, milliseconds.
    pub replica_lag_ms: u64,
    /// The schema that holds everything; made when it is not there. `None` is the first of the search path.
    pub schema: Option<String>,
    /// Connections to the primary at most, at least 4; to each replica as many.
    pub pool_size: usize,
    /// How long to wait for a connection: for one to come free while all are in use, and for a new one to be made.
    pub connect_timeout: Duration,
    /// How long one statement may run.
    pub query_timeout: Duration,
    /// Makes calls fail, in tests.
    pub probe: Option<Arc<dyn Probe>>,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("replicas", &self.replicas.len())
            .finish_non_exhaustive()
    }
}

impl PostgresOptions {
    /// A database with everything else as by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            replicas: Vec::new(),
            replica_lag_ms: 1_000,
            schema: None,
            pool_size: 100,
            connect_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(30),
            probe: None,
        }
    }

    fn connect_options(&self, url: &str) -> Result<PgConnectOptions> {
        let options = PgConnectOptions::from_str(url).map_err(|error| DataError::Configuration {
            // The error does not repeat the address.
            message: format!("the address of the PostgreSQL database cannot be read: {error}"),
        })?;
        Ok(options
            .application_name("objectos")
            .statement_cache_capacity(STATEMENTS_CACHED)
            .disable_statement_logging())
    }

    /// What every session is told at its begin.
    fn session_settings(&self, reads_only: bool) -> String {
        let mut settings = format!(
            "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = '5min'; SET TimeZone = 'UTC'; \
             SET DateStyle = 'ISO'; SET standard_conforming_strings = on; SET client_min_messages = warning; SET jit = off",
            self.query_timeout.as_millis()
        );
        if let Some(schema) = &self.schema {
            // Extensions are usually in `public`.
            settings.push_str("; SET search_path = ");
            PostgresDialect.name(&mut settings, schema);
            // For whoever looks at the sessions of the server.
            settings.push_str(&format!(
                ", public; SET application_name = 'objectos {}'",
                schema.replace('\'', "''")
            ));
        }
        settings.push_str(&unless_set("random_page_cost", "1.1"));
        if reads_only {
            settings.push_str("; SET default_transaction_read_only = on");
            settings.push_str(&unless_set("plan_cache_mode", "force_custom_plan"));
        }
        settings
    }
}

/// A setting for the session, where no operator set it for the server, the database, the role or the address.
///
/// As the server comes, it reckons with a disk that turns, and sorts the end of a range rather than walk its index. And from the
/// sixth time on it may take one plan for all values of a statement: one for a filter that it takes to let a third through, which
/// walks the whole table where the values let through a handful.
fn unless_set(name: &str, value: &str) -> String {
    format!("; SELECT set_config(name, '{value}', false) FROM pg_settings WHERE name = '{name}' AND source = 'default'")
}

/// A PostgreSQL database.
pub struct PostgresStore {
    readers: Pool,
    replicas: Vec<Pool>,
    /// For the primary and its replicas together: whichever of them is reached in the end, a quarter of its connections stays free.
    rights: HoldRights,
    next_replica: AtomicUsize,
    replica_lag_ms: u64,
    writers: Pool,
    writer: Writer,
    announcer: Announcer,
    /// Tables whose rows lie in several.
    scattered: RwLock<BTreeSet<String>>,
    open: AtomicBool,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects and makes the store's own tables. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// `Configuration` for an address that is none, `Database` when the server cannot be reached or is too old.
    pub async fn open(options: PostgresOptions) -> Result<Self> {
        let options = Arc::new(options);
        let size = options.pool_size.max(4);
        let writing = (size / WRITERS_PART).max(2);
        let writers = Pool::new(&options, &options.url, false, writing);
        own::make(&mut writers.lease().await?, options.schema.as_deref()).await?;
        let replica = |url: &String| Pool::new(&options, url, true, size);
        Ok(Self {
            readers: Pool::new(&options, &options.url, true, size - writing),
            replicas: options.replicas.iter().map(replica).collect(),
            rights: HoldRights::new(size - writing, options.connect_timeout),
            next_replica: AtomicUsize::new(0),
            replica_lag_ms: if options.replicas.is_empty() {
                0
            } else {
                options.replica_lag_ms
            },
            writer: Writer::new(writers.clone()),
            announcer: Announcer::new(Arc::clone(&options), writers.clone()),
            writers,
            scattered: RwLock::default(),
            open: AtomicBool::new(true),
        })
    }

    /// A connection to one of the replicas, each in its turn; to the primary when none can be reached.
    async fn replica(&self) -> Result<Box<dyn Reader>> {
        let count = self.replicas.len();
        let first = self.next_replica.fetch_add(1, Ordering::Relaxed);
        for offset in 0..count {
            match self.replicas[(first.wrapping_add(offset)) % count].lease().await {
                Ok(lease) => return Ok(Box::new(lease)),
                Err(DataError::StoreClosed) => return Err(DataError::StoreClosed),
                Err(error) => tracing::warn!(error = %error, "no connection to a replica of the database"),
            }
        }
        Ok(Box::new(self.readers.lease().await?))
    }

    /// What is known of tables whose rows lie in several, under the names that these will have.
    fn rename_scattered(&self, steps: &[SchemaStep]) {
        let mut scattered = self.scattered.write();
        for step in steps {
            if let SchemaStep::RenameTable { from, to } = step
                && scattered.contains(from)
            {
                scattered.insert(to.clone());
            }
        }
    }
}

impl Store for PostgresStore {
    fn dialect(&self) -> &'static dyn Dialect {
        &PostgresDialect
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        Box::pin(async { Ok(Box::new(self.readers.lease().await?) as Box<dyn Reader>) })
    }

    fn replica_reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        if self.replicas.is_empty() {
            return self.reader();
        }
        Box::pin(self.replica())
    }

    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>> {
        Box::pin(self.rights.take())
    }

    fn replica_lag_ms(&self) -> u64 {
        self.replica_lag_ms
    }

    fn lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Box<dyn StoreLock>>> {
        Box::pin(
            async move { Ok(Box::new(lock::take(self.writers.lease().await?, name).await?) as Box<dyn StoreLock>) },
        )
    }

    fn announcement(&self, records: Vec<ChangedRecord>) -> Option<Statement> {
        Some(self.announcer.statement(records))
    }

    fn listen<'a>(&'a self, heard: &'a Heard) -> BoxFuture<'a, ()> {
        Box::pin(self.announcer.listen(heard))
    }

    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(self.writer.write(unit))
    }

    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>> {
        Box::pin(async {
            let shape = shape::read_shape(&mut self.readers.lease().await?).await?;
            let scattered = shape.tables.iter().filter(|(_, table)| table.scattered);
            *self.scattered.write() = scattered.map(|(name, _)| name.clone()).collect();
            Ok(shape)
        })
    }

    fn scattered(&self, table: &str) -> bool {
        self.scattered.read().contains(table)
    }

    fn change_schema(&self, steps: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>> {
        let unit = WriteUnit::default();
        Box::pin(async move {
            self.rename_scattered(&steps);
            let mut lease = self.writers.lease().await?;
            schema::change(&mut lease, &steps, &unit).await.map(drop)
        })
    }

    fn change_schema_with(&self, steps: Vec<SchemaStep>, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(async move {
            self.rename_scattered(&steps);
            let mut lease = self.writers.lease().await?;
            schema::change(&mut lease, &steps, &unit).await
        })
    }

    fn shared(&self) -> bool {
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.open.store(false, Ordering::Release);
            self.rights.close();
            self.writers.close().await;
            self.readers.close().await;
            for replica in &self.replicas {
                replica.close().await;
            }
        })
    }

    fn status(&self) -> StoreStatus {
        let (readers, readers_idle) = self.readers.counts();
        let commits = self.writer.commits();
        StoreStatus {
            readers,
            readers_idle,
            commits,
            units: commits,
            open: self.open.load(Ordering::Acquire),
        }
    }
}
