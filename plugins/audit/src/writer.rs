//! The one task that gives rows their place in the chain and stores them. Handlers of events hand rows over and wait; what
//! waits together is stored together, and so is what came together, so that a thousand changes a second cost a few transactions.

use objectos_plugin_api::{Context, Host, NewEvent};
use std::{collections::HashSet, path::PathBuf, sync::Arc};
use tokio::sync::{mpsc, oneshot};

use crate::{
    chain::Head,
    checkpoint::{self, Key},
    error::{AuditError, Result},
    moment,
    row::Row,
    store::Records,
    suspicious::Alarms,
    view,
};

/// Rows that wait.
const QUEUE: usize = 2_048;
/// Event that tells that a row was stored, and none of its values.
pub(crate) const RECORDED: &str = "audit.event.recorded";

/// Rows on their way, and who waits for them.
struct Job {
    rows: Vec<Row>,
    done: Option<oneshot::Sender<Result<()>>>,
}

/// The way to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Stores rows in their order; answers once all are stored. A row whose id is stored already is stored.
    ///
    /// # Errors
    /// What the engine answers to the first that it does not take, while others may be stored; `Stopping`.
    pub(crate) async fn store(&self, rows: Vec<Row>) -> Result<()> {
        let (done, stored) = oneshot::channel();
        let job = Job { rows, done: Some(done) };
        self.jobs.send(job).await.map_err(|_| AuditError::Stopping)?;
        stored.await.map_err(|_| AuditError::Stopping)?
    }

    /// Hands a row over and does not wait; false when too many wait already.
    pub(crate) fn offer(&self, row: Row) -> bool {
        let rows = vec![row];
        self.jobs.try_send(Job { rows, done: None }).is_ok()
    }
}

/// What the task works with.
#[derive(Debug)]
pub(crate) struct WriterTask {
    pub(crate) host: Host,
    pub(crate) records: Records,
    pub(crate) key: Option<Arc<Key>>,
    pub(crate) folder: PathBuf,
    pub(crate) checkpoint_rows: u64,
    /// Rows of one transaction, but for those that come together with its last.
    pub(crate) batch_max: usize,
    pub(crate) alarms: Arc<Alarms>,
}

/// The writer and what its task waits for.
pub(crate) fn channel() -> (Writer, JobReceiver) {
    let (jobs, receiver) = mpsc::channel(QUEUE);
    (Writer { jobs }, JobReceiver(receiver))
}

/// The other end of [`Writer`].
pub(crate) struct JobReceiver(mpsc::Receiver<Job>);

impl std::fmt::Debug for JobReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobReceiver")
    }
}

impl WriterTask {
    /// Until every [`Writer`] is gone, or the task is told to end.
    pub(crate) async fn run(self, jobs: JobReceiver, mut end: oneshot::Receiver<()>) {
        let mut jobs = jobs.0;
        let mut head: Option<Head> = None;
        let mut signed: Option<u64> = None;
        loop {
            let first = tokio::select! {
                biased;
                _ = &mut end => break,
                job = jobs.recv() => job,
            };
            let Some(first) = first else { break };
            let mut count = first.rows.len();
            let mut batch = vec![first];
            while count < self.batch_max {
                match jobs.try_recv() {
                    Ok(job) => {
                        count += job.rows.len();
                        batch.push(job);
                    }
                    Err(_) => break,
                }
            }
            let stored = self.store(batch, &mut head).await;
            self.alarms.look(&stored).await;
            if !stored.is_empty() {
                self.sign(head.as_ref(), &mut signed, self.checkpoint_rows).await;
            }
        }
        self.sign(head.as_ref(), &mut signed, 1).await;
    }

