//! Which database the suite runs on. Every test of the engine runs on each: on SQLite as it is, on PostgreSQL when
//! `OBJECTOS_TEST_DRIVER=postgres` says so. `drivers` runs the suite a second time that way and holds the answers together.

#[path = "../../../../tests/src/postgres.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is a module of a library")]
mod server;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use objectos_data::store::{PostgresOptions, PostgresStore, Probe, SqliteOptions, SqliteStore, Store};
use sqlx::{AssertSqlSafe, Connection as _};

/// Says on which driver to run.
pub(crate) const DRIVER: &str = "OBJECTOS_TEST_DRIVER";
/// A folder for what the engine answers, one file for each test.
pub(crate) const TRANSCRIPTS: &str = "OBJECTOS_TEST_TRANSCRIPTS";
/// Names the server.
pub(crate) use server::VARIABLE as SERVER;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    Sqlite,
    Postgres,
}

pub(crate) fn driver() -> Driver {
    match std::env::var(DRIVER).as_deref() {
        Ok("postgres") => Driver::Postgres,
        _ => Driver::Sqlite,
    }
}

/// How many of so many connections may be held over several statements at a time.
pub(crate) fn held_most(readers: usize) -> usize {
    (readers * 3 / 4).max(1)
}

/// The server; `None` after saying so where none is installed. In continuous integration there must be one.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
pub(crate) fn postgres() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    static STARTED: OnceLock<server::Server> = OnceLock::new();
    let url = URL.get_or_init(|| {
        if let Ok(url) = std::env::var(SERVER) {
            return Some(url);
        }
        match server::Server::start() {
            Ok(server) => Some(STARTED.get_or_init(|| server).url().to_owned()),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "PostgreSQL is needed: {reason}");
                eprintln!("SKIPPED: nothing is tried on PostgreSQL, for {reason}");
                None
            }
        }
    });
    url.as_deref()
}

/// Where the records of a test lie: a folder, or a schema that goes when the test ends.
#[derive(Debug)]
pub(crate) struct Place {
    folder: tempfile::TempDir,
    schema: Option<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::on(driver())
    }

    pub(crate) fn on(driver: Driver) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            schema: (driver == Driver::Postgres).then(schema_name),
        }
    }

    /// The same records, seen by somebody else; what was first takes them along when it goes.
    pub(crate) fn beside(&self) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            schema: self.schema.clone(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How the plugin is told of it: its section `database`.
    pub(crate) fn config(&self) -> serde_json::Value {
        match &self.schema {
            None => {
                let file = self.folder.path().join("data.db");
                serde_json::json!({ "url": format!("sqlite:{}", file.display()) })
            }
            Some(schema) => {
                serde_json::json!({ "url": postgres().expect("a server"), "schema": schema, "poolSize": 4 })
            }
        }
    }

    pub(crate) async fn open(&self, probe: Option<Arc<dyn Probe>>) -> Arc<dyn Store> {
        self.open_with(probe, Duration::from_secs(30)).await
    }

    pub(crate) async fn open_with(&self, probe: Option<Arc<dyn Probe>>, query_timeout: Duration) -> Arc<dyn Store> {
        self.open_within(probe, query_timeout, Duration::from_secs(10)).await
    }

    /// With as few connections for reading as there may be: one on SQLite, two on PostgreSQL.
    pub(crate) async fn open_narrow(&self) -> Arc<dyn Store> {
        match &self.schema {
            None => {
                let options = SqliteOptions {
                    readers: 1,
                    ..SqliteOptions::new(self.folder.path().join("data.db"))
                };
                Arc::new(SqliteStore::open(options).await.expect("a store"))
            }
            Some(schema) => {
                let options = PostgresOptions {
                    schema: Some(schema.clone()),
                    pool_size: 4,
                    ..PostgresOptions::new(postgres().expect("a server"))
                };
                Arc::new(PostgresStore::open(options).await.expect("a store"))
            }
        }
    }

    pub(crate) async fn open_within(
        &self,
        probe: Option<Arc<dyn Probe>>,
        query_timeout: Duration,
        connect_timeout: Duration,
    ) -> Arc<dyn Store> {
        match &self.schema {
            None => {
                let options = SqliteOptions {
                    probe,
                    query_timeout,
                    connect_timeout,
                    ..SqliteOptions::new(self.folder.path().join("data.db"))
                };
                Arc::new(SqliteStore::open(options).await.expect("a store"))
            }
            Some(schema) => {
                let options = PostgresOptions {
                    schema: Some(schema.clone()),
                    pool_size: 16,
                    probe,
                    query_timeout,
                    connect_timeout,
                    ..PostgresOptions::new(postgres().expect("a server"))
                };
                Arc::new(PostgresStore::open(options).await.expect("a store"))
            }
        }
    }
}

pub(crate) fn schema_name() -> String {
    let mut name = String::from("test_");
    let _ = write!(name, "{:032x}", rand::random::<u128>());
    name
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Some(schema), Some(url)) = (self.schema.take(), postgres()) {
            drop_schema(url, &schema);
        }
    }
}

/// Best effort, in a thread of its own: a test may end inside of a runtime.
pub(crate) fn drop_schema(url: &'static str, schema: &str) {
    let sql = format!("SET lock_timeout = '2s'; DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            if let Ok(mut connection) = sqlx::PgConnection::connect(url).await {
                drop(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await);
                drop(connection.close().await);
            }
        });
    });
    drop(ended.join());
}

/// Writes down what the test that runs was answered, when somebody wants to know. On the thread of the test alone: what others
/// do beside it comes in an order of its own.
pub(crate) fn record(answer: impl FnOnce() -> Vec<u8>) {
    use std::io::Write as _;
    let Some(folder) = std::env::var_os(TRANSCRIPTS) else {
        return;
    };
    let thread = std::thread::current();
    let Some(test) = thread.name().filter(|name| name.contains("::")) else {
        return;
    };
    let path = Path::new(&folder).join(test.replace("::", "."));
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("a transcript");
    let mut line = answer();
    line.push(b'\n');
    file.write_all(&line).expect("a transcript");
}
