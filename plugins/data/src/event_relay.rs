//! Events of records in further databases: each is stored there with its record, and taken over from there into the first
//! database, where the kernel reads them. Each comes over once: what was taken over is noted in the transaction that stores it,
//! and the note goes when the event is done at its origin. Called by the event store before it looks for events.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::error::{DataError, Result};
use crate::store::{Datasources, Expect, Outcome, SqlValue, Statement, Store, WriteUnit};

/// Events of one database at once.
const EVENTS_MAX: usize = 200;

/// Takes events over.
#[derive(Debug)]
pub(crate) struct EventRelay {
    store: Arc<dyn Store>,
    datasources: Datasources,
    /// One after the other.
    turn: Mutex<()>,
}

/// Columns of an event, in the order in which they are stored again; the sequence before them.
struct Event {
    sequence: i64,
    values: Vec<SqlValue>,
}

impl EventRelay {
    /// From further databases into the first.
    pub(crate) fn new(store: Arc<dyn Store>, datasources: Datasources) -> Self {
        Self {
            store,
            datasources,
            turn: Mutex::default(),
        }
    }

    /// Takes over what is there. A database that cannot be reached is told of and waits.
    pub(crate) async fn run(&self) {
        if self.datasources.is_empty() {
            return;
        }
        let _turn = self.turn.lock().await;
        for (name, source) in self.datasources.iter() {
            if let Err(error) = self.from(name, source).await {
                tracing::warn!(datasource = name, error = %error, "events could not be taken over");
            }
        }
    }

    async fn from(&self, name: &str, source: &Arc<dyn Store>) -> Result<()> {
        if waiting(&**source, 1).await?.is_empty() {
            return Ok(());
        }
        // Of several hosts one does it at a time.
        let lock = source.lock("events").await?;
        let taken = self.take(name, source).await;
        lock.release().await;
        taken
    }

    async fn take(&self, name: &str, source: &Arc<dyn Store>) -> Result<()> {
        let events = waiting(&**source, EVENTS_MAX).await?;
        if events.is_empty() {
            return Ok(());
        }
        let note = |event: &Event| format!("event:{name}:{}", event.sequence);
        let known = self.known(&events.iter().map(note).collect::<Vec<_>>()).await?;
        let mut unit = WriteUnit::default();
        for event in events.iter().filter(|event| !known.contains(&note(event))) {
            let sql = "INSERT INTO objectos_event (id, name, key, event, stored_at_ms) VALUES (?, ?, ?, ?, ?)";
            unit.push(Statement::new(sql, event.values.clone()), Expect::Anything);
            let sql = "INSERT INTO objectos_note (name, value) VALUES (?, '')";
            unit.push(Statement::new(sql, vec![note(event).into()]), Expect::Anything);
        }
        write(&self.store, unit).await?;
        let mut unit = WriteUnit::default();
        for event in &events {
            let sql = "UPDATE objectos_event SET done = 1 WHERE sequence = ?";
            unit.push(Statement::new(sql, vec![event.sequence.into()]), Expect::Anything);
        }
        write(source, unit).await?;
        let mut unit = WriteUnit::default();
        for event in &events {
            let sql = "DELETE FROM objectos_note WHERE name = ?";
            unit.push(Statement::new(sql, vec![note(event).into()]), Expect::Anything);
        }
        write(&self.store, unit).await
    }

    /// Which of these notes are there: left by a run that did not come to its end.
    async fn known(&self, notes: &[String]) -> Result<HashSet<String>> {
        let mut places = "?, ".repeat(notes.len());
        places.truncate(places.len().saturating_sub(2));
        let values = notes.iter().map(|note| SqlValue::from(note.as_str())).collect();
        let statement = Statement::new(
            format!("SELECT name FROM objectos_note WHERE name IN ({places})"),
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
