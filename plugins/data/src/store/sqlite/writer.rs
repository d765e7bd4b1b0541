//! The one writer: a task that owns the one connection that writes.
//!
//! It takes all units that wait, up to a limit, runs each behind a savepoint in one `BEGIN IMMEDIATE` transaction, commits
//! once and answers all: at `synchronous=FULL` the whole group pays for one wait for the disk. Neighbours of one kind share a
//! savepoint and a way to the database; when one of them is refused, each gets its own. A unit that the database
//! refuses goes back to its savepoint and costs nobody else anything. Any other failure ends the transaction, and each unit
//! is tried in one of its own, so that a unit never pays for another's. `BEGIN IMMEDIATE` takes the lock before anything is
//! read: a transaction that read first and wrote later would be refused without waiting.

mod unit;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connection::{Connection, Failure};
use super::{SqliteOptions, schema};
use crate::error::{DataError, Result};
use crate::schema::SchemaStep;
use crate::store::{Outcome, StorageCall, WriteUnit};

/// Units of one transaction at most: bounds how long the first of them waits for the others.
const GROUP_MAX: usize = 256;
/// Jobs that may wait before callers wait to hand theirs over.
const WAITING_MAX: usize = 4_096;
/// How the first unit of a transaction begins.
const FIRST: &str = "SAVEPOINT unit";
/// How the next one does: the end of the one before goes along, and that of the last with the commit.
const NEXT: &str = "RELEASE unit;SAVEPOINT unit";
/// Between two attempts to get a lock that SQLite does not wait for.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
enum Job {
    Unit(Waiting),
    Schema {
        steps: Vec<SchemaStep>,
        /// Stored in the same transaction.
        unit: WriteUnit,
        answer: oneshot::Sender<Result<Outcome>>,
    },
}

#[derive(Debug)]
struct Waiting {
    unit: WriteUnit,
    answer: oneshot::Sender<Result<Outcome>>,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    units: AtomicU64,
}

/// The line to the task.
#[derive(Debug)]
pub(super) struct Writer {
    sender: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(super) fn start(connection: Connection, options: Arc<SqliteOptions>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let work = Work {
            connection: Some(connection),
            options,
            counters: Arc::clone(&counters),
        };
        let task = tokio::spawn(work.run(receiver));
        Self {
            sender: Mutex::new(Some(sender)),
            task: Mutex::new(Some(task)),
            counters,
        }
    }

    pub(super) async fn write(&self, unit: WriteUnit) -> Result<Outcome> {
        if unit.steps.is_empty() {
            return Ok(Outcome::Stored(Vec::new()));
        }
        let (answer, answered) = oneshot::channel();
        self.hand_over(Job::Unit(Waiting { unit, answer })).await?;
        answered.await.map_err(|_| writer_gone())?
    }

    /// Changes tables and stores a unit, in one transaction.
    pub(super) async fn change_schema(&self, steps: Vec<SchemaStep>, unit: WriteUnit) -> Result<Outcome> {
        let (answer, answered) = oneshot::channel();
        self.hand_over(Job::Schema { steps, unit, answer }).await?;
        answered.await.map_err(|_| writer_gone())?
    }

    async fn hand_over(&self, job: Job) -> Result<()> {
        let sender = self.sender.lock().clone().ok_or(DataError::StoreClosed)?;
        sender.send(job).await.map_err(|_| DataError::StoreClosed)
    }

    pub(super) async fn close(&self) {
        drop(self.sender.lock().take());
        let task = self.task.lock().take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the database writer ended with a panic");
        }
    }

    /// Transactions, units, and whether it takes more.
    pub(super) fn counts(&self) -> (u64, u64, bool) {
        let open = self.sender.lock().is_some();
        (
            self.counters.commits.load(Ordering::Relaxed),
            self.counters.units.load(Ordering::Relaxed),
            open,
        )
    }
}

/// The task took the job and went away: whether it was stored is not known.
fn writer_gone() -> DataError {
    DataError::Database {
        doing: "say what became of a change",
        source: "the writer has ended".into(),
    }
}

