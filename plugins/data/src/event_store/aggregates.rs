//! Records as aggregates: their events by key, snapshots of what they were, and what may be forgotten of both.
//!
//! The key of a record's event is `object/record`, and a snapshot has the same. A snapshot marked `base` is what forgotten
//! events led to; there is at most one of a record, and no other is older. The index that all of this needs is made when it
//! is first asked for, so that nobody pays for it who does not use it.

use std::collections::HashMap;

use objectos_plugin_api::Result;
use objectos_plugin_api::contracts::event_store::{
    Aggregate, AggregatePage, AggregateRequest, DueRequest, KeepRequest, PruneRequest, Snapshot, StoredEvent,
};
use objectos_plugin_api::contracts::events::{RECORD_EVENTS, RecordState, record_state};
use tokio::sync::OnceCell;

use super::{LIST_MAX, StoredEvents, event_of, json, number, places, text, unsigned};
use crate::error::DataError;
use crate::store::{Expect, Row, SqlValue, Statement, WriteUnit};

/// Hosts that begin at once make the index one after the other.
const INDEX_LOCK: &str = "SELECT pg_advisory_xact_lock(7041766, hashtext(current_schema() || '.aggregate'))";
/// Records forgotten in one transaction.
const RECORDS_MAX: usize = 200;

/// Whether the index is there.
#[derive(Debug, Default)]
pub(super) struct Index(OnceCell<()>);

/// What the last event to be forgotten of a record led to.
struct Base {
    key: String,
    sequence: u64,
    at_ms: i64,
    state: Option<String>,
}

/// The names of events of records, as the index has them.
pub(super) fn of_records() -> String {
    let names: Vec<String> = RECORD_EVENTS.iter().map(|name| format!("'{name}'")).collect();
    format!("name IN ({})", names.join(", "))
}

fn key_of(aggregate: &Aggregate) -> String {
    format!("{}/{}", aggregate.object, aggregate.record)
}

fn aggregate_of(key: &str) -> Option<Aggregate> {
    let (object, record) = key.split_once('/')?;
    Some(Aggregate {
        object: object.to_owned(),
        record: record.to_owned(),
    })
}

/// A condition on the key, for records of these objects; empty is all. `0` comes after `/`.
pub(super) fn of_objects(objects: &[String], values: &mut Vec<SqlValue>) -> String {
    if objects.is_empty() {
        return "1 = 1".to_owned();
    }
    for object in objects {
        values.push(format!("{object}/").into());
        values.push(format!("{object}0").into());
    }
    format!("({})", vec!["(key >= ? AND key < ?)"; objects.len()].join(" OR "))
}

fn bound(sequence: Option<u64>) -> SqlValue {
    number(sequence.unwrap_or(u64::MAX))
}

fn snapshot_of(row: &dyn Row, aggregate: &Aggregate) -> Option<Snapshot> {
    let state = match row.cell(2).as_text() {
        None => None,
        Some(_) => Some(json(row, 2)?),
    };
    Some(Snapshot {
        aggregate: aggregate.clone(),
        sequence: unsigned(row, 0)?,
        at_ms: row.cell(1).as_integer()?,
        state,
    })
}

fn state_text(state: Option<&serde_json::Map<String, serde_json::Value>>) -> Result<Option<String>> {
    let text = state.map(serde_json::to_string).transpose();
    text.map_err(|error| DataError::internal(error.to_string()).into())
}

fn state_value(state: Option<String>) -> SqlValue {
    state.map_or(SqlValue::Null, SqlValue::Json)
}

impl StoredEvents {
    /// Makes the index, once.
    async fn indexed(&self) -> Result<()> {
        let made = self.index.0.get_or_try_init(|| async {
            let mut unit = WriteUnit::default();
            if self.store.shared() {
                unit.push(Statement::new(INDEX_LOCK, Vec::new()), Expect::Anything);
            }
            let sql = format!(
                "CREATE INDEX IF NOT EXISTS objectos_event_aggregate ON objectos_event (key, sequence) WHERE {}",
                of_records()
            );
            unit.push(Statement::new(sql, Vec::new()), Expect::Anything);
            self.write(unit).await.map(drop)
        });
        made.await.copied()
    }

