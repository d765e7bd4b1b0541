//! Stores units: each in a transaction of its own, on a connection of its own, many at the same time.
//!
//! A unit says what it relies on, so it may be run again as it is whenever PostgreSQL gave it up for another's sake. Units that
//! only change rows which are as they were read need no more than row locks: whoever waited for one looks at the row again.
//! Units that look for rows that must not be there (a reference that points to nothing, a record that depends on a deleted
//! one) run serializable, since no lock holds what is not there yet. Mixed, the two are as good as serial: a unit of the first
//! kind reads no row that it does not write, and what is looked for by more than the fields of an index (values that a rule keeps
//! unique within a scope) is written by `serial` units alone: a row that another unit changed in between is not one that a look
//! through an index has seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::connection::{Connection, Failure};
use super::pool::{Lease, Pool};
use crate::error::{DataError, Result};
use crate::store::{Expect, Outcome, Refusal, Step, StorageCall, WriteUnit};

/// How often a unit is run again because of others. Each time at least one of those that collide gets through.
const ATTEMPTS_MAX: u32 = 200;
/// Longest pause before another attempt, milliseconds.
const PAUSE_MAX_MS: u64 = 50;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_SERIALIZABLE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";

#[derive(Debug, Default)]
pub(super) struct Counters {
    commits: AtomicU64,
}

/// What the tasks that store units share.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pool: Pool,
    counters: Arc<Counters>,
}

impl Writer {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            pool,
            counters: Arc::default(),
        }
    }

    /// Stores a unit. In a task, so that a caller that goes away does not stop it half way.
    pub(super) async fn write(&self, unit: WriteUnit) -> Result<Outcome> {
        if unit.steps.is_empty() {
            return Ok(Outcome::Stored(Vec::new()));
        }
        let lease = self.pool.lease().await?;
        let counters = Arc::clone(&self.counters);
        let stored = tokio::spawn(async move { store(lease, &unit, &counters).await });
        stored.await.map_err(|_| DataError::Database {
            doing: "say what became of a change",
            source: "the task that stored it has ended".into(),
        })?
    }

    /// Transactions, each with one unit.
    pub(super) fn commits(&self) -> u64 {
        self.counters.commits.load(Ordering::Relaxed)
    }
}

async fn store(mut lease: Lease, unit: &WriteUnit, counters: &Counters) -> Result<Outcome> {
    let guarded = unit.serial || unit.steps.iter().any(|step| step.expect == Expect::NoRow);
    let begin = if guarded { BEGIN_SERIALIZABLE } else { BEGIN };
    let mut attempt = 0;
    loop {
        let connection = lease.connection().await?;
        match connection.plain(StorageCall::Begin, begin).await {
            Ok(()) => {}
            Err(failure) if lease.again(&failure) => continue,
            Err(failure) => return Err(failure.into_error("begin a change")),
        }
        let failure = match run(connection, &unit.steps).await {
            Ok(outcome) if unit.trial => {
                give_up(connection).await;
                return Ok(outcome);
            }
            Ok(Outcome::Stored(numbers)) => match connection.plain(StorageCall::Commit, "COMMIT").await {
                Ok(()) => {
                    counters.commits.fetch_add(1, Ordering::Relaxed);
                    return Ok(Outcome::Stored(numbers));
                }
                // Given up at the last moment: nothing is stored.
                Err(failure @ Failure::Conflict(_)) => failure,
                Err(failure) => return Err(failure.into_error("commit a change")),
            },
            Ok(refused) => {
                give_up(connection).await;
                return Ok(refused);
            }
            Err(failure) => {
                give_up(connection).await;
                failure
            }
        };
        attempt += 1;
        match failure {
            Failure::Conflict(_) if attempt < ATTEMPTS_MAX => pause(attempt).await,
            Failure::Stale(_) if attempt == 1 => connection.forget_statements().await,
            failure => return Err(failure.into_error("store a change")),
        }
    }
}

/// The steps in their order, until one does not find what it expects.
pub(super) async fn run(connection: &mut Connection, steps: &[Step]) -> Result<Outcome, Failure> {
    let mut numbers = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let mut rows: u64 = 0;
        let ran = connection
            .run(
                StorageCall::Unit,
                &step.statement.sql,
                &step.statement.values,
                &mut |row| {
                    rows += 1;
                    if step.expect == Expect::Numbers {
                        numbers.extend(row.cell(0).as_integer());
                    }
                },
            )
            .await;
        let changed = match ran {
            Ok(changed) => changed,
            Err(Failure::Unique { columns, index: name }) => {
                return Ok(Outcome::Refused(Refusal::Unique {
                    step: index,
                    columns,
                    index: name,
                }));
            }
            Err(Failure::TooLong { index: name }) => {
                return Ok(Outcome::Refused(Refusal::TooLong {
                    step: index,
                    index: name,
                }));
            }
            Err(Failure::Constraint { message }) => {
                return Ok(Outcome::Refused(Refusal::Constraint { step: index, message }));
            }
            Err(failure) => return Err(failure),
        };
        let met = match step.expect {
            Expect::Anything | Expect::Numbers => true,
            Expect::Changed(expected) => changed == expected,
            Expect::NoRow => rows == 0,
        };
        if !met {
            return Ok(Outcome::Refused(Refusal::Unmet { step: index }));
        }
    }
    Ok(Outcome::Stored(numbers))
}

/// Ends a transaction without storing it. When even that fails, the connection goes, and with it what it held.
async fn give_up(connection: &mut Connection) {
    if connection.sound()
        && let Err(failure) = connection.plain(StorageCall::Rollback, "ROLLBACK").await
    {
        tracing::debug!(failure = ?failure, "a transaction could not be given up");
    }
}

/// Those that collided do not come back at the same moment.
async fn pause(attempt: u32) {
    let longest = 1_u64
        .checked_shl(attempt.min(16))
        .unwrap_or(PAUSE_MAX_MS)
        .min(PAUSE_MAX_MS);
    let pause_ms = rand::random::<u64>() % longest;
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
}
