use futures_util::FutureExt;
use objectos_plugin_api::Context;
use std::sync::Arc;

use super::queue::{Pushed, TransientQueue, Waiting};

fn waiting(source: &str, text: &str) -> Waiting {
    Waiting {
        source: source.into(),
        event: Arc::from(text.as_bytes()),
        context: Context::request("r"),
        limit_ms: 1,
    }
}

fn drain(queue: &TransientQueue) -> Vec<String> {
    std::iter::from_fn(|| queue.pop().now_or_never().flatten())
        .map(|waiting| String::from_utf8_lossy(&waiting.event).into_owned())
        .collect()
}

const KEPT: Pushed = Pushed {
    accepted: true,
    dropped: 0,
};
const INSTEAD: Pushed = Pushed {
    accepted: true,
    dropped: 1,
};
const LOST: Pushed = Pushed {
    accepted: false,
    dropped: 1,
};

#[test]
fn urgent_events_come_first_and_equals_in_their_order() {
    let queue = TransientQueue::new(100, 1_000);
    for (urgency, text) in [
        (2, "n1"),
        (4, "b1"),
        (0, "c1"),
        (2, "n2"),
        (1, "h1"),
        (3, "l1"),
        (0, "c2"),
        (9, "b2"),
    ] {
        assert_eq!(queue.push(urgency, waiting("p", text)), KEPT);
    }
    assert_eq!(drain(&queue), ["c1", "c2", "h1", "n1", "n2", "l1", "b1", "b2"]);
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_full_queue_drops_the_least_urgent() {
    let queue = TransientQueue::new(4, 1_000);
    for (source, urgency, text, expected) in [
        ("a", 2, "n1", KEPT),
        ("a", 4, "b1", KEPT),
        ("b", 1, "h1", KEPT),
        ("b", 2, "n2", KEPT),
        ("c", 2, "n3", INSTEAD), // instead of b1
        ("c", 3, "l1", LOST),
        ("d", 0, "c1", INSTEAD), // instead of n1
        ("d", 2, "n4", INSTEAD), // instead of n2
    ] {
        assert_eq!(queue.push(urgency, waiting(source, text)), expected, "{text}");
    }
    assert_eq!(drain(&queue), ["c1", "h1", "n3", "n4"]);
}

#[test]
fn a_flood_costs_its_publisher_only() {
    let queue = TransientQueue::new(8, 1_000);
    assert_eq!(queue.push(2, waiting("calm", "first")), KEPT);
    let dropped: usize = (0..100)
        .map(|n| queue.push(0, waiting("flood", &format!("f{n}"))).dropped)
        .sum();
    assert_eq!(dropped, 96);
    for n in 0..3 {
        assert_eq!(queue.push(4, waiting("calm", &format!("calm{n}"))), KEPT);
    }
    assert_eq!(
        drain(&queue),
        ["f96", "f97", "f98", "f99", "first", "calm0", "calm1", "calm2"]
    );
}

#[test]
fn own_urgent_events_outlive_own_lesser_ones() {
    let queue = TransientQueue::new(4, 1_000);
    assert_eq!(queue.push(1, waiting("p", "h1")), KEPT);
    assert_eq!(queue.push(2, waiting("p", "n1")), KEPT);
    assert_eq!(queue.push(3, waiting("p", "l1")), LOST);
    assert_eq!(queue.push(0, waiting("p", "c1")), INSTEAD);
    assert_eq!(drain(&queue), ["c1", "h1"]);
}

#[test]
fn bytes_are_bounded_too() {
    let queue = TransientQueue::new(100, 10);
    assert_eq!(queue.push(2, waiting("a", "12345")), KEPT);
    assert_eq!(queue.push(2, waiting("b", "1234")), KEPT);
    assert_eq!(
        queue.push(2, waiting("c", "123456789")),
        Pushed {
            accepted: true,
            dropped: 2
        }
    );
    assert_eq!(queue.push(0, waiting("c", "12345678901")), LOST);
    assert_eq!(drain(&queue), ["123456789"]);
}

#[test]
fn a_closed_queue_takes_and_gives_nothing() {
    let queue = TransientQueue::new(4, 100);
    assert_eq!(queue.push(2, waiting("a", "x")), KEPT);
    queue.close();
    assert!(queue.pop().now_or_never().is_some_and(|next| next.is_none()));
    assert_eq!(queue.push(2, waiting("a", "x")), LOST);
}