    /// The newest snapshot within the bounds, if wanted, and the events after it.
    pub(super) async fn aggregate_page(&self, request: &AggregateRequest) -> Result<AggregatePage> {
        self.indexed().await?;
        let key = key_of(&request.aggregate);
        let until_ms = request.until_ms.unwrap_or(i64::MAX);
        let mut page = AggregatePage::default();
        if request.after.is_none() {
            let sql = "SELECT sequence, at_ms, state FROM objectos_snapshot WHERE key = ? AND sequence <= ? AND at_ms <= ? \
                       ORDER BY sequence DESC LIMIT 1";
            let values = vec![key.as_str().into(), bound(request.until), until_ms.into()];
            let statement = Statement::new(sql, values);
            let found = self
                .rows(&statement, |row| snapshot_of(row, &request.aggregate))
                .await?;
            page.snapshot = found.into_iter().next();
        }
        let begin = page.snapshot.as_ref().map(|snapshot| snapshot.sequence);
        let sql = format!(
            "SELECT sequence, key, event FROM objectos_event WHERE {} AND key = ? AND sequence > ? AND sequence <= ? \
             AND stored_at_ms <= ? ORDER BY sequence LIMIT ?",
            of_records()
        );
        let values = vec![
            key.into(),
            number(request.after.or(begin).unwrap_or_default()),
            bound(request.until),
            until_ms.into(),
            SqlValue::Integer(i64::from(request.limit)),
        ];
        page.events = self.rows(&Statement::new(sql, values), event_of).await?;
        Ok(page)
    }

