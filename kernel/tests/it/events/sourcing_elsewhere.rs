//! Records whose events and snapshots are kept outside of the event store: moved, never lost, rebuilt out of both,
//! replayed, and forgotten when their time is over.

use objectos_plugin_api::{
    Error, ErrorKind,
    contracts::{
        event_store::Aggregate,
        kernel::{RecordStateAnswer, RecordStateRequest},
    },
    protocol::kernel::{EventReplayConfig, HealthCheckStatus},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{
    model::{Fault, Verdict},
    record::{Happening, History},
    world::{START_MS, World, run},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What fails is tried again after ten minutes.
fn config(persistence: &str) -> Value {
    let policy = json!({
        "maxRetries": 9, "backoffStrategy": "fixed", "initialDelayMs": 10 * MINUTE_MS, "maxDelayMs": 10 * MINUTE_MS,
    });
    json!({
        "persistence": {"retention": 2, "storage": persistence},
        "queue": {"retryPolicy": policy},
        "eventSourcing": {
            "enabled": true, "snapshotInterval": 3, "snapshotRetention": 2, "retention": 30, "aggregateTypes": ["deal"],
            "storage": {"type": "s3"},
        },
    })
}

fn opened(persistence: &str) -> World {
    let mut world = World::tuned(config(persistence), |settings| settings.limits.page_events = 4);
    world.register("p", &["!a data.*"]);
    world.bus.open();
    world
}

/// So many events of a deal, and one of another kind at the end, which stays in the store as the last of all.
fn tell(world: &World, history: &mut History, count: i64) {
    for n in 1..=count {
        let happening = if n == 1 { Happening::Created } else { Happening::Updated };
        history.tell(world, "deal", "d1", happening, n);
    }
    world.write(&[("last", "data.other", "")]);
}

fn ids(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("r{n}")).collect()
}

fn snapshots(world: &World) -> Vec<u64> {
    let aggregate = Aggregate {
        object: "deal".to_owned(),
        record: "d1".to_owned(),
    };
    world.streams.state.lock().aggregates.sequences(&aggregate)
}

async fn state(world: &World, sequence: Option<u64>) -> Result<RecordStateAnswer, Error> {
    let request = RecordStateRequest {
        object: "deal".to_owned(),
        record: "d1".to_owned(),
        sequence,
        ..RecordStateRequest::default()
    };
    let answer = tokio::spawn(world.bus.record_state(&request)).await.expect("no panic");
    world.calm().await;
    answer
}

fn number(n: i64) -> Value {
    json!({"id": "d1", "n": n})
}

#[test]
fn events_of_records_are_moved_and_the_others_go_where_all_go() {
    for (persistence, archived, left) in [
        ("database", ids(0..5), vec!["other", "last"]),
        ("s3", [ids(0..5), vec!["other".to_owned()]].concat(), vec!["last"]),
    ] {
        run(|| async {
            let world = opened(persistence);
            let mut history = History::default();
            for n in 1..=5 {
                history.tell(&world, "deal", "d1", Happening::Updated, n);
            }
            world.write(&[("other", "data.other", ""), ("last", "data.other", "")]);
            world.pass_ms(2 * MINUTE_MS).await;
            assert_eq!(world.streams.ids(), ids(0..5), "{persistence}");
            assert_eq!(world.archive.ids(), archived, "{persistence}");
            assert_eq!(world.store.ids(), left, "{persistence}");
        });
    }
}

#[test]
fn a_record_is_rebuilt_out_of_streams_and_store() {
    run(|| async {
        let world = opened("database");
        let mut history = History::default();
        tell(&world, &mut history, 7);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.streams.ids(), ids(0..7));
        assert_eq!(snapshots(&world), [3, 6], "taken of what was moved");
        assert_eq!(world.bus.metrics().snapshots, 2);
        // What was not moved yet counts as well.
        history.tell(&world, "deal", "d1", Happening::Updated, 8);
        world.pass_ms(1_000).await;
        assert_eq!(world.store.ids(), ["last", "r7"]);
        for (sequence, n, snapshot) in [
            (Some(1), 1, None),
            (Some(4), 4, Some(3)),
            (Some(7), 7, Some(6)),
            (None, 8, Some(6)),
        ] {
            let answer = state(&world, sequence).await.expect("a state");
            assert_eq!(json!(answer.state), number(n), "{sequence:?}");
            assert_eq!(answer.snapshot, snapshot, "{sequence:?}");
        }
    });
}

