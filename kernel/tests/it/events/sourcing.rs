//! Records rebuilt from their events: snapshots, retention, and what is answered of any moment.

use objectos_kernel::clock::Clock;
use objectos_plugin_api::{
    Error, ErrorKind,
    contracts::{
        event_store::Aggregate,
        kernel::{RecordStateAnswer, RecordStateRequest},
    },
    protocol::kernel::HealthCheckStatus,
};
use serde_json::{Value, json};

use super::{
    model::Fault,
    record::{Happening, History},
    world::{START_MS, World, run},
};

const DAY_MS: i64 = 24 * 60 * 60_000;

fn config(sourcing: &Value) -> Value {
    let mut section = json!({"enabled": true, "snapshotInterval": 3, "snapshotRetention": 2, "retention": 30});
    section
        .as_object_mut()
        .expect("a section")
        .extend(sourcing.as_object().expect("keys").clone());
    json!({"persistence": {"retention": 2}, "eventSourcing": section})
}

fn opened(sourcing: &Value) -> World {
    let world = World::tuned(config(sourcing), |settings| settings.limits.page_events = 4);
    world.bus.open();
    world
}

/// Sequences of the snapshots of a record.
fn snapshots(world: &World, object: &str, record: &str) -> Vec<u64> {
    let aggregate = Aggregate {
        object: object.to_owned(),
        record: record.to_owned(),
    };
    world.store.state.lock().aggregates.sequences(&aggregate)
}

async fn state(world: &World, record: &str, key: &str, value: Value) -> Result<RecordStateAnswer, Error> {
    let mut request = json!({"object": "deal", "record": record});
    if !value.is_null() {
        request[key] = value;
    }
    let request: RecordStateRequest = serde_json::from_value(request).expect("a request");
    let answer = world.bus.record_state(&request);
    let answer = tokio::spawn(answer).await.expect("no panic");
    world.calm().await;
    answer
}

#[test]
fn a_record_is_rebuilt_after_any_event_and_at_any_moment() {
    run(|| async {
        let world = opened(&json!({}));
        let mut history = History::default();
        for (happening, n) in [
            (Happening::Created, 1),
            (Happening::Updated, 2),
            (Happening::Deleted, 3),
            (Happening::Restored, 4),
            (Happening::Purged, 5),
        ] {
            history.tell(&world, "deal", "d1", happening, n);
            world.pass_ms(1_000).await;
        }
        let now = |n: i64| json!({"id": "d1", "n": n});
        for (sequence, expected) in [
            (1, now(1)),
            (2, now(2)),
            (3, Value::Null),
            (4, now(4)),
            (5, Value::Null),
            (9, Value::Null),
        ] {
            let answer = state(&world, "d1", "sequence", sequence.into()).await.expect("a state");
            assert_eq!(json!(answer.state), expected, "after {sequence}");
            assert_eq!(answer.sequence, sequence.min(5));
        }
        for (at, sequence) in [
            ("2025-01-31T08:00:00.000Z", 1),
            ("2025-01-31T08:00:00.999Z", 1),
            ("2025-01-31T09:00:01.000+01:00", 2),
            ("2030-01-01T00:00:00Z", 5),
        ] {
            let answer = state(&world, "d1", "at", at.into()).await.expect("a state");
            assert_eq!(answer.sequence, sequence, "at {at}");
        }
        let answer = state(&world, "d1", "at", Value::Null).await.expect("the last one");
        assert_eq!(answer.at.as_deref(), Some("2025-01-31T08:00:04.000Z"));
        // Before its first event there was none, and that is known.
        let answer = state(&world, "d1", "at", "2025-01-31T07:59:59Z".into())
            .await
            .expect("none");
        assert_eq!((answer.state, answer.sequence, answer.at), (None, 0, None));
    });
}

