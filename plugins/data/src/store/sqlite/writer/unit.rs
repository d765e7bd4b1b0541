//! Runs the steps of one unit, or of several of one kind, and holds what they did against what they expected. Begin and end of
//! the transaction are the writer's.

use std::sync::Arc;

use crate::store::sqlite::connection::{Connection, Failure, Seen};
use crate::store::{Expect, Outcome, Refusal, Step, StorageCall, WriteUnit};

/// Units up to this size go to the database as one text: one hop to its thread in place of one for each step.
const STEPS_JOINED_MAX: usize = 4;
/// Of larger ones, so many steps go together at most.
const STEPS_CHUNK_MAX: usize = 16;
/// And only as long as they have so few texts among them: others would fill the cache of prepared statements with texts that
/// never come again.
const TEXTS_CHUNK_MAX: usize = 2;

/// So many units of one kind go to the database as one text, the larger number first. Few sizes, so that few texts are kept
/// prepared for one kind.
const UNITS_JOINED: [usize; 2] = [8, 2];

/// How many units from the first on are of one kind and go to the database together: 1 for alone.
pub(super) fn of_one_kind<'u>(mut units: impl Iterator<Item = &'u WriteUnit>) -> usize {
    let [most, ..] = UNITS_JOINED;
    let Some(first) = units.next().filter(|first| joins(first)) else {
        return 1;
    };
    let same = |unit: &&WriteUnit| {
        let texts = unit.steps.iter().map(|step| &step.statement.sql);
        joins(unit) && texts.eq(first.steps.iter().map(|step| &step.statement.sql))
    };
    let length = 1 + units.take(most - 1).take_while(same).count();
    UNITS_JOINED.into_iter().find(|size| *size <= length).unwrap_or(1)
}

fn joins(unit: &WriteUnit) -> bool {
    !unit.trial && (1..=STEPS_JOINED_MAX).contains(&unit.steps.len())
}

/// Runs units [of one kind](of_one_kind) as one text; answers the numbers of each. `None`: one of them was refused, and all are
/// to be undone and tried alone.
pub(super) async fn run_together(
    connection: &mut Connection,
    prefix: &str,
    units: &[&WriteUnit],
) -> Result<Option<Vec<Outcome>>, Failure> {
    let steps: Vec<&Step> = units.iter().flat_map(|unit| &unit.steps).collect();
    let mut numbers = Vec::new();
    if chunk(connection, Some(prefix), &steps, 0, &mut numbers)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let mut outcomes = Vec::with_capacity(units.len());
    let mut numbers = numbers.into_iter().peekable();
    let mut end = 0;
    for unit in units {
        end += unit.steps.len();
        let own = std::iter::from_fn(|| numbers.next_if(|(step, _)| *step < end));
        outcomes.push(Outcome::Stored(own.map(|(_, number)| number).collect()));
    }
    Ok(Some(outcomes))
}

/// Runs a unit; `prefix` is one or several statements to run before it, without values.
pub(super) async fn run(
    connection: &mut Connection,
    prefix: Option<&str>,
    unit: &WriteUnit,
) -> Result<Outcome, Failure> {
    let mut numbers = Vec::new();
    let joined = unit.steps.len() <= STEPS_JOINED_MAX;
    if let Some(prefix) = prefix.filter(|_| !joined) {
        connection
            .run(StorageCall::Begin, Arc::from(prefix), &[], true, &mut |_| {})
            .await?;
    }
    let mut first = 0;
    while let Some(rest) = unit.steps.get(first..).filter(|rest| !rest.is_empty()) {
        let length = if joined { rest.len() } else { alike(rest) };
        let prefix = prefix.filter(|_| joined);
        let steps: Vec<&Step> = rest[..length].iter().collect();
        if let Some(refusal) = chunk(connection, prefix, &steps, first, &mut numbers).await? {
            return Ok(Outcome::Refused(refusal));
        }
        first += length;
    }
    Ok(Outcome::Stored(numbers.into_iter().map(|(_, number)| number).collect()))
}

/// How many of the next steps go together: those of many records of one object, each with its event, are the same two texts.
fn alike(steps: &[Step]) -> usize {
    let mut texts: Vec<&str> = Vec::with_capacity(TEXTS_CHUNK_MAX);
    for (length, step) in steps.iter().take(STEPS_CHUNK_MAX).enumerate() {
        let text = &*step.statement.sql;
        if !texts.contains(&text) {
            if texts.len() == TEXTS_CHUNK_MAX {
                return length;
            }
            texts.push(text);
        }
    }
    steps.len().min(STEPS_CHUNK_MAX)
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

/// Runs steps as one text. `numbers`: what they answered, each with the place of its step; `first` is the place of the first.
async fn chunk(
    connection: &mut Connection,
    prefix: Option<&str>,
    steps: &[&Step],
    first: usize,
    numbers: &mut Vec<(usize, i64)>,
) -> Result<Option<Refusal>, Failure> {
    let sql = join(prefix, steps);
    let values = steps.iter().flat_map(|step| &step.statement.values);
    let before = prefix.map_or(0, |prefix| prefix.split(';').count());
    let mut progress = Progress::default();
    let ran = connection
        .run(StorageCall::Unit, sql, values, true, &mut |seen| {
            let step = progress
                .ended
                .checked_sub(before)
                .and_then(|index| Some((index, steps.get(index)?)));
            match (seen, step) {
                (Seen::Row(row), Some((index, step))) => {
                    progress.rows += 1;
                    if step.expect == Expect::Numbers {
                        numbers.extend(row.cell(0).as_integer().map(|number| (first + index, number)));
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

fn join(prefix: Option<&str>, steps: &[&Step]) -> Arc<str> {
    if let (None, [step]) = (prefix, steps) {
        return Arc::clone(&step.statement.sql);
    }
    let length = steps.iter().fold(32, |sum, step| sum + step.statement.sql.len() + 1);
    let mut sql = String::with_capacity(length);
    sql.push_str(prefix.unwrap_or_default());
    for step in steps {
        if !sql.is_empty() {
            sql.push(';');
        }
        sql.push_str(&step.statement.sql);
    }
    Arc::from(sql)
}
