use objectos_plugin_api::contracts::event_store::{RangePage, StoredEvent};
use serde_json::json;

use super::merged;

/// A page with events of these sequences, and where the next one begins; where they are from is their key.
fn page(from: &str, (sequences, next): Page) -> RangePage {
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
    RangePage {
        events: sequences.iter().map(of).collect(),
        next,
    }
}

type Page = (&'static [u64], Option<u64>);

/// In the store, in the archive, after, expected.
type Case = (Page, Page, u64, Page);

#[test]
fn two_pages_are_one_in_their_order() {
    let cases: [Case; 10] = [
        ((&[], None), (&[], None), 0, (&[], None)),
        ((&[4, 5], None), (&[1, 2], None), 0, (&[1, 2, 4, 5], None)),
        ((&[2, 5], None), (&[1, 2, 2], None), 0, (&[1, 2, 5], None)),
        // Nothing is known of the archive beyond 3, and nothing of the store beyond 6.
        ((&[2, 5, 6], Some(6)), (&[1, 2, 3], Some(3)), 0, (&[1, 2, 3], Some(3))),
        ((&[2, 5, 6], Some(6)), (&[7, 9], None), 0, (&[2, 5, 6], Some(6))),
        ((&[], None), (&[7, 8, 9], Some(9)), 0, (&[7, 8, 9], Some(9))),
        // Where one looked far and found nothing, what the other found counts as far.
        ((&[], Some(90)), (&[7, 9], Some(9)), 0, (&[7, 9], Some(9))),
        ((&[95], None), (&[], Some(80)), 3, (&[], Some(80))),
        // One that only made itself ready.
        ((&[4, 5], None), (&[], Some(3)), 3, (&[], Some(3))),
        // What was not asked for is not taken.
        ((&[5], None), (&[1, 4], None), 3, (&[4, 5], None)),
    ];
    for (stored, archived, after, (expected, next)) in cases {
        let merged = merged(page("store", stored), page("archive", archived), after);
        let sequences: Vec<u64> = merged.events.iter().map(|stored| stored.sequence).collect();
        let place = format!("{stored:?} and {archived:?} after {after}");
        assert_eq!((sequences.as_slice(), merged.next), (expected, next), "{place}");
        let mut of_store = merged.events.iter().filter(|event| stored.0.contains(&event.sequence));
        assert!(
            of_store.all(|event| event.key == "store"),
            "what both have is the store's"
        );
    }
}
