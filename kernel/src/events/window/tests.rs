use objectos_plugin_api::{
    Error,
    contracts::event_store::StoredEvent,
    protocol::kernel::{Event, EventMetadata, EventPriority},
};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

use super::{Completion, Ended, Rules, Window};
use crate::events::{
    delivery::{Outcome, Target},
    metrics::HandlerCounters,
    pattern::Pattern,
    port::HandlerId,
    routing::{Handler, RoutingTable},
    settings::BusSettings,
};

const LEASE_MS: i64 = 1_000;

fn rules() -> Rules {
    Rules {
        concurrency: 8,
        priorities: true,
        events_max: 100,
        bytes_max: 1_000_000,
        ready_max: 100,
        linger_ms: 10,
        settle_max: 100,
    }
}

/// A table with durable handlers of these names for everything.
fn table(names: &[&str]) -> RoutingTable {
    table_of(names, 1)
}

/// The same, where each takes so many events of a key together.
fn table_of(names: &[&str], together_max: usize) -> RoutingTable {
    let handlers = names.iter().zip(0_u32..).map(|(name, number)| {
        Arc::new(Handler {
            number,
            target: Target::Plugin(HandlerId::new("p", name)),
            pattern: Pattern::All,
            timeout_ms: 1_000,
            together_max,
            queue: None,
            retry: None,
            counters: Arc::new(HandlerCounters::default()),
        })
    });
    RoutingTable::new(Arc::new(BusSettings::default()), handlers.collect())
}

fn stored(sequence: u64, key: &str) -> StoredEvent {
    let event = Event {
        id: Some(format!("e{sequence}")),
        name: "data.x".to_owned(),
        payload: json!("x".repeat(100)),
        metadata: EventMetadata {
            source: "s".to_owned(),
            timestamp: "2025-01-31T08:00:00Z".to_owned(),
            user_id: None,
            tenant_id: None,
            correlation_id: None,
            causation_id: None,
            priority: EventPriority::Normal,
        },
    };
    StoredEvent {
        sequence,
        key: key.to_owned(),
        event,
        deliveries: Vec::new(),
    }
}

fn started(window: &mut Window, now_ms: i64) -> Vec<u64> {
    started_together(window, now_ms).concat()
}

/// What starts now, by call.
fn started_together(window: &mut Window, now_ms: i64) -> Vec<Vec<u64>> {
    std::iter::from_fn(|| window.next_start(now_ms))
        .inspect(|start| assert_eq!(start.sequences.len(), start.bodies.len()))
        .map(|start| start.sequences)
        .collect()
}

fn failed() -> Outcome {
    Outcome::Failed {
        error: Error::internal("x"),
        not_before_ms: None,
    }
}

#[test]
fn one_of_a_key_at_a_time() {
    let (mut window, table) = (Window::new(rules()), table(&["h"]));
    for (sequence, key) in [(1, "a"), (2, "a"), (3, "b"), (4, ""), (5, "")] {
        window.admit(stored(sequence, key), &table, LEASE_MS, 0);
    }
    assert_eq!(started(&mut window, 0), [1, 3, 4, 5]);
    window.complete(&[1], 0, Outcome::Done, 0);
    assert_eq!(started(&mut window, 0), [2]);
    assert_eq!(window.running(), 4);
}

#[test]
fn events_of_a_key_go_together_where_the_handler_takes_several() {
    let (mut window, table) = (Window::new(rules()), table_of(&["h"], 3));
    for (sequence, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "a"), (6, ""), (7, "")] {
        window.admit(stored(sequence, key), &table, LEASE_MS, 0);
    }
    assert_eq!(
        started_together(&mut window, 0),
        [vec![1, 3, 4], vec![2], vec![6], vec![7]]
    );
    assert_eq!(window.running(), 4, "calls are counted");
    assert_eq!(window.complete(&[1, 3, 4], 0, Outcome::Done, 0).len(), 3);
    assert_eq!(started_together(&mut window, 0), [[5]]);
    let settlement = window.take_settlement().expect("a settlement");
    assert_eq!(settlement.request.done, [1, 3, 4]);
}

#[test]
fn only_what_is_leased_and_at_hand_goes_along() {
    let (mut window, table) = (Window::new(rules()), table_of(&["h"], 3));
    window.admit(stored(1, "a"), &table, LEASE_MS * 2, 0);
    window.admit(stored(2, "a"), &table, LEASE_MS, 0);
    window.admit(stored(3, "a"), &table, LEASE_MS * 2, 0);
    assert_eq!(started_together(&mut window, LEASE_MS), [[1]]);
    window.complete(&[1], 0, Outcome::Done, LEASE_MS);
    assert!(started_together(&mut window, LEASE_MS).is_empty());
    assert_eq!(window.first_unread(), Some(2), "it is read again");
}