/// The task's own.
struct Work {
    /// `None` after a failure that left nothing usable, until the next job opens another.
    connection: Option<Connection>,
    options: Arc<SqliteOptions>,
    counters: Arc<Counters>,
}

impl Work {
    async fn run(mut self, mut receiver: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(GROUP_MAX);
        while receiver.recv_many(&mut jobs, GROUP_MAX).await > 0 {
            let mut group = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    Job::Unit(waiting) => group.push(waiting),
                    Job::Schema { steps, unit, answer } => {
                        self.group(std::mem::take(&mut group)).await;
                        drop(answer.send(self.schema(&steps, &unit).await));
                    }
                }
            }
            self.group(group).await;
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    async fn group(&mut self, mut group: Vec<Waiting>) {
        if group.len() > 1 {
            match self.together(&group).await {
                Ok(outcomes) => {
                    for (waiting, outcome) in group.into_iter().zip(outcomes) {
                        drop(waiting.answer.send(Ok(outcome)));
                    }
                    return;
                }
                Err(GroupFailure::InUnit) => {}
                Err(GroupFailure::Locked) => {
                    // They waited together; one after the other they would wait for as many times as long.
                    for waiting in group {
                        drop(waiting.answer.send(Err(held())));
                    }
                    return;
                }
                Err(GroupFailure::AtCommit(failure)) => {
                    // Each gets its own error: what the database said is told to one, the others learn the same sentence.
                    let mut first = Some(failure.into_error("commit a change"));
                    for waiting in group {
                        let error = first.take().unwrap_or_else(|| DataError::Database {
                            doing: "commit a change",
                            source: "the transaction it shared was given up".into(),
                        });
                        drop(waiting.answer.send(Err(error)));
                    }
                    return;
                }
            }
        }
        for waiting in group.drain(..) {
            let outcome = self.alone(&waiting.unit).await;
            drop(waiting.answer.send(outcome));
        }
    }

    /// Several units in one transaction.
    async fn together(&mut self, group: &[Waiting]) -> Result<Vec<Outcome>, GroupFailure> {
        let mut outcomes = Vec::with_capacity(group.len());
        if let Err(failure) = self.savepoints(group, &mut outcomes).await {
            self.give_up().await;
            return Err(match failure {
                Failure::Conflict(_) => GroupFailure::Locked,
                _ => GroupFailure::InUnit,
            });
        }
        match self.plain(StorageCall::Commit, "COMMIT").await {
            Ok(()) => {
                self.count(group.len());
                Ok(outcomes)
            }
            Err(failure) => {
                self.give_up().await;
                Err(GroupFailure::AtCommit(failure))
            }
        }
    }

    async fn savepoints(&mut self, group: &[Waiting], outcomes: &mut Vec<Outcome>) -> Result<(), Failure> {
        self.plain(StorageCall::Begin, "BEGIN IMMEDIATE").await?;
        let mut begin = FIRST;
        let mut rest = group;
        while !rest.is_empty() {
            let length = unit::of_one_kind(rest.iter().map(|waiting| &waiting.unit));
            let (neighbours, others) = rest.split_at(length);
            rest = others;
            if length > 1 {
                let units: Vec<&WriteUnit> = neighbours.iter().map(|waiting| &waiting.unit).collect();
                if let Some(stored) = unit::run_together(self.connection().await?, begin, &units).await? {
                    outcomes.extend(stored);
                    begin = NEXT;
                    continue;
                }
                begin = self.undo_unit().await?;
            }
            for waiting in neighbours {
                let outcome = unit::run(self.connection().await?, Some(begin), &waiting.unit).await?;
                begin = match outcome {
                    Outcome::Stored(_) if !waiting.unit.trial => NEXT,
                    Outcome::Stored(_) | Outcome::Refused(_) => self.undo_unit().await?,
                };
                outcomes.push(outcome);
            }
        }
        Ok(())
    }