    /// Writes a checkpoint when so many rows are not signed yet. Where the last one was made is read once: what a crash left
    /// unsigned counts, too.
    async fn sign(&self, head: Option<&Head>, signed: &mut Option<u64>, rows: u64) {
        let (Some(key), Some(head)) = (&self.key, head) else {
            return;
        };
        let kept = async {
            let last = match *signed {
                Some(last) => last,
                None => checkpoint::last(&self.records).await?,
            };
            *signed = Some(last);
            if head.sequence.saturating_sub(last) >= rows {
                let checkpoint = key.sign(head, moment::from_ms(self.host.now_ms()));
                checkpoint::keep(&self.records, &self.folder, &checkpoint).await?;
                *signed = Some(head.sequence);
            }
            Ok::<(), AuditError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(error = %error, "a checkpoint of the audit chain cannot be kept; the next one is tried later");
        }
    }

    /// Stores a batch and tells who waits; answers the rows that are new.
    async fn store(&self, batch: Vec<Job>, head: &mut Option<Head>) -> Vec<Row> {
        let (mut rows, mut waiting): (Vec<Row>, Vec<_>) = (Vec::new(), Vec::new());
        for Job { rows: more, done } in batch {
            let ids: Vec<String> = more.iter().map(|row| row.id.clone()).collect();
            waiting.push((ids, done));
            rows.extend(more);
        }
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.id.clone()));
        let mut failed: Vec<(String, AuditError)> = Vec::new();
        let stored = self.append(rows, head, &mut failed).await;
        for (ids, done) in waiting {
            let Some(done) = done else { continue };
            let first = failed.iter().find(|(of, _)| ids.contains(of));
            let answer = first.map_or(Ok(()), |(_, error)| Err(same(error)));
            // Who does not wait any more is delivered the event again.
            let _ = done.send(answer);
        }
        self.tell(&stored);
        stored
    }

    /// Stores rows as one transaction. One that cannot be stored at all does not hold up the others.
    async fn append(
        &self,
        rows: Vec<Row>,
        head: &mut Option<Head>,
        failed: &mut Vec<(String, AuditError)>,
    ) -> Vec<Row> {
        let mut groups = vec![rows];
        let mut stored = Vec::new();
        while let Some(group) = groups.pop() {
            match self.append_group(group.clone(), head).await {
                Ok(rows) => stored.extend(rows),
                Err(error) if error.is_final() && group.len() > 1 => {
                    let mut first = group;
                    let second = first.split_off(first.len() / 2);
                    groups.extend([second, first]);
                }
                Err(error) => failed.extend(group.into_iter().map(|row| (row.id, same(&error)))),
            }
        }
        stored
    }

    async fn append_group(&self, mut rows: Vec<Row>, head: &mut Option<Head>) -> Result<Vec<Row>> {
        // A second writer may have taken the place, or the event was delivered before: one more look each.
        for _ in 0..4 {
            let mut end = match head.take() {
                Some(head) => head,
                None => {
                    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
                    let known = self.records.known(&ids).await?;
                    rows.retain(|row| !known.contains(&row.id));
                    self.records.head().await?
                }
            };
            if rows.is_empty() {
                *head = Some(end);
                return Ok(rows);
            }
            for row in &mut rows {
                end.link(row);
            }
            match self.records.append(&rows).await {
                Ok(()) => {
                    *head = Some(end);
                    return Ok(rows);
                }
                Err(AuditError::Plugin(error)) if is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AuditError::Plugin(objectos_plugin_api::Error::unavailable(
            "other writers were faster four times; the events come again",
        )))
    }

    /// Tells listeners. Best effort: the row is stored.
    fn tell(&self, rows: &[Row]) {
        let context = Context::background();
        for row in rows {
            let told =
                view::recorded(row).and_then(|payload| self.host.publish(&context, &NewEvent::new(RECORDED, &payload)));
            if let Err(error) = told {
                tracing::debug!(error = %error, "nobody could be told of an audit event");
            }
        }
    }
}

/// Whether an id or a sequence is in use already.
fn is_taken(error: &objectos_plugin_api::Error) -> bool {
    error.kind() == objectos_plugin_api::ErrorKind::Conflict
}

/// The error once more, for each who waits.
fn same(error: &AuditError) -> AuditError {
    match error {
        AuditError::Plugin(error) => AuditError::Plugin(error.clone()),
        other => AuditError::Internal(other.to_string()),
    }
}