#[test]
fn a_snapshot_is_taken_at_each_so_many_events_and_the_newest_are_kept() {
    run(|| async {
        let world = opened(&json!({}));
        let mut history = History::default();
        history.tell(&world, "deal", "d1", Happening::Created, 1);
        history.tell(&world, "deal", "d2", Happening::Created, 1);
        history.tell(&world, "deal", "d1", Happening::Updated, 2);
        world.pass_ms(20_000).await;
        assert_eq!(snapshots(&world, "deal", "d1"), [0_u64; 0]);
        for n in 3..12 {
            history.tell(&world, "deal", "d1", Happening::Updated, n);
        }
        world.pass_ms(5_000).await;
        // Events 6 and 9 of the record; that of the third is surpassed.
        assert_eq!(snapshots(&world, "deal", "d1"), [7, 10]);
        assert_eq!(snapshots(&world, "deal", "d2"), [0_u64; 0]);
        assert_eq!(world.bus.metrics().snapshots, 2);
        let answer = state(&world, "d1", "sequence", 11.into()).await.expect("a state");
        assert_eq!(
            (answer.snapshot, answer.events, json!(answer.state)),
            (Some(10), 1, json!({"id": "d1", "n": 10}))
        );
        let answer = state(&world, "d1", "sequence", 6.into()).await.expect("a state");
        assert_eq!((answer.snapshot, answer.events), (None, 5), "older than every snapshot");
    });
}

#[test]
fn snapshots_that_a_crash_left_out_are_taken_after_the_next_start() {
    run(|| async {
        let mut world = opened(&json!({}));
        let mut history = History::default();
        for n in 0..7 {
            let happening = if n == 0 { Happening::Created } else { Happening::Updated };
            history.tell(&world, "deal", "d1", happening, n);
        }
        world.finish(500).await;
        assert_eq!(snapshots(&world, "deal", "d1"), [0_u64; 0]);
        world.crash();
        world.pass_ms(20_000).await;
        assert_eq!(snapshots(&world, "deal", "d1"), [3, 6]);
    });
}

#[test]
fn only_the_objects_that_are_named_are_sourced() {
    run(|| async {
        let world = opened(&json!({"aggregateTypes": ["deal"], "snapshotInterval": 1}));
        let mut history = History::default();
        history.tell(&world, "deal", "x", Happening::Created, 1);
        history.tell(&world, "dealer", "x", Happening::Created, 1);
        world.write(&[("e9", "data.other", "deal/x")]);
        world.pass_ms(20_000).await;
        assert_eq!(
            (
                snapshots(&world, "deal", "x").len(),
                snapshots(&world, "dealer", "x").len()
            ),
            (1, 0)
        );
        world.clock.set_ms(START_MS + 4 * DAY_MS);
        world.pass_ms(60_000).await;
        let kept: Vec<String> = world
            .store
            .state
            .lock()
            .rows
            .values()
            .map(|row| row.stored.key.clone())
            .collect();
        assert_eq!(kept, ["deal/x"], "all others had their two days");
        let request = RecordStateRequest {
            object: "dealer".to_owned(),
            record: "x".to_owned(),
            ..RecordStateRequest::default()
        };
        let error = world.bus.record_state(&request).await.expect_err("not sourced");
        assert!(error.kind() == ErrorKind::Conflict && error.message().contains("eventSourcing.aggregateTypes"));
    });
}

#[test]
fn what_is_forgotten_leaves_the_state_it_led_to() {
    run(|| async {
        let world = opened(&json!({"snapshotInterval": 10}));
        let mut history = History::default();
        history.tell(&world, "deal", "old", Happening::Created, 1);
        history.tell(&world, "deal", "old", Happening::Updated, 2);
        history.tell(&world, "deal", "gone", Happening::Created, 1);
        history.tell(&world, "deal", "gone", Happening::Purged, 1);
        world.pass_ms(60_000).await;
        world.clock.set_ms(START_MS + 20 * DAY_MS);
        history.tell(&world, "deal", "old", Happening::Updated, 3);
        world.pass_ms(60_000).await;
        assert_eq!(world.store.state.lock().rows.len(), 5);
        world.clock.set_ms(START_MS + 32 * DAY_MS);
        world.pass_ms(60_000).await;
        assert_eq!(world.store.state.lock().rows.len(), 1, "of 30 days");
        // Thirty days ago is the second event's state, although the event is gone.
        let answer = state(&world, "old", "at", "2025-02-05T08:00:00Z".into())
            .await
            .expect("a state");
        assert_eq!(
            (json!(answer.state), answer.snapshot, answer.events),
            (json!({"id": "old", "n": 2}), Some(2), 0)
        );
        let answer = state(&world, "old", "at", Value::Null).await.expect("a state");
        assert_eq!((json!(answer.state), answer.events), (json!({"id": "old", "n": 3}), 1));
        let error = state(&world, "old", "sequence", 1.into()).await.expect_err("forgotten");
        assert!(
            error.kind() == ErrorKind::NotFound && error.message().contains("not kept"),
            "{error}"
        );
        let error = state(&world, "gone", "at", Value::Null).await.expect_err("forgotten");
        assert!(
            error.kind() == ErrorKind::NotFound && error.message().contains("no events of deal gone"),
            "{error}"
        );
    });
}