    /// Records that had so many events since their last snapshot.
    pub(super) async fn due(&self, request: &DueRequest) -> Result<Vec<Aggregate>> {
        self.indexed().await?;
        let mut due = Vec::new();
        let all = [Vec::new()];
        let chunks: Vec<&[Aggregate]> = if request.aggregates.is_empty() {
            all.iter().map(Vec::as_slice).collect()
        } else {
            request.aggregates.chunks(LIST_MAX).collect()
        };
        for chunk in chunks {
            let mut values = Vec::new();
            let mut wanted = of_objects(&request.objects, &mut values);
            if !chunk.is_empty() {
                wanted.push_str(&format!(" AND key IN ({})", places(chunk.len())));
                values.extend(chunk.iter().map(|aggregate| SqlValue::from(key_of(aggregate))));
            }
            let sql = format!(
                "SELECT key FROM objectos_event WHERE {} AND {wanted} AND sequence > COALESCE((SELECT max(s.sequence) \
                 FROM objectos_snapshot s WHERE s.key = objectos_event.key), 0) GROUP BY key HAVING COUNT(*) >= ? \
                 ORDER BY key LIMIT ?",
                of_records()
            );
            values.push(number(request.interval));
            values.push(SqlValue::Integer(i64::from(request.limit)));
            let keys = self.rows(&Statement::new(sql, values), |row| text(row, 0)).await?;
            due.extend(keys.iter().filter_map(|key| aggregate_of(key)));
        }
        due.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX));
        Ok(due)
    }

    /// Stores snapshots, and takes out what they surpass in number.
    pub(super) async fn keep(&self, request: &KeepRequest) -> Result<()> {
        let mut unit = WriteUnit::default();
        let mut keys = Vec::new();
        for snapshot in &request.snapshots {
            let key = key_of(&snapshot.aggregate);
            let sql = "INSERT INTO objectos_snapshot (key, sequence, at_ms, state) VALUES (?, ?, ?, ?) \
                       ON CONFLICT (key, sequence) DO NOTHING";
            let values = vec![
                key.as_str().into(),
                number(snapshot.sequence),
                snapshot.at_ms.into(),
                state_value(state_text(snapshot.state.as_ref())?),
            ];
            unit.push(Statement::new(sql, values), Expect::Anything);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for key in keys {
            let sql = "DELETE FROM objectos_snapshot WHERE key = ? AND base = 0 AND sequence < (SELECT min(n.sequence) FROM \
                       (SELECT sequence FROM objectos_snapshot WHERE key = ? AND base = 0 ORDER BY sequence DESC LIMIT ?) n)";
            let values = vec![key.as_str().into(), key.as_str().into(), number(request.newest.max(1))];
            unit.push(Statement::new(sql, values), Expect::Anything);
        }
        self.write(unit).await.map(drop)
    }

    /// Forgets done events: those of records of these objects when they are older than `aggregates_before_ms`, all others when
    /// they are older than `before_ms`.
    pub(super) async fn prune_records_later(&self, request: &PruneRequest) -> Result<u64> {
        self.indexed().await?;
        let mut values = vec![request.before_ms.into()];
        let covered = of_objects(&request.objects, &mut values);
        let condition = format!("stored_at_ms < ? AND NOT ({} AND {covered})", of_records());
        let mut count = self.prune_where(&condition, values).await?;
        let mut unit = WriteUnit::default();
        if !request.objects.is_empty() {
            let mut values = vec![request.before_ms.into()];
            let covered = of_objects(&request.objects, &mut values);
            let sql = format!("DELETE FROM objectos_snapshot WHERE at_ms < ? AND NOT {covered}");
            unit.push(Statement::new(sql, values), Expect::Anything);
        }
        self.write(unit).await?;
        let mut after = String::new();
        loop {
            let old = self.old_records(request, &after).await?;
            let Some((last, _)) = old.last() else { break };
            after.clone_from(last);
            count += self.forget(&old).await?;
        }
        Ok(count)
    }

    /// Records with events to be forgotten, by key, with the last of these events. The last event of all stays.
    async fn old_records(&self, request: &PruneRequest, after: &str) -> Result<Vec<(String, u64)>> {
        let mut values = vec![SqlValue::from(after)];
        let covered = of_objects(&request.objects, &mut values);
        values.push(request.aggregates_before_ms.into());
        values.push(SqlValue::Integer(i64::try_from(RECORDS_MAX).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT key, max(sequence) FROM objectos_event WHERE {} AND key > ? AND {covered} AND done = 1 \
             AND stored_at_ms < ? AND sequence < (SELECT max(sequence) FROM objectos_event) GROUP BY key ORDER BY key LIMIT ?",
            of_records()
        );
        self.rows(&Statement::new(sql, values), |row| {
            Some((text(row, 0)?, unsigned(row, 1)?))
        })
        .await
    }

    /// Forgets these events and what came before them, and keeps what they led to.
    async fn forget(&self, old: &[(String, u64)]) -> Result<u64> {
        let mut states = self.states_after(old).await?;
        let mut unit = WriteUnit::default();
        for (key, sequence) in old {
            match states.remove(sequence) {
                Some(base) => keep_base(&mut unit, base),
                // What cannot be read leads to nothing; whoever comes after it says what the record is.
                None => tracing::error!(key, sequence, "an old event cannot be read and is forgotten"),
            }
            let events = format!(
                "objectos_event WHERE {} AND key = ? AND sequence <= ? AND done = 1",
                of_records()
            );
            let values = vec![SqlValue::from(key.as_str()), number(*sequence)];
            let counted = Statement::new(format!("SELECT COUNT(*) FROM {events}"), values.clone());
            unit.push(counted, Expect::Numbers);
            unit.push(
                Statement::new(format!("DELETE FROM {events}"), values),
                Expect::Anything,
            );
            // A record that is gone, and of which nothing came after, needs no state.
            let sql = format!(
                "DELETE FROM objectos_snapshot WHERE key = ? AND base = 1 AND state IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM objectos_event e WHERE {} AND e.key = ?)",
                of_records()
            );
            unit.push(
                Statement::new(sql, vec![key.as_str().into(), key.as_str().into()]),
                Expect::Anything,
            );
        }
        let counted = self.write(unit).await?;
        Ok(counted.iter().filter_map(|count| u64::try_from(*count).ok()).sum())
    }

    /// By sequence, what records were after these events.
    async fn states_after(&self, old: &[(String, u64)]) -> Result<HashMap<u64, Base>> {
        let values = old.iter().map(|(_, sequence)| number(*sequence)).collect();
        let sql = format!(
            "SELECT sequence, key, event, stored_at_ms FROM objectos_event WHERE sequence IN ({})",
            places(old.len())
        );
        let read = |row: &dyn Row| -> Option<(StoredEvent, i64)> { Some((event_of(row)?, row.cell(3).as_integer()?)) };
        let mut states = HashMap::new();
        for (stored, at_ms) in self.rows(&Statement::new(sql, values), read).await? {
            let state = match record_state(&stored.event) {
                Some(RecordState::Is(record)) => state_text(Some(record))?,
                Some(RecordState::Gone) => None,
                None => continue,
            };
            let base = Base {
                key: stored.key,
                sequence: stored.sequence,
                at_ms,
                state,
            };
            states.insert(stored.sequence, base);
        }
        Ok(states)
    }
}

/// Puts a base in the place of everything before it.
fn keep_base(unit: &mut WriteUnit, base: Base) {
    let sql = "INSERT INTO objectos_snapshot (key, sequence, at_ms, base, state) VALUES (?, ?, ?, 1, ?) \
               ON CONFLICT (key, sequence) DO UPDATE SET base = 1";
    let sequence = number(base.sequence);
    let values = vec![
        base.key.as_str().into(),
        sequence.clone(),
        base.at_ms.into(),
        state_value(base.state),
    ];
    unit.push(Statement::new(sql, values), Expect::Anything);
    let sql = "DELETE FROM objectos_snapshot WHERE key = ? AND sequence < ?";
    unit.push(Statement::new(sql, vec![base.key.into(), sequence]), Expect::Anything);
}
