use objectos_plugin_api::contracts::event_store::{AggregatePage, AggregateRequest, Snapshot, StoredEvent};
use serde_json::json;

use super::one;

fn page(snapshot: Option<u64>, sequences: &[u64]) -> AggregatePage {
    let of = |sequence: &u64| StoredEvent {
        sequence: *sequence,
        key: String::new(),
        event: serde_json::from_value(json!({
            "id": format!("e{sequence}"), "name": "data.record.updated", "payload": null,
            "metadata": {"source": "test", "timestamp": "2025-01-31T08:00:00Z"},
        }))
        .expect("an event"),
        deliveries: Vec::new(),
    };
    let snapshot = snapshot.map(|sequence| Snapshot {
        sequence,
        ..Snapshot::default()
    });
    AggregatePage {
        snapshot,
        events: sequences.iter().map(of).collect(),
    }
}

/// Snapshot and events of the store, of the streams, after, expected.
type Half = (Option<u64>, &'static [u64]);
type Case = (Half, Half, Option<u64>, Half);

#[test]
fn store_and_streams_are_one_log() {
    let cases: [Case; 7] = [
        ((None, &[]), (None, &[]), None, (None, &[])),
        ((None, &[7, 8]), (Some(4), &[5, 6]), None, (Some(4), &[5, 6, 7, 8])),
        // One that was done late is between those that were moved before.
        ((None, &[5]), (Some(4), &[6]), None, (Some(4), &[5, 6])),
        ((None, &[6, 7]), (Some(6), &[]), None, (Some(6), &[7])),
        ((Some(9), &[]), (Some(4), &[5, 6]), None, (Some(9), &[])),
        // Of a full page nothing is known beyond its end.
        ((None, &[8]), (None, &[1, 2, 3]), None, (None, &[1, 2, 3])),
        ((None, &[8]), (None, &[6]), Some(4), (None, &[6, 8])),
    ];
    for (stored, moved, after, expected) in cases {
        let request = AggregateRequest {
            after,
            limit: 3,
            ..AggregateRequest::default()
        };
        let found = one(page(stored.0, stored.1), page(moved.0, moved.1), &request);
        let sequences: Vec<u64> = found.events.iter().map(|stored| stored.sequence).collect();
        let snapshot = found.snapshot.map(|snapshot| snapshot.sequence);
        assert_eq!((snapshot, sequences.as_slice()), expected, "{stored:?} and {moved:?}");
    }
}