#[test]
fn what_fails_together_is_tried_one_by_one_and_not_counted() {
    let (mut window, table) = (Window::new(rules()), table_of(&["h"], 3));
    for sequence in 1..=4 {
        window.admit(stored(sequence, "a"), &table, LEASE_MS * 100, 0);
    }
    assert_eq!(started_together(&mut window, 0), [[1, 2, 3]]);
    let ended = window.complete(&[1, 2, 3], 0, failed(), 0);
    assert!(
        matches!(
            ended[..],
            [Completion {
                ended: Ended::Apart(_),
                ..
            }]
        ),
        "told of once"
    );
    assert!(window.take_settlement().is_none(), "nothing to write down");
    let again = window.next_start(0).expect("a delivery");
    assert_eq!((again.sequences, again.attempt), (vec![1], 1));
    window.complete(&[1], 0, Outcome::Done, 0);
    assert_eq!(started_together(&mut window, 0), [[2]]);
    let ended = window.complete(&[2], 0, failed(), 0);
    assert!(matches!(
        ended[..],
        [Completion {
            ended: Ended::Retrying(_),
            ..
        }]
    ));
    assert!(started_together(&mut window, 0).is_empty(), "its key waits for it");
    let due_ms = window.next_start_ms(0).expect("a retry");
    window.tick(due_ms);
    assert_eq!(started_together(&mut window, due_ms), [[2]], "what failed goes alone");
    window.complete(&[2], 0, Outcome::Done, due_ms);
    assert_eq!(started_together(&mut window, due_ms), [[3]]);
    window.complete(&[3], 0, Outcome::Done, due_ms);
    assert_eq!(started_together(&mut window, due_ms), [[4]]);
}

#[test]
fn an_earlier_event_that_comes_late_is_waited_for_by_what_failed_together() {
    let (mut window, table) = (Window::new(rules()), table_of(&["h"], 3));
    for sequence in 2..=3 {
        window.admit(stored(sequence, "a"), &table, LEASE_MS, 0);
    }
    assert_eq!(started_together(&mut window, 0), [[2, 3]]);
    window.admit(stored(1, "a"), &table, LEASE_MS, 0);
    assert_eq!(started_together(&mut window, 0), [[1]]);
    window.complete(&[2, 3], 0, failed(), 0);
    assert!(started_together(&mut window, 0).is_empty(), "1 is in work");
    for sequence in 1..=3 {
        window.complete(&[sequence], 0, Outcome::Done, 0);
        let next: &[u64] = if sequence < 3 { &[sequence + 1] } else { &[] };
        assert_eq!(started(&mut window, 0), next);
    }
}

#[test]
fn where_nobody_is_they_wait_together() {
    let (mut window, table) = (Window::new(rules()), table_of(&["h"], 3));
    for sequence in 1..=3 {
        window.admit(stored(sequence, "a"), &table, LEASE_MS, 0);
    }
    assert_eq!(started_together(&mut window, 0), [[1, 2, 3]]);
    window.complete(&[1, 2, 3], 0, Outcome::Away, 0);
    assert!(started_together(&mut window, 0).is_empty());
    window.release(|_| true);
    assert_eq!(started_together(&mut window, 0), [[1, 2, 3]]);
    window.remove_handler(0, 0);
    assert!(window.complete(&[1, 2, 3], 0, Outcome::Done, 0).is_empty());
    assert_eq!(window.running(), 0);
}

#[test]
fn an_earlier_event_that_comes_late_goes_first() {
    let (mut window, table) = (Window::new(rules()), table(&["h"]));
    window.admit(stored(2, "a"), &table, LEASE_MS, 0);
    window.admit(stored(1, "a"), &table, LEASE_MS, 0);
    assert_eq!(started(&mut window, 0), [1]);
    window.complete(&[1], 0, Outcome::Done, 0);
    assert_eq!(started(&mut window, 0), [2]);
}

#[test]
fn nothing_starts_without_a_lease() {
    let (mut window, table) = (Window::new(rules()), table(&["h"]));
    window.admit(stored(1, "a"), &table, LEASE_MS, 0);
    assert!(started(&mut window, LEASE_MS).is_empty());
    assert_eq!(window.first_unread(), Some(1), "it is read again");
    window.admit(stored(1, "a"), &table, LEASE_MS * 2, LEASE_MS);
    assert_eq!((window.first_unread(), started(&mut window, LEASE_MS)), (None, vec![1]));
}

#[test]
fn what_the_store_does_not_answer_any_more_is_dropped() {
    let (mut window, table) = (Window::new(rules()), table(&["h"]));
    for (sequence, key) in [(1, "a"), (2, "a"), (3, "b"), (4, "c"), (5, "d")] {
        window.admit(stored(sequence, key), &table, LEASE_MS, 0);
    }
    let running = window.next_start(0).expect("a start");
    assert_eq!(running.sequences, [1]);
    window.complete(&[1], 0, Outcome::Done, 0);
    let running = window.next_start(0).expect("a start");
    assert_eq!(running.sequences, [2]);
    // A full page after 0 that ended at 4 and had 3 alone.
    window.reconcile(0, Some(4), &HashSet::from([3]));
    assert!(window.knows(1), "its outcome is to be written");
    assert!(window.knows(2), "it runs");
    assert!(window.knows(3) && !window.knows(4));
    assert!(window.knows(5), "the page did not reach it");
    window.reconcile(0, None, &HashSet::from([3]));
    assert!(!window.knows(5));
    assert_eq!(started(&mut window, 0), [3]);
}

