use objectos_plugin_api::contracts::event_store::DoneEvent;
use serde_json::json;

use super::{BYTES_MAX, BatchName, batches, events_of};

fn done(sequence: u64, stored_at_ms: i64, text: &str) -> DoneEvent {
    DoneEvent {
        sequence,
        stored_at_ms,
        key: "k".to_owned(),
        event: serde_json::from_value(json!({
            "id": format!("e{sequence}"), "name": "a.b", "payload": {"text": text},
            "metadata": {"source": "test", "timestamp": "2026-02-28T12:00:00.000Z"},
        }))
        .expect("an event"),
    }
}

#[test]
fn events_are_one_object_whose_name_tells_of_them() {
    let events = vec![done(12, 3_000, "two\nlines"), done(7, 4_000, "x")];
    let made = batches(events.clone()).expect("batches");
    assert_eq!(made.len(), 1);
    let text = made[0].name.to_string();
    assert!(
        text.starts_with("0000000000000007-0000000000000012-2-0000000003000-0000000004000-"),
        "{text}"
    );
    assert_eq!(BatchName::parse(&text).as_ref(), Some(&made[0].name));
    let read = events_of("key", &made[0].name, &made[0].body);
    assert_eq!(read, [events[1].clone(), events[0].clone()]);
    // The same events are the same object, others are another.
    assert_eq!(batches(events).expect("batches"), made);
    let other = batches(vec![done(12, 3_000, "y"), done(7, 4_000, "x")]).expect("batches");
    assert_ne!(other[0].name, made[0].name);
    assert!(batches(Vec::new()).expect("batches").is_empty());
}

#[test]
fn a_batch_is_closed_when_it_is_large() {
    let large = "x".repeat(BYTES_MAX / 2);
    let events = (1..=5).map(|n| done(n, 0, &large)).collect();
    let counts: Vec<u64> = batches(events)
        .expect("batches")
        .iter()
        .map(|batch| batch.name.count)
        .collect();
    assert_eq!(counts, [2, 2, 1]);
}

#[test]
fn what_is_no_name_of_a_batch_is_left_alone() {
    for text in [
        "",
        "readme.txt",
        "1-2-3.jsonl",
        "1-2-3-4-5-6-7.jsonl",
        "a-2-1-4-5-h.jsonl",
        "1-2-1-4-5-h.json",
    ] {
        assert_eq!(BatchName::parse(text), None, "{text}");
    }
}

#[test]
fn a_line_that_is_no_event_is_left_out() {
    let made = batches(vec![done(1, 0, "x"), done(2, 0, "y")]).expect("batches");
    let torn = format!("{{\n{}", made[0].body.lines().next().expect("a line"));
    let read = events_of("key", &made[0].name, &torn);
    assert_eq!(read, [done(1, 0, "x")]);
}
