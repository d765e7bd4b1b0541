//! Counters of autonumbers.
//!
//! Where this process alone writes, a number is taken from memory when a record is planned and written down in the transaction
//! that stores the record; a restart goes on behind the last that was stored. Where others write as well, the database gives
//! each number, in a transaction of its own. Either way numbers never come twice, however many ask at once. A write that fails
//! after it took its number leaves a gap: gaps are allowed, doubles are not.
//!
//! A number that is brought moves its counter before its record is stored: whoever takes a number from then on takes one behind
//! it. Where this process alone writes, the counter moves in memory, and is written down in the transaction of the record, as the
//! last thing there and in the order of names: two such transactions wait for each other, and never each for the other. Where
//! others write as well, it moves in the database, in a transaction of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Mutex;

use crate::error::{DataError, Result};
use crate::store::{Expect, Outcome, Statement, Store, WriteUnit};

#[derive(Debug, Default)]
pub(super) struct Sequences {
    by_name: Mutex<HashMap<String, Arc<AtomicI64>>>,
}

/// Begin of the names of counters among what is kept under names.
const PREFIX: &str = "autonumber:";

impl Sequences {
    /// Whether a counter was begun here.
    pub(super) async fn knows(&self, name: &str) -> bool {
        self.by_name.lock().await.contains_key(name)
    }

    /// What a counter has reached; none for one that there never was.
    pub(super) async fn value(&self, store: &dyn Store, name: &str) -> Result<Option<i64>> {
        let known = self.by_name.lock().await.get(name).cloned();
        match known.filter(|_| !store.shared()) {
            Some(counter) => Ok(Some(counter.load(Ordering::Relaxed))),
            None => stored(store, name).await,
        }
    }

    /// Counts behind a number from now on. Of several that begin a counter at once, the one that knew of most is right.
    pub(super) async fn begin(&self, store: &dyn Store, name: &str, before: i64) -> Result<()> {
        if store.shared() && before != 0 {
            let mut unit = WriteUnit::default();
            unit.push(keep(name, before), Expect::Anything);
            store.write(unit).await?;
        }
        let mut by_name = self.by_name.lock().await;
        by_name
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(AtomicI64::new(before)))
            .fetch_max(before, Ordering::Relaxed);
        Ok(())
    }

    /// Counts behind a number that is brought, from now on, with a counter that was begun. Answers whether it is to be written
    /// down with its record: not where it is in the database already. A record that is not stored then leaves a gap.
    ///
    /// Fails as [`Store::write`].
    pub(super) async fn reach(&self, store: &dyn Store, name: &str, number: i64) -> Result<bool> {
        let counter = self.by_name.lock().await.get(name).cloned();
        let Some(counter) = counter else { return Ok(true) };
        if !store.shared() {
            counter.fetch_max(number, Ordering::Relaxed);
            return Ok(true);
        }
        // What is known here is stored already.
        if counter.load(Ordering::Relaxed) < number {
            let mut unit = WriteUnit::default();
            unit.push(keep(name, number), Expect::Anything);
            store.write(unit).await?;
            counter.fetch_max(number, Ordering::Relaxed);
        }
        Ok(false)
    }

    /// The next number of a counter that was begun.
    pub(super) async fn next(&self, store: &dyn Store, name: &str) -> Result<i64> {
        let counter = self.by_name.lock().await.get(name).cloned();
        let counter = counter.ok_or_else(|| DataError::internal(format!("the counter '{name}' was not begun")))?;
        if store.shared() {
            let number = taken(store, name).await?;
            counter.fetch_max(number, Ordering::Relaxed);
            return Ok(number);
        }
        Ok(counter.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Takes a number from the database.
async fn taken(store: &dyn Store, name: &str) -> Result<i64> {
    let mut unit = WriteUnit::default();
    let statement = Statement::new(
        "INSERT INTO objectos_sequence (name, value) VALUES (?, 1) \
         ON CONFLICT (name) DO UPDATE SET value = objectos_sequence.value + 1 RETURNING value",
        vec![format!("{PREFIX}{name}").into()],
    );
    unit.push(statement, Expect::Numbers);
    match store.write(unit).await? {
        Outcome::Stored(numbers) => numbers.first().copied(),
        Outcome::Refused(_) => None,
    }
    .ok_or_else(|| DataError::internal(format!("the counter '{name}' gave no number")))
}

async fn stored(store: &dyn Store, name: &str) -> Result<Option<i64>> {
    let mut value = None;
    let statement = Statement::new(
        "SELECT value FROM objectos_sequence WHERE name = ?",
        vec![format!("{PREFIX}{name}").into()],
    );
    let mut reader = store.reader().await?;
    reader
        .read(&statement.single(), &mut |row| value = row.cell(0).as_integer())
        .await?;
    Ok(value)
}

/// Writes down that a number was used.
pub(super) fn keep(name: &str, value: i64) -> Statement {
    Statement::new(
        "INSERT INTO objectos_sequence (name, value) VALUES (?, ?) \
         ON CONFLICT (name) DO UPDATE SET value = CASE WHEN excluded.value > objectos_sequence.value \
         THEN excluded.value ELSE objectos_sequence.value END",
        vec![format!("{PREFIX}{name}").into(), value.into()],
    )
}
