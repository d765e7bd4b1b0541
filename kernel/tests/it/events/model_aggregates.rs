//! Records as aggregates in the model of the store: what its contract asks, in the plainest way.

use objectos_plugin_api::contracts::{
    event_store::{
        Aggregate, AggregatePage, AggregateRequest, DueRequest, KeepRequest, PruneRequest, Snapshot, StoredEvent,
    },
    events::{RecordState, record_of, record_state},
};
use std::collections::BTreeMap;

use super::model::Row;

#[derive(Clone, Debug)]
struct Kept {
    snapshot: Snapshot,
    /// What forgotten events led to.
    base: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Aggregates(Vec<Kept>);

pub(super) fn aggregate_of(stored: &StoredEvent) -> Option<Aggregate> {
    let (object, record) = record_of(&stored.event)?;
    Some(Aggregate {
        object: object.to_owned(),
        record: record.to_owned(),
    })
}

pub(super) fn wanted(objects: &[String], aggregate: &Aggregate) -> bool {
    objects.is_empty() || objects.contains(&aggregate.object)
}

impl Aggregates {
    /// Sequences of the snapshots of a record, but for what forgotten events led to.
    pub(crate) fn sequences(&self, aggregate: &Aggregate) -> Vec<u64> {
        let own = self
            .0
            .iter()
            .filter(|kept| kept.snapshot.aggregate == *aggregate && !kept.base);
        let mut sequences: Vec<u64> = own.map(|kept| kept.snapshot.sequence).collect();
        sequences.sort_unstable();
        sequences
    }

    fn newest(&self, aggregate: &Aggregate, within: impl Fn(&Snapshot) -> bool) -> Option<&Snapshot> {
        let own = self.0.iter().map(|kept| &kept.snapshot);
        own.filter(|snapshot| snapshot.aggregate == *aggregate && within(snapshot))
            .max_by_key(|snapshot| snapshot.sequence)
    }

    pub(super) fn page(&self, rows: &BTreeMap<u64, Row>, request: &AggregateRequest) -> AggregatePage {
        let within = |sequence: u64, at_ms: i64| {
            request.until.is_none_or(|until| sequence <= until)
                && request.until_ms.is_none_or(|until_ms| at_ms <= until_ms)
        };
        let snapshot = match request.after {
            Some(_) => None,
            None => self
                .newest(&request.aggregate, |snapshot| within(snapshot.sequence, snapshot.at_ms))
                .cloned(),
        };
        let begin = snapshot.as_ref().map(|snapshot| snapshot.sequence);
        let after = request.after.or(begin).unwrap_or_default();
        let events = rows
            .values()
            .filter(|row| aggregate_of(&row.stored).as_ref() == Some(&request.aggregate))
            .filter(|row| row.stored.sequence > after && within(row.stored.sequence, row.stored_at_ms))
            .take(usize::try_from(request.limit).unwrap())
            .map(|row| row.stored.clone());
        AggregatePage {
            events: events.collect(),
            snapshot,
        }
    }

    pub(super) fn due(&self, rows: &BTreeMap<u64, Row>, request: &DueRequest) -> Vec<Aggregate> {
        let mut counts: BTreeMap<Aggregate, u64> = BTreeMap::new();
        for stored in rows.values().map(|row| &row.stored) {
            let Some(aggregate) = aggregate_of(stored) else {
                continue;
            };
            let asked = request.aggregates.is_empty() || request.aggregates.contains(&aggregate);
            let last = self
                .newest(&aggregate, |_| true)
                .map_or(0, |snapshot| snapshot.sequence);
            if asked && wanted(&request.objects, &aggregate) && stored.sequence > last {
                *counts.entry(aggregate).or_default() += 1;
            }
        }
        let due = counts.into_iter().filter(|(_, count)| *count >= request.interval);
        due.map(|(aggregate, _)| aggregate)
            .take(usize::try_from(request.limit).unwrap())
            .collect()
    }

    pub(super) fn keep(&mut self, request: KeepRequest) {
        for snapshot in request.snapshots {
            let aggregate = snapshot.aggregate.clone();
            let known = self
                .newest(&aggregate, |known| known.sequence == snapshot.sequence)
                .is_some();
            if !known {
                self.0.push(Kept { snapshot, base: false });
            }
            let sequences = self.sequences(&aggregate);
            let surplus = sequences.len().saturating_sub(usize::try_from(request.newest).unwrap());
            self.0.retain(|kept| {
                kept.base
                    || kept.snapshot.aggregate != aggregate
                    || !sequences[..surplus].contains(&kept.snapshot.sequence)
            });
        }
    }

    pub(super) fn prune(&mut self, rows: &mut BTreeMap<u64, Row>, request: &PruneRequest) -> u64 {
        let before = rows.len();
        let sourced = |row: &Row| aggregate_of(&row.stored).filter(|aggregate| wanted(&request.objects, aggregate));
        rows.retain(|_, row| !row.done || row.stored_at_ms >= request.before_ms || sourced(row).is_some());
        let old: Vec<Row> = rows
            .values()
            .filter(|row| row.done && row.stored_at_ms < request.aggregates_before_ms && sourced(row).is_some())
            .cloned()
            .collect();
        for row in old {
            let Some(aggregate) = aggregate_of(&row.stored) else {
                continue;
            };
            rows.remove(&row.stored.sequence);
            self.0
                .retain(|kept| kept.snapshot.aggregate != aggregate || kept.snapshot.sequence >= row.stored.sequence);
            self.0
                .retain(|kept| kept.snapshot.aggregate != aggregate || kept.snapshot.sequence != row.stored.sequence);
            let state = match record_state(&row.stored.event) {
                Some(RecordState::Is(record)) => Some(record.clone()),
                _ => None,
            };
            let left = rows
                .values()
                .any(|row| aggregate_of(&row.stored).as_ref() == Some(&aggregate));
            if state.is_some() || left {
                let snapshot = Snapshot {
                    aggregate,
                    sequence: row.stored.sequence,
                    at_ms: row.stored_at_ms,
                    state,
                };
                self.0.push(Kept { snapshot, base: true });
            }
        }
        u64::try_from(before - rows.len()).unwrap()
    }
}
