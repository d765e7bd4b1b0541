//! Runs the steps of one unit and holds what they did against what they expected. Begin and end of the transaction are the
//! writer's.

use std::sync::Arc;

use crate::store::sqlite::connection::{Connection, Failure, Seen};
use crate::store::{Expect, Outcome, Refusal, SqlValue, Step, StorageCall, WriteUnit};

/// Units up to this size go to the database as one text: one hop to its thread in place of one for each step. Larger ones
/// would fill the cache of prepared statements with texts that never come again.
const STEPS_JOINED_MAX: usize = 4;

/// Runs a unit; `prefix` is a statement to run before it.
pub(super) async fn run(
    connection: &mut Connection,
    prefix: Option<&str>,
    unit: &WriteUnit,
) -> Result<Outcome, Failure> {
    let mut numbers = Vec::new();
    let joined = unit.steps.len() <= STEPS_JOINED_MAX;
    if let Some(prefix) = prefix.filter(|_| !joined) {
        connection
            .run(StorageCall::Begin, Arc::from(prefix), Vec::new(), true, &mut |_| {})
            .await?;
    }
    let size = if joined { unit.steps.len().max(1) } else { 1 };
    for (chunk_index, steps) in unit.steps.chunks(size).enumerate() {
        let prefix = prefix.filter(|_| joined);
        if let Some(refusal) = chunk(connection, prefix, steps, chunk_index * size, &mut numbers).await? {
            return Ok(Outcome::Refused(refusal));
        }
    }
    Ok(Outcome::Stored(numbers))
}

/// What is known of the step that runs.
#[derive(Default)]
struct Progress {
    /// Statements that ended, the prefix included.
    ended: usize,
    /// Rows that the running step answered.
    rows: u64,
    /// The first step that did not find what it expected.
    unmet: Option<usize>,
}

async fn chunk(
    connection: &mut Connection,
    prefix: Option<&str>,
    steps: &[Step],
    first: usize,
    numbers: &mut Vec<i64>,
) -> Result<Option<Refusal>, Failure> {
    let (sql, values) = join(prefix, steps);
    let before = usize::from(prefix.is_some());
    let mut progress = Progress::default();
    let ran = connection
        .run(StorageCall::Unit, sql, values, true, &mut |seen| {
            let step = progress
                .ended
                .checked_sub(before)
                .and_then(|index| Some((index, steps.get(index)?)));
            match (seen, step) {
                (Seen::Row(row), Some((_, step))) => {
                    progress.rows += 1;
                    if step.expect == Expect::Numbers {
                        numbers.extend(row.cell(0).as_integer());
                    }
                }
                (Seen::Row(_), None) => {}
                (Seen::Done { changed }, step) => {
                    if let Some((index, step)) = step {
                        let met = match step.expect {
                            Expect::Anything | Expect::Numbers => true,
                            Expect::Changed(expected) => changed == expected,
                            Expect::NoRow => progress.rows == 0,
                        };
                        if !met {
                            progress.unmet.get_or_insert(index);
                        }
                    }
                    progress.ended += 1;
                    progress.rows = 0;
                }
            }
        })
        .await;
    let step = first + progress.ended.saturating_sub(before);
    // A step that found something else comes before whatever failed after it.
    match (progress.unmet, ran) {
        (Some(index), Ok(()) | Err(Failure::Unique { .. } | Failure::Constraint { .. })) => {
            Ok(Some(Refusal::Unmet { step: first + index }))
        }
        (_, Err(Failure::Unique { columns, index })) => Ok(Some(Refusal::Unique { step, columns, index })),
        (_, Err(Failure::Constraint { message })) => Ok(Some(Refusal::Constraint { step, message })),
        (None, Ok(())) => Ok(None),
        (_, Err(failure)) => Err(failure),
    }
}

fn join(prefix: Option<&str>, steps: &[Step]) -> (Arc<str>, Vec<SqlValue>) {
    if let (None, [step]) = (prefix, steps) {
        return (Arc::clone(&step.statement.sql), step.statement.values.clone());
    }
    let length = steps.iter().fold(32, |sum, step| sum + step.statement.sql.len() + 1);
    let mut sql = String::with_capacity(length);
    sql.push_str(prefix.unwrap_or_default());
    let mut values = Vec::with_capacity(steps.iter().map(|step| step.statement.values.len()).sum());
    for step in steps {
        if !sql.is_empty() {
            sql.push(';');
        }
        sql.push_str(&step.statement.sql);
        values.extend(step.statement.values.iter().cloned());
    }
    (Arc::from(sql), values)
}
