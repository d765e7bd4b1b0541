//! One connection: runs SQL, tells rows and ends of statements, and keeps to a deadline.

mod held;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Decode, Either, Executor, Row as _, TypeInfo, ValueRef};

use super::SqliteOptions;
use crate::error::{DataError, Result};
pub(super) use crate::store::failure::Failure;
use crate::store::{Cell, Fault, Probe, Row, SqlValue, StorageCall};

/// Steps of SQLite's machine between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// How often a reader that has nothing to read lets others go first before it sleeps until it is woken.
const TURNS_AWAKE_MAX: u32 = 24;

/// What a run tells, in order.
pub(super) enum Seen<'a> {
    /// A row of the statement that runs.
    Row(&'a dyn Row),
    /// A statement has ended.
    Done {
        /// Rows it changed.
        changed: u64,
    },
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    inner: SqliteConnection,
    deadline: Arc<Deadline>,
    probe: Option<Arc<dyn Probe>>,
    /// A transaction that keeps one state for all reads was begun, and nobody knows that it has ended.
    holds: bool,
    broken: bool,
}

#[derive(Debug)]
struct Deadline {
    started: Instant,
    /// Milliseconds after `started`; `u64::MAX` is never.
    at_ms: AtomicU64,
}

impl Deadline {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    fn passed(&self) -> bool {
        self.elapsed_ms() >= self.at_ms.load(Ordering::Relaxed)
    }
}

impl Connection {
    /// Opens the file.
    pub(super) async fn open(options: &SqliteOptions, reads_only: bool) -> Result<Self> {
        let failed = |source: sqlx::Error| DataError::Database {
            doing: "be opened",
            source: source.into(),
        };
        let mut connect = options.connect_options();
        if reads_only {
            connect = connect.pragma("query_only", "ON");
        }
        let mut inner = connect.connect().await.map_err(failed)?;
        let deadline = Arc::new(Deadline {
            started: Instant::now(),
            at_ms: AtomicU64::new(u64::MAX),
        });
        let seen = Arc::clone(&deadline);
        inner
            .lock_handle()
            .await
            .map_err(failed)?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || !seen.passed());
        Ok(Self {
            inner,
            deadline,
            probe: options.probe.clone(),
            holds: false,
            broken: false,
        })
    }

    /// Statements are interrupted after this time; `None` is never.
    pub(super) fn set_limit(&self, limit: Option<Duration>) {
        let at = limit.map_or(u64::MAX, |limit| {
            self.deadline
                .elapsed_ms()
                .saturating_add(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX - 1))
        });
        self.deadline.at_ms.store(at, Ordering::Relaxed);
    }

    /// May be used again.
    pub(super) fn sound(&self) -> bool {
        !self.broken
    }

    /// Runs one or several statements; `keep` keeps them prepared under their text.
    pub(super) async fn run<'v>(
        &mut self,
        call: StorageCall,
        sql: Arc<str>,
        values: impl IntoIterator<Item = &'v SqlValue>,
        keep: bool,
        each: &mut (dyn FnMut(Seen<'_>) + Send),
    ) -> Result<(), Failure> {
        let fault = self.probe.as_ref().and_then(|probe| probe.call(call));
        if fault == Some(Fault::Before) {
            return Err(self.injected());
        }
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments(values).map_err(Failure::Refused)?).persistent(keep);
        let mut stream = self.inner.fetch_many(query);
        let mut turns_awake = 0;
        while let Some(item) = next(&mut stream, turns_awake).await {
            turns_awake = TURNS_AWAKE_MAX;
            match item {
                Ok(Either::Left(done)) => each(Seen::Done {
                    changed: done.rows_affected(),
                }),
                Ok(Either::Right(row)) => each(Seen::Row(&SqliteCells(row))),
                Err(error) => {
                    drop(stream);
                    return Err(self.failure(error));
                }
            }
        }
        drop(stream);
        if fault == Some(Fault::After) {
            return Err(self.injected());
        }
        Ok(())
    }

    /// Reads at most one row.
    pub(super) async fn run_single<'v>(
        &mut self,
        sql: Arc<str>,
        values: impl IntoIterator<Item = &'v SqlValue>,
        each: &mut (dyn FnMut(&dyn Row) + Send),
    ) -> Result<(), Failure> {
        if self
            .probe
            .as_ref()
            .and_then(|probe| probe.call(StorageCall::Read))
            .is_some()
        {
            return Err(self.injected());
        }
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments(values).map_err(Failure::Refused)?);
        match self.inner.fetch_optional(query).await {
            Ok(Some(row)) => {
                each(&SqliteCells(row));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Closes the connection; its thread has ended with the database closed when this returns.
    pub(super) async fn close(self) {
        if let Err(error) = self.inner.close().await {
            tracing::warn!(error = %error, "a database connection did not close");
        }
    }

    /// As if the line to the database had failed: nothing is known about the state of the connection.
    fn injected(&mut self) -> Failure {
        self.broken = true;
        Failure::Broken("a fault was injected".into())
    }

    fn failure(&mut self, error: sqlx::Error) -> Failure {
        let sqlx::Error::Database(database) = &error else {
            self.broken = true;
            return Failure::Broken(error.into());
        };
        if database.is_unique_violation() {
            let (columns, index) = unique_parts(database.message());
            return Failure::Unique { columns, index };
        }
        let code = database
            .code()
            .and_then(|code| code.parse::<i64>().ok())
            .unwrap_or_default();
        // The low byte of an extended code is the class: 5 busy, 6 locked, 9 interrupted, 19 constraint.
        match code & 0xff {
            5 | 6 => Failure::Conflict(error),
            9 => Failure::Interrupted,
            19 => Failure::Constraint {
                message: database.message().to_owned(),
            },
            _ => Failure::Refused(error),
        }
    }
}

/// The next item. The thread of the database hands over each row and each end of a statement by itself, microseconds apart: to be
/// woken for every one costs more than to make them. So once the first is there, whoever reads stays awake for a few turns of
/// its executor, and sleeps only when nothing came.
async fn next<S: Stream + Unpin>(stream: &mut S, mut turns_awake: u32) -> Option<S::Item> {
    poll_fn(|task| {
        if turns_awake == 0 {
            return stream.poll_next_unpin(task);
        }
        let polled = stream.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            turns_awake -= 1;
            task.waker().wake_by_ref();
        }
        polled
    })
    .await
}