#[test]
fn what_another_node_has_is_not_read_again_while_it_still_runs_here() {
    let (mut window, table) = (Window::new(rules()), table(&["h", "g"]));
    window.admit(stored(1, "a"), &table, LEASE_MS, 0);
    window.next_start(0).expect("a start");
    assert!(started(&mut window, LEASE_MS).is_empty(), "the lease is over");
    assert_eq!(window.first_unread(), Some(1));
    window.reconcile(0, None, &HashSet::new());
    assert!(window.knows(1), "it runs");
    assert_eq!(
        window.first_unread(),
        None,
        "asked for at once, it would not be answered either"
    );
    // The lease comes back.
    window.reconcile(0, None, &HashSet::from([1]));
    window.admit(stored(1, "a"), &table, LEASE_MS * 2, LEASE_MS);
    assert_eq!(started(&mut window, LEASE_MS), [1]);
}

#[test]
fn nothing_is_to_be_written_of_what_was_dropped() {
    let (mut window, table) = (Window::new(rules()), table(&["h", "g"]));
    window.admit(stored(1, "a"), &table, LEASE_MS, 0);
    assert_eq!(started(&mut window, 0), [1, 1]);
    window.complete(&[1], 0, Outcome::Done, 0);
    window.complete(&[1], 1, failed(), 0);
    assert_eq!(window.settle_due_ms(), Some(10));
    window.reconcile(0, None, &HashSet::new());
    assert!(!window.knows(1), "another node has it");
    assert_eq!(window.settle_due_ms(), None);
    assert!(window.take_settlement().is_none());
}

#[test]
fn bodies_are_let_go_and_read_again() {
    let (mut window, table) = (
        Window::new(Rules {
            bytes_max: 1_000,
            ..rules()
        }),
        table(&["h"]),
    );
    for sequence in 1..=20 {
        window.admit(stored(sequence, "a"), &table, LEASE_MS, 0);
    }
    assert!(!window.has_room(0));
    window.lighten(0);
    assert!(window.has_room(0));
    let mut order = Vec::new();
    while order.len() < 20 {
        match window.next_start(0) {
            Some(start) => {
                window.complete(&start.sequences, 0, Outcome::Done, 0);
                order.extend(start.sequences);
            }
            None => {
                let first = window.first_unread().expect("one to be read again");
                window.admit(stored(first, "a"), &table, LEASE_MS, 0);
            }
        }
    }
    assert!(order.is_sorted());
}

#[test]
fn a_settlement_that_fails_is_part_of_the_next() {
    let (mut window, table) = (Window::new(rules()), table(&["a", "b"]));
    for sequence in 1..=2 {
        window.admit(stored(sequence, ""), &table, LEASE_MS, 0);
    }
    while window.next_start(0).is_some() {}
    window.complete(&[1], 0, Outcome::Done, 0);
    window.complete(&[1], 1, Outcome::Done, 0);
    window.complete(&[2], 0, Outcome::Done, 0);
    window.complete(&[2], 1, failed(), 0);
    assert_eq!(window.settle_due_ms(), Some(10));
    let first = window.take_settlement().expect("outcomes");
    assert_eq!(
        (first.request.done.as_slice(), first.request.deliveries.len()),
        ([1].as_slice(), 2)
    );
    assert_eq!(window.settle_due_ms(), None);
    window.unsettled(&first, 50);
    assert_eq!(window.settle_due_ms(), Some(60));
    let second = window.take_settlement().expect("outcomes");
    assert_eq!(second.request, first.request);
    window.settled(&second);
    assert!(!window.knows(1) && window.knows(2));
    assert!(window.take_settlement().is_none());
}

#[test]
fn enough_outcomes_do_not_wait() {
    let (mut window, table) = (
        Window::new(Rules {
            settle_max: 3,
            ..rules()
        }),
        table(&[]),
    );
    for sequence in 1..=2 {
        window.admit(stored(sequence, ""), &table, LEASE_MS, 0);
    }
    assert_eq!(window.settle_due_ms(), Some(10));
    window.admit(stored(3, ""), &table, LEASE_MS, 0);
    assert_eq!(window.settle_due_ms(), Some(0));
}

#[test]
fn a_handler_that_went_is_waited_for_no_more() {
    let (mut window, table) = (Window::new(rules()), table(&["a", "b"]));
    window.admit(stored(1, "k"), &table, LEASE_MS, 0);
    window.admit(stored(2, "k"), &table, LEASE_MS, 0);
    assert_eq!(started(&mut window, 0), [1, 1]);
    window.complete(&[1], 0, Outcome::Done, 0);
    window.remove_handler(1, 0);
    assert_eq!(window.take_settlement().expect("outcomes").request.done, [1]);
    assert!(
        window.complete(&[1], 1, failed(), 0).is_empty(),
        "came too late to matter"
    );
    assert_eq!(started(&mut window, 0), [2]);
    assert_eq!(window.running(), 1);
}
