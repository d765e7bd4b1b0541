//! Events of records in further databases: each is stored there with its record, and taken over from there into the first
//! database, where the kernel reads them. Each comes over once: what was taken over is noted in the transaction that stores it,
//! and the note goes when the event is done at its origin, where all but the last is forgotten then. Notes that a run left which
//! did not come to its end go with the next one. When that happens is in `rounds`. Called by the event store before it looks for
//! events.

mod rounds;

use std::collections::HashSet;
use std::sync::Arc;

pub(crate) use self::rounds::EventRelay;
use crate::error::{DataError, Result};
use crate::event_store::places;
use crate::store::{Expect, Outcome, SqlValue, Statement, Store, WriteUnit};

/// Events of one database at once.
const EVENTS_MAX: usize = 200;
/// How often that is done in one round: what one change tells at most is all taken over.
const TURNS_MAX: usize = 50;
/// Forgets what is done at its origin, more at once than come at once. The last event stays: SQLite would give its sequence again,
/// and a note that is left would make the new event a known one.
const FORGET: &str = "DELETE FROM objectos_event WHERE sequence IN (SELECT sequence FROM objectos_event WHERE done = 1 \
    AND sequence < (SELECT max(sequence) FROM objectos_event) ORDER BY sequence LIMIT 1000)";

/// A further database, and the first one.
#[derive(Debug)]
struct Origin {
    name: String,
    source: Arc<dyn Store>,
    store: Arc<dyn Store>,
}

/// Columns of an event, in the order in which they are stored again; the sequence before them.
struct Event {
    sequence: i64,
    values: Vec<SqlValue>,
}

impl Origin {
    /// Takes over what is there; `tidy` when the last run left no notes. Says in `brought` whether any came, before its end too.
    async fn take_over(&self, tidy: bool, brought: &mut bool) -> Result<()> {
        if waiting(&*self.source, 1).await?.is_empty() && tidy {
            return Ok(());
        }
        // Of several hosts one does it at a time.
        let lock = self.source.lock("events").await?;
        let taken = self.take_all(tidy, brought).await;
        lock.release().await;
        taken
    }

    async fn take_all(&self, tidy: bool, brought: &mut bool) -> Result<()> {
        if !tidy {
            self.forget_notes().await?;
        }
        for _ in 0..TURNS_MAX {
            if self.take(brought).await? < EVENTS_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Answers how many there were.
    async fn take(&self, brought: &mut bool) -> Result<usize> {
        let events = waiting(&*self.source, EVENTS_MAX).await?;
        if events.is_empty() {
            return Ok(0);
        }
        let note = |event: &Event| format!("event:{}:{}", self.name, event.sequence);
        let known = self.known(&events.iter().map(note).collect::<Vec<_>>()).await?;
        let mut unit = WriteUnit::default();
        for event in events.iter().filter(|event| !known.contains(&note(event))) {
            let sql = "INSERT INTO objectos_event (id, name, key, event, stored_at_ms) VALUES (?, ?, ?, ?, ?)";
            unit.push(Statement::new(sql, event.values.clone()), Expect::Anything);
            let sql = "INSERT INTO objectos_note (name, value) VALUES (?, '')";
            unit.push(Statement::new(sql, vec![note(event).into()]), Expect::Anything);
        }
        let any = !unit.steps.is_empty();
        write(&self.store, unit).await?;
        *brought |= any;
        let mut unit = WriteUnit::default();
        for event in &events {
            let sql = "UPDATE objectos_event SET done = 1 WHERE sequence = ?";
            unit.push(Statement::new(sql, vec![event.sequence.into()]), Expect::Anything);
        }
        unit.push(Statement::new(FORGET, Vec::new()), Expect::Anything);
        write(&self.source, unit).await?;
        self.remove_notes(events.iter().map(note).collect()).await?;
        Ok(events.len())
    }

    /// Forgets notes of events that do not wait at their origin any more.
    async fn forget_notes(&self) -> Result<()> {
        let prefix = format!("event:{}:", self.name);
        let sql = "SELECT name FROM objectos_note WHERE name LIKE 'event:%'";
        let mut noted: Vec<i64> = Vec::new();
        let mut reader = self.store.reader().await?;
        reader
            .read(&Statement::new(sql, Vec::new()), &mut |row| {
                let name = row.cell(0);
                let sequence = name.as_text().and_then(|note| note.strip_prefix(&prefix));
                noted.extend(sequence.and_then(|sequence| sequence.parse::<i64>().ok()));
            })
            .await?;
        drop(reader);
        for noted in noted.chunks(EVENTS_MAX) {
            let sql = format!(
                "SELECT sequence FROM objectos_event WHERE done = 0 AND sequence IN ({})",
                places(noted.len())
            );
            let statement = Statement::new(sql, noted.iter().map(|sequence| (*sequence).into()).collect());
            let mut meant = HashSet::new();
            let mut reader = self.source.reader().await?;
            reader
                .read(&statement, &mut |row| meant.extend(row.cell(0).as_integer()))
                .await?;
            drop(reader);
            let left = noted.iter().filter(|sequence| !meant.contains(*sequence));
            let left = left.map(|sequence| format!("{prefix}{sequence}")).collect();
            self.remove_notes(left).await?;
        }
        Ok(())
    }

    async fn remove_notes(&self, notes: Vec<String>) -> Result<()> {
        let mut unit = WriteUnit::default();
        for note in notes {
            let sql = "DELETE FROM objectos_note WHERE name = ?";
            unit.push(Statement::new(sql, vec![note.into()]), Expect::Anything);
        }
        write(&self.store, unit).await
    }

    /// Which of these notes are there: left by a run that did not come to its end.
    async fn known(&self, notes: &[String]) -> Result<HashSet<String>> {
        let values = notes.iter().map(|note| SqlValue::from(note.as_str())).collect();
        let statement = Statement::new(
            format!("SELECT name FROM objectos_note WHERE name IN ({})", places(notes.len())),
            values,
        );
        let mut known = HashSet::new();
        let mut reader = self.store.reader().await?;
        reader
            .read(&statement, &mut |row| {
                known.extend(row.cell(0).as_text().map(str::to_owned))
            })
            .await?;
        Ok(known)
    }
}

async fn waiting(source: &dyn Store, limit: usize) -> Result<Vec<Event>> {
    let statement = Statement::new(
        format!(
            "SELECT sequence, id, name, key, event, stored_at_ms FROM objectos_event WHERE done = 0 \
             ORDER BY sequence LIMIT {limit}"
        ),
        Vec::new(),
    );
    let mut events = Vec::new();
    let mut reader = source.reader().await?;
    reader
        .read(&statement, &mut |row| {
            events.push(Event {
                sequence: row.cell(0).as_integer().unwrap_or_default(),
                values: (1..=5).map(|index| row.cell(index).to_value()).collect(),
            });
        })
        .await?;
    Ok(events)
}

async fn write(store: &Arc<dyn Store>, unit: WriteUnit) -> Result<()> {
    if unit.steps.is_empty() {
        return Ok(());
    }
    match store.write(unit).await? {
        Outcome::Stored(_) => Ok(()),
        Outcome::Refused(refusal) => Err(DataError::internal(format!("events were not taken over: {refusal:?}"))),
    }
}