/// `UNIQUE constraint failed: t.a, t.b` names columns, `… failed: index 'x'` an index.
fn unique_parts(message: &str) -> (Vec<String>, Option<String>) {
    let Some((_, list)) = message.split_once("failed: ") else {
        return (Vec::new(), None);
    };
    if let Some(index) = list.strip_prefix("index '") {
        return (Vec::new(), Some(index.trim_end_matches('\'').to_owned()));
    }
    let column = |part: &str| part.rsplit('.').next().unwrap_or_default().to_owned();
    (list.split(", ").map(column).collect(), None)
}

/// Copies the values, each text once: the thread of the database reads them when it comes to it.
fn arguments<'v>(values: impl IntoIterator<Item = &'v SqlValue>) -> Result<SqliteArguments, sqlx::Error> {
    use sqlx::Arguments as _;
    let values = values.into_iter();
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.size_hint().0, 0);
    for value in values {
        match value {
            SqlValue::Null => arguments.add(None::<i64>),
            SqlValue::Boolean(boolean) => arguments.add(i64::from(*boolean)),
            SqlValue::Integer(integer) => arguments.add(*integer),
            SqlValue::Real(real) => arguments.add(*real),
            SqlValue::Text(text) | SqlValue::Json(text) => arguments.add(Arc::<str>::from(text.as_str())),
            SqlValue::SharedText(text) | SqlValue::SharedJson(text) => arguments.add(Arc::clone(text)),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

struct SqliteCells(SqliteRow);

impl Row for SqliteCells {
    fn cell(&self, index: usize) -> Cell<'_> {
        let Ok(value) = self.0.try_get_raw(index) else {
            return Cell::Null;
        };
        if value.is_null() {
            return Cell::Null;
        }
        let kind = value.type_info();
        match kind.name() {
            "INTEGER" => <i64 as Decode<'_, sqlx::Sqlite>>::decode(value).map_or(Cell::Null, Cell::Integer),
            "REAL" => <f64 as Decode<'_, sqlx::Sqlite>>::decode(value).map_or(Cell::Null, Cell::Real),
            // A blob, or text that is not UTF-8, is of a foreign hand: this platform writes neither.
            _ => <&str as Decode<'_, sqlx::Sqlite>>::decode(value).map_or(Cell::Null, Cell::Text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unique_parts;

    #[test]
    fn a_unique_violation_names_columns_or_an_index() {
        let check = |message: &str, columns: &[&str], index: Option<&str>| {
            let (found, found_index) = unique_parts(message);
            assert_eq!(found, columns, "{message}");
            assert_eq!(found_index.as_deref(), index, "{message}");
        };
        check("UNIQUE constraint failed: account.name", &["name"], None);
        check("UNIQUE constraint failed: account.a, account.b", &["a", "b"], None);
        check(
            "UNIQUE constraint failed: index 'account_lower'",
            &[],
            Some("account_lower"),
        );
        check("something else", &[], None);
    }
}