    /// Back to the savepoint; answers how the next unit begins.
    async fn undo_unit(&mut self) -> Result<&'static str, Failure> {
        self.plain(StorageCall::Undo, "ROLLBACK TO unit; RELEASE unit").await?;
        Ok(FIRST)
    }

    /// One unit in a transaction of its own. SQLite waits by itself for most locks of other processes; for those that it does
    /// not wait for, it is tried again until as much time is over.
    async fn alone(&mut self, work: &WriteUnit) -> Result<Outcome> {
        let begun = Instant::now();
        loop {
            let outcome = self.once(work).await;
            if !matches!(outcome, Err(DataError::Locked { .. })) || begun.elapsed() >= self.options.busy_timeout {
                return outcome;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn once(&mut self, work: &WriteUnit) -> Result<Outcome> {
        let connection = match self.connection().await {
            Ok(connection) => connection,
            Err(failure) => return Err(failure.into_error("be opened")),
        };
        match unit::run(connection, Some("BEGIN IMMEDIATE"), work).await {
            Ok(outcome @ Outcome::Stored(_)) if !work.trial => match self.plain(StorageCall::Commit, "COMMIT").await {
                Ok(()) => {
                    self.count(1);
                    Ok(outcome)
                }
                Err(failure) => {
                    self.give_up().await;
                    Err(failure.into_error("commit a change"))
                }
            },
            Ok(refused_or_tried) => {
                self.give_up().await;
                Ok(refused_or_tried)
            }
            Err(failure) => {
                self.give_up().await;
                Err(failure.into_error("store a change"))
            }
        }
    }

    async fn schema(&mut self, steps: &[SchemaStep], work: &WriteUnit) -> Result<Outcome> {
        let connection = self
            .connection()
            .await
            .map_err(|failure| failure.into_error("be opened"))?;
        let changed = match schema::change(connection, steps).await {
            Ok(()) => unit::run(connection, None, work)
                .await
                .map_err(|failure| failure.into_error("store a change")),
            Err(error) => Err(error),
        };
        if !matches!(changed, Ok(Outcome::Stored(_))) {
            self.give_up().await;
            return changed;
        }
        if let Err(failure) = self.plain(StorageCall::Commit, "COMMIT").await {
            self.give_up().await;
            return Err(failure.into_error("change its tables"));
        }
        if !work.steps.is_empty() {
            self.count(1);
        }
        changed
    }

    /// Ends a transaction without storing it. When even that fails, the connection goes, and with it what it held.
    async fn give_up(&mut self) {
        let sound = match &mut self.connection {
            Some(connection) if connection.sound() => {
                let ended = connection
                    .run(StorageCall::Rollback, Arc::from("ROLLBACK"), &[], true, &mut |_| {})
                    .await;
                // SQLite ends a transaction by itself after some errors; that there is none any more is fine.
                !matches!(ended, Err(Failure::Broken(_)))
            }
            _ => false,
        };
        if !sound && let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    async fn plain(&mut self, call: StorageCall, sql: &'static str) -> Result<(), Failure> {
        self.connection()
            .await?
            .run(call, Arc::from(sql), &[], true, &mut |_| {})
            .await
    }

    async fn connection(&mut self) -> Result<&mut Connection, Failure> {
        if self.connection.is_none() {
            let opened = Connection::open(&self.options, false).await;
            self.connection = Some(opened.map_err(|error| Failure::Broken(error.into()))?);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| Failure::Broken("no connection".into()))
    }

    fn count(&self, units: usize) {
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.counters
            .units
            .fetch_add(u64::try_from(units).unwrap_or_default(), Ordering::Relaxed);
    }
}

fn held() -> DataError {
    DataError::Locked {
        source: "the file stayed locked for as long as is waited for".into(),
    }
}

/// Why a group did not come through.
enum GroupFailure {
    /// Another process held the file for too long: nothing is stored.
    Locked,
    /// Before the commit: nothing is stored, so each may be tried alone.
    InUnit,
    /// At the commit: whether it is stored is not known, so nobody may be tried again.
    AtCommit(Failure),
}
