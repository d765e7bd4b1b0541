//! What records were: their events by key, snapshots, and what forgotten events led to.

use std::sync::atomic::Ordering;

use objectos_data::event_store::StoredEvents;
use objectos_plugin_api::contracts::event_store::{
    Aggregate, AggregateRequest, DueRequest, EventStore, EventToStore, KeepRequest, PruneRequest, SettleRequest,
    Snapshot,
};
use objectos_plugin_api::contracts::events::{RecordState, record_state};
use objectos_plugin_api::protocol::kernel::Event;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use super::{ctx, to_store, world};
use crate::world::{NOON, World};

const DAY_MS: i64 = 86_400_000;

fn thing(record: &str) -> Aggregate {
    Aggregate {
        object: "thing".to_owned(),
        record: record.to_owned(),
    }
}

/// An event of a record that is then `{n}`, or gone.
fn of_record(name: &str, record: &str, n: Option<i64>) -> EventToStore {
    let mut payload = json!({ "type": name, "object": "thing", "recordId": record });
    if let Some(n) = n {
        payload["after"] = json!({ "n": n });
    }
    let event: Event = serde_json::from_value(json!({
        "id": format!("{record}-{n:?}"), "name": name, "payload": payload,
        "metadata": { "source": "objectos.data", "timestamp": "2026-02-28T12:00:00.000Z" },
    }))
    .unwrap();
    EventToStore {
        event,
        key: format!("thing/{record}"),
    }
}

async fn append_done(events: &StoredEvents, items: Vec<EventToStore>) -> Vec<u64> {
    let done = events.append(ctx(), items).await.unwrap();
    let settle = SettleRequest {
        done: done.clone(),
        ..SettleRequest::default()
    };
    events.settle(ctx(), settle).await.unwrap();
    done
}

/// A record as it is rebuilt: the newest snapshot within the bounds and the events after it, with where it began.
async fn rebuilt(events: &StoredEvents, request: AggregateRequest) -> (Option<u64>, u64, Option<Map<String, Value>>) {
    let mut page = events.aggregate(ctx(), request.clone()).await.unwrap();
    let begin = page.snapshot.as_ref().map(|snapshot| snapshot.sequence);
    let (mut last, mut state) = page
        .snapshot
        .map_or((0, None), |snapshot| (snapshot.sequence, snapshot.state));
    while !page.events.is_empty() {
        for stored in &page.events {
            assert!(stored.sequence > last, "in their order");
            last = stored.sequence;
            state = match record_state(&stored.event) {
                Some(RecordState::Is(record)) => Some(record.clone()),
                Some(RecordState::Gone) => None,
                None => state,
            };
        }
        let next = AggregateRequest {
            after: Some(last),
            ..request.clone()
        };
        page = events.aggregate(ctx(), next).await.unwrap();
        assert!(page.snapshot.is_none(), "only the first page has one");
    }
    (begin, last, state)
}

fn snapshot(record: &str, sequence: u64, n: i64) -> Snapshot {
    Snapshot {
        aggregate: thing(record),
        sequence,
        at_ms: NOON,
        state: Some(Map::from_iter([("n".to_owned(), json!(n))])),
    }
}

async fn sequences(world: &World, condition: &str) -> i64 {
    world
        .number(&format!("SELECT COUNT(*) FROM objectos_snapshot WHERE {condition}"))
        .await
}

#[tokio::test]
async fn a_record_s_own_events_are_read_from_any_place_to_any_other() {
    let (world, events) = world().await;
    let first = world.create("thing", json!({ "name": "one" })).await.unwrap();
    let id = first["id"].as_str().unwrap().to_owned();
    world.create("thing", json!({ "name": "other" })).await.unwrap();
    world.clock.0.store(NOON + 1_000, Ordering::SeqCst);
    world.update("thing", &id, json!({ "name": "two" })).await.unwrap();
    // Of the same key, and no event of a record.
    let foreign = EventToStore {
        key: format!("thing/{id}"),
        ..to_store("a.b", 1)
    };
    events.append(ctx(), vec![foreign]).await.unwrap();
    let all = AggregateRequest::of(&thing(&id));
    let page = events.aggregate(ctx(), all.clone()).await.unwrap();
    let names: Vec<&str> = page.events.iter().map(|stored| stored.event.name.as_str()).collect();
    assert_eq!(names, ["data.record.created", "data.record.updated"]);
    let (_, last, state) = rebuilt(&events, all.clone()).await;
    assert_eq!(state.unwrap()["name"], "two");
    let earlier = AggregateRequest {
        until: Some(last - 1),
        ..all.clone()
    };
    assert_eq!(rebuilt(&events, earlier).await.2.unwrap()["name"], "one");
    let earlier = AggregateRequest {
        until_ms: Some(NOON + 999),
        limit: 1,
        ..all.clone()
    };
    assert_eq!(rebuilt(&events, earlier).await.2.unwrap()["name"], "one");
    let before = AggregateRequest {
        until_ms: Some(NOON - 1),
        ..all
    };
    assert_eq!(rebuilt(&events, before).await, (None, 0, None));
}