#[test]
fn a_longer_retention_of_all_events_holds_for_records_too() {
    run(|| async {
        let mut config = config(&json!({"retention": 1}));
        config["persistence"]["retention"] = 10.into();
        let world = World::new(config);
        world.bus.open();
        History::default().tell(&world, "deal", "d", Happening::Created, 1);
        world.write(&[("e9", "data.other", "")]);
        world.pass_ms(60_000).await;
        world.clock.set_ms(START_MS + 5 * DAY_MS);
        world.pass_ms(60_000).await;
        assert_eq!(world.store.state.lock().rows.len(), 2);
    });
}

#[test]
fn what_cannot_be_answered_says_why() {
    run(|| async {
        let world = opened(&json!({}));
        History::default().tell(&world, "deal", "d", Happening::Updated, 1);
        world.pass_ms(1_000).await;
        let refused = async |request: Value, kind: ErrorKind, part: &str| {
            let request: RecordStateRequest = serde_json::from_value(request.clone()).expect("a request");
            let error = world.bus.record_state(&request).await.expect_err("refused");
            assert!(
                error.kind() == kind && error.message().contains(part),
                "{request:?}: {error}"
            );
        };
        let deal = |key: &str, value: Value| json!({"object": "deal", "record": "d", key: value});
        refused(
            deal("at", "yesterday".into()),
            ErrorKind::Invalid,
            "`yesterday` is no date and time",
        )
        .await;
        let both = json!({"object": "deal", "record": "d", "at": "2025-01-01T00:00:00Z", "sequence": 1});
        refused(both, ErrorKind::Invalid, "not both").await;
        refused(
            deal("record", "x".into()),
            ErrorKind::NotFound,
            "there are no events of deal x",
        )
        .await;
        // It was there before its first kept event, but as what, nobody knows.
        refused(
            deal("at", "2025-01-01T00:00:00Z".into()),
            ErrorKind::NotFound,
            "not kept",
        )
        .await;
        let off = World::new(json!({}));
        off.bus.open();
        let request: RecordStateRequest = serde_json::from_value(deal("record", "d".into())).expect("a request");
        let error = off.bus.record_state(&request).await.expect_err("off");
        assert!(error.kind() == ErrorKind::Conflict && error.message().contains("eventSourcing.enabled"));
    });
}

#[test]
fn a_store_without_aggregates_does_not_count_as_down() {
    run(|| async {
        let world = opened(&json!({}));
        world.store.state.lock().without_aggregates = true;
        History::default().tell(&world, "deal", "d", Happening::Created, 1);
        world.pass_ms(60_000).await;
        assert!(world.store.open_ids().is_empty());
        let health = world.bus.health();
        let check = |name: &str| health.iter().find(|check| check.name == name).expect("a check");
        assert_eq!(check("event-store").status, HealthCheckStatus::Passed);
        assert_eq!(check("event-sourcing").status, HealthCheckStatus::Warning);
        assert_eq!(world.store.calls("aggregates_due"), 1, "asked once");
        let error = state(&world, "d", "at", Value::Null).await.expect_err("not there");
        assert_eq!(error.kind(), ErrorKind::NotImplemented);
        // Forgetting would lose what was to be kept.
        world.clock.set_ms(START_MS + 40 * DAY_MS);
        world.pass_ms(60_000).await;
        assert_eq!(world.store.state.lock().rows.len(), 1);
        assert!(world.clock.now_ms() > START_MS);
    });
}

#[test]
fn a_store_that_fails_for_a_while_delays_a_snapshot_and_no_more() {
    for fault in [
        Fault::Refuse(ErrorKind::Unavailable),
        Fault::LoseAnswer(ErrorKind::Timeout),
        Fault::Refuse(ErrorKind::Internal),
    ] {
        run(|| async {
            let world = opened(&json!({"snapshotInterval": 1}));
            world.pass_ms(20_000).await;
            let mut history = History::default();
            history.tell(&world, "deal", "d", Happening::Created, 1);
            world.finish(500).await;
            let next = world.store.state.lock().calls.len() + 1;
            world.store.state.lock().faults.insert(next, fault);
            world.pass_ms(20_000).await;
            assert_eq!(snapshots(&world, "deal", "d"), [1], "{fault:?}");
        });
    }
}
