use objectos_plugin_api::contracts::event_store::{RangeRequest, StoredEvent};
use serde_json::json;

use super::merged;

/// Events of these sequences; where they are from is their key.
fn page(from: &str, sequences: &[u64]) -> Vec<StoredEvent> {
    let of = |sequence: &u64| StoredEvent {
        sequence: *sequence,
        key: from.to_owned(),
        event: serde_json::from_value(json!({
            "id": format!("e{sequence}"), "name": "data.x", "payload": null,
            "metadata": {"source": "test", "timestamp": "2025-01-31T08:00:00Z"},
        }))
        .expect("an event"),
        deliveries: Vec::new(),
    };
    sequences.iter().map(of).collect()
}

/// In the store, in the archive, after, at most, expected.
type Case = (&'static [u64], &'static [u64], u64, u32, &'static [u64]);

#[test]
fn two_pages_are_one_in_their_order() {
    let cases: [Case; 7] = [
        (&[], &[], 0, 3, &[]),
        (&[4, 5], &[1, 2], 0, 3, &[1, 2, 4, 5]),
        (&[2, 5], &[1, 2, 2], 0, 4, &[1, 2, 5]),
        // Nothing is known of the archive beyond 3, and nothing of the store beyond 6.
        (&[2, 5, 6], &[1, 2, 3], 0, 3, &[1, 2, 3]),
        (&[2, 5, 6], &[7, 9], 0, 3, &[2, 5, 6]),
        (&[], &[7, 8, 9], 0, 3, &[7, 8, 9]),
        // What was not asked for is not taken.
        (&[5], &[1, 4], 3, 3, &[4, 5]),
    ];
    for (stored, archived, after, limit, expected) in cases {
        let request = RangeRequest {
            after,
            limit,
            ..RangeRequest::default()
        };
        let merged = merged(page("store", stored), page("archive", archived), &request);
        let sequences: Vec<u64> = merged.iter().map(|stored| stored.sequence).collect();
        assert_eq!(sequences, expected, "{stored:?} and {archived:?} after {after}");
        let mut of_store = merged.iter().filter(|event| stored.contains(&event.sequence));
        assert!(
            of_store.all(|event| event.key == "store"),
            "what both have is the store's"
        );
    }
}