#[test]
fn a_replay_finds_what_was_moved() {
    for persistence in ["database", "custom"] {
        run(|| async {
            let world = opened(persistence);
            tell(&world, &mut History::default(), 7);
            world.pass_ms(2 * MINUTE_MS).await;
            world.handlers.calls.lock().clear();
            let request = json!({"fromTimestamp": "2025-01-31T08:00:00Z", "speed": 1_000_000});
            let request: EventReplayConfig = serde_json::from_value(request).expect("a request");
            let count = world.bus.replay(&request).await.expect("a replay");
            world.pass_ms(1_000).await;
            let expected = [ids(0..7), vec!["last".to_owned()]].concat();
            assert_eq!((count, world.handlers.seen("p/a")), (8, expected), "{persistence}");
        });
    }
}

#[test]
fn an_event_that_is_done_late_comes_before_those_that_were_moved() {
    run(|| async {
        let mut world = World::new(config("database"));
        world.register(
            "p",
            &["!a data.record.created", "!b data.record.updated", "!c data.other"],
        );
        world.bus.open();
        world.handlers.script(|_, event| match event.id.as_deref() {
            Some("r0") => Verdict::Fail,
            _ => Verdict::Take,
        });
        tell(&world, &mut History::default(), 3);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.streams.ids(), ids(1..3));
        assert_eq!(world.store.ids(), ["r0", "last"]);
        for (sequence, n) in [(Some(1), 1), (Some(2), 2), (None, 3)] {
            let answer = state(&world, sequence).await.expect("a state");
            assert_eq!(json!(answer.state), number(n), "{sequence:?}");
        }
    });
}

/// Whether the fault was reached at the n-th call of the streams.
async fn course(fault: Fault, call: usize) -> bool {
    let place = format!("{fault:?} at call {call}");
    let world = opened("database");
    world.streams.state.lock().faults.insert(call, fault);
    let mut history = History::default();
    tell(&world, &mut history, 7);
    for _ in 0..60 {
        world.pass_ms(2_000).await;
        let kept: BTreeSet<String> = world.store.ids().into_iter().chain(world.streams.ids()).collect();
        assert_eq!(kept.len(), 8, "{place}: nothing is lost");
    }
    assert_eq!(world.streams.ids(), ids(0..7), "{place}: all are moved");
    let answer = state(&world, None).await.expect("a state");
    assert_eq!(json!(answer.state), number(7), "{place}");
    world.streams.state.lock().faults.is_empty()
}

#[test]
fn any_call_may_fail_and_nothing_is_lost() {
    for fault in [
        Fault::Refuse(ErrorKind::Unavailable),
        Fault::LoseAnswer(ErrorKind::Timeout),
        Fault::Hang,
    ] {
        for number in 1..=3 {
            let reached = std::cell::Cell::new(false);
            run(|| async { reached.set(course(fault, number).await) });
            assert!(reached.get(), "{fault:?}: call {number} is made");
        }
    }
}

#[test]
fn streams_have_a_retention_of_their_own() {
    run(|| async {
        let world = opened("database");
        let mut history = History::default();
        tell(&world, &mut history, 4);
        world.pass_ms(2 * MINUTE_MS).await;
        world.clock.set_ms(START_MS + 20 * DAY_MS);
        world.pass_ms(MINUTE_MS).await;
        assert_eq!(world.archive.ids(), Vec::<String>::new(), "of two days");
        assert_eq!(world.streams.ids(), ids(0..4), "of thirty");
        world.clock.set_ms(START_MS + 32 * DAY_MS);
        world.pass_ms(MINUTE_MS).await;
        assert_eq!(world.streams.ids(), Vec::<String>::new());
        let answer = state(&world, None).await.expect("a state");
        assert_eq!((json!(answer.state), answer.events), (number(4), 0), "what they led to");
    });
}

#[test]
fn nobody_who_keeps_streams_is_told_of() {
    run(|| async {
        let world = opened("database");
        let fault = Fault::Refuse(ErrorKind::Unavailable);
        world.streams.state.lock().faults = (1..50).map(|number| (number, fault)).collect();
        tell(&world, &mut History::default(), 3);
        world.pass_ms(MINUTE_MS).await;
        assert_eq!((world.store.ids().len(), world.streams.ids().len()), (4, 0));
        let checks = world.bus.health();
        let check = checks
            .iter()
            .find(|check| check.name == "event-sourcing")
            .expect("a check");
        let message = check.message.clone().unwrap_or_default();
        assert_eq!(check.status, HealthCheckStatus::Warning, "{message}");
        for part in [
            "the service event-streams-s3 does not take done events",
            "they stay in the event store, nothing is lost",
            "or write eventSourcing.storage: {type: database}",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    });
}