#[tokio::test]
async fn a_snapshot_is_due_after_so_many_events_and_the_newest_stay() {
    let (world, events) = world().await;
    let mut items = vec![of_record("data.record.created", "a", Some(0))];
    items.extend((1..7).map(|n| of_record("data.record.updated", "a", Some(n))));
    items.push(of_record("data.record.created", "b", Some(0)));
    let stored = append_done(&events, items).await;
    let due = async |aggregates: Vec<Aggregate>, objects: &[&str], interval: u64| {
        let request = DueRequest {
            aggregates,
            objects: objects.iter().map(|&name| name.to_owned()).collect(),
            interval,
            limit: 10,
        };
        let found = events.aggregates_due(ctx(), request).await.unwrap();
        found
            .into_iter()
            .map(|aggregate| aggregate.record)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(due(Vec::new(), &[], 1).await, "a b");
    assert_eq!(due(Vec::new(), &["thing", "other"], 2).await, "a");
    assert_eq!(due(Vec::new(), &["thin", "other"], 1).await, "");
    assert_eq!(due(vec![thing("b"), thing("c")], &[], 1).await, "b");
    assert_eq!(due(vec![thing("b")], &["thing"], 2).await, "");
    let keep = KeepRequest {
        snapshots: vec![
            snapshot("a", stored[1], 1),
            snapshot("a", stored[3], 3),
            snapshot("a", stored[5], 5),
        ],
        newest: 2,
    };
    events.keep_snapshots(ctx(), keep.clone()).await.unwrap();
    events.keep_snapshots(ctx(), keep).await.unwrap();
    assert_eq!(sequences(&world, "key = 'thing/a'").await, 2);
    assert_eq!(due(Vec::new(), &[], 2).await, "");
    assert_eq!(due(Vec::new(), &[], 1).await, "a b");
    let of = |until: u64| AggregateRequest {
        until: Some(until),
        ..AggregateRequest::of(&thing("a"))
    };
    for (until, begin, n) in [(6, Some(5), 6), (5, Some(5), 5), (4, Some(3), 4), (2, None, 2)] {
        let (from, last, state) = rebuilt(&events, of(stored[until])).await;
        assert_eq!(
            (from, last, state.unwrap()["n"].as_i64()),
            (begin.map(|at: usize| stored[at]), stored[until], Some(n)),
            "until {until}"
        );
    }
}

#[tokio::test]
async fn events_of_records_are_kept_longer_and_leave_what_they_led_to() {
    let (world, events) = world().await;
    append_done(
        &events,
        vec![to_store("a.b", 1), of_record("data.record.created", "gone", Some(1))],
    )
    .await;
    append_done(
        &events,
        vec![
            of_record("data.record.created", "old", Some(1)),
            of_record("data.record.updated", "old", Some(2)),
            of_record("data.record.purged", "gone", None),
        ],
    )
    .await;
    world.clock.0.store(NOON + 5 * DAY_MS, Ordering::SeqCst);
    append_done(
        &events,
        vec![of_record("data.record.updated", "old", Some(3)), to_store("a.b", 2)],
    )
    .await;
    let prune = async |days: i64, object: &str| {
        let request = PruneRequest {
            before_ms: NOON + 4 * DAY_MS,
            aggregates_before_ms: NOON + days * DAY_MS,
            objects: vec![object.to_owned()],
        };
        events.prune_but_aggregates(ctx(), request).await.unwrap()
    };
    assert_eq!(prune(0, "thing").await, 1, "what tells of no record");
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event").await, 6);
    assert_eq!(prune(1, "thing").await, 4);
    let (begin, _, state) = rebuilt(
        &events,
        AggregateRequest {
            until_ms: Some(NOON + DAY_MS),
            ..AggregateRequest::of(&thing("old"))
        },
    )
    .await;
    assert_eq!((begin.is_some(), state.unwrap()["n"].as_i64()), (true, Some(2)));
    let (_, _, state) = rebuilt(&events, AggregateRequest::of(&thing("old"))).await;
    assert_eq!(state.unwrap()["n"].as_i64(), Some(3));
    assert_eq!(
        sequences(&world, "key = 'thing/gone'").await,
        0,
        "nothing came after it was gone"
    );
    // It does not count among the newest.
    let keep = KeepRequest {
        snapshots: vec![snapshot("old", 900, 3), snapshot("old", 901, 3)],
        newest: 1,
    };
    events.keep_snapshots(ctx(), keep).await.unwrap();
    assert_eq!(sequences(&world, "key = 'thing/old'").await, 2);
    // No longer sourced: like all others, and a snapshot that events are missing after goes.
    prune(1, "other").await;
    assert_eq!(sequences(&world, "1 = 1").await, 0);
    assert_eq!(
        events.prune(ctx(), NOON + 6 * DAY_MS).await.unwrap(),
        1,
        "the last event stays"
    );
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// What a record was after an event.
struct Told {
    record: String,
    sequence: u64,
    at_ms: i64,
    state: Option<Map<String, Value>>,
}

/// Events, snapshots and retention in any order. The seed is printed; `OBJECTOS_SEED` repeats a course.
#[tokio::test]
async fn a_rebuilt_record_is_the_fold_of_its_events() {
    let seed = number_of("OBJECTOS_SEED").unwrap_or_else(|| rand::rng().random());
    println!("OBJECTOS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (world, events) = world().await;
    let mut told: Vec<Told> = Vec::new();
    let (mut now_ms, mut horizon_ms) = (NOON, NOON);
    for step in 0..150 {
        match random.random_range(0..10) {
            0 => {
                now_ms += random.random_range(0..DAY_MS);
                world.clock.0.store(now_ms, Ordering::SeqCst);
            }
            1 if now_ms - 2 * DAY_MS > horizon_ms => {
                horizon_ms = now_ms - 2 * DAY_MS;
                let request = PruneRequest {
                    before_ms: now_ms,
                    aggregates_before_ms: horizon_ms,
                    objects: Vec::new(),
                };
                events.prune_but_aggregates(ctx(), request).await.unwrap();
            }
            2 | 3 => snapshots(&events, &told, &mut random).await,
            _ => {
                let record = format!("r{}", random.random_range(0..3));
                let gone = random.random_bool(0.15);
                let name = if gone {
                    "data.record.deleted"
                } else {
                    "data.record.updated"
                };
                let item = of_record(name, &record, (!gone).then_some(step));
                let sequence = append_done(&events, vec![item]).await[0];
                let state = (!gone).then(|| Map::from_iter([("n".to_owned(), json!(step))]));
                told.push(Told {
                    record,
                    sequence,
                    at_ms: now_ms,
                    state,
                });
            }
        }
        check(&events, &told, horizon_ms, now_ms, &mut random).await;
    }
}

/// A snapshot of a record after any of its events, as it was then.
async fn snapshots(events: &StoredEvents, told: &[Told], random: &mut StdRng) {
    if told.is_empty() {
        return;
    }
    let Told {
        record,
        sequence,
        at_ms,
        state,
    } = &told[random.random_range(0..told.len())];
    // Whoever takes one has just read the event, so it is there.
    let until = AggregateRequest {
        until: Some(*sequence),
        ..AggregateRequest::of(&thing(record))
    };
    let (_, last, _) = rebuilt(events, until).await;
    if last != *sequence {
        return;
    }
    let snapshot = Snapshot {
        aggregate: thing(record),
        sequence: *sequence,
        at_ms: *at_ms,
        state: state.clone(),
    };
    let newest = random.random_range(1..4);
    let request = KeepRequest {
        snapshots: vec![snapshot],
        newest,
    };
    events.keep_snapshots(ctx(), request).await.unwrap();
}

async fn check(events: &StoredEvents, told: &[Told], horizon_ms: i64, now_ms: i64, random: &mut StdRng) {
    let record = format!("r{}", random.random_range(0..3));
    let until_ms = random.random_range(horizon_ms..=now_ms);
    let request = AggregateRequest {
        until_ms: Some(until_ms),
        limit: random.random_range(1..5),
        ..AggregateRequest::of(&thing(&record))
    };
    let (_, sequence, state) = rebuilt(events, request).await;
    let expected = told
        .iter()
        .rev()
        .find(|told| told.record == record && told.at_ms <= until_ms);
    let expected_state = expected.and_then(|told| told.state.clone());
    assert_eq!(state, expected_state, "{record} at {until_ms}");
    if state.is_some() {
        assert_eq!(Some(sequence), expected.map(|told| told.sequence));
    }
}
