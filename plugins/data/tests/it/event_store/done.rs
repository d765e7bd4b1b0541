//! Done events on their way into an archive.

use objectos_data::event_store::StoredEvents;
use objectos_plugin_api::contracts::event_store::{
    Aggregate, DoneRequest, EventStore, KeepRequest, RangeRequest, SettleRequest, Snapshot,
};
use serde_json::json;

use super::{ctx, to_store, world};
use crate::world::{NOON, World};

/// Six events, by their sequences: the third is not done, the fourth is of a record of `thing`.
async fn told() -> (World, StoredEvents, Vec<u64>) {
    let (world, events) = world().await;
    let first = (1..=3).map(|n| to_store("a.b", n)).collect();
    events.append(ctx(), first).await.unwrap();
    world.create("thing", json!({ "name": "x" })).await.unwrap();
    let last = (4..=5).map(|n| to_store("a.b", n)).collect();
    events.append(ctx(), last).await.unwrap();
    let sequences = left(&events).await;
    assert_eq!(sequences.len(), 6);
    let done = sequences.iter().copied().filter(|sequence| *sequence != sequences[2]);
    let settle = SettleRequest {
        done: done.collect(),
        ..SettleRequest::default()
    };
    events.settle(ctx(), settle).await.unwrap();
    (world, events, sequences)
}

fn request(but_records_of: Option<&[&str]>) -> DoneRequest {
    DoneRequest {
        after: 0,
        limit: 10,
        but_records_of: but_records_of.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        only_records_of: None,
    }
}

async fn left(events: &StoredEvents) -> Vec<u64> {
    let all = RangeRequest {
        limit: 100,
        ..RangeRequest::default()
    };
    let found = events.range(ctx(), all).await.unwrap();
    found.into_iter().map(|stored| stored.sequence).collect()
}

#[tokio::test]
async fn done_events_are_given_away_but_for_the_last_and_those_of_records() {
    let (_world, events, all) = told().await;
    let check = async |request: DoneRequest, expected: &[usize]| {
        let found = events.done(ctx(), request.clone()).await.unwrap();
        let sequences: Vec<u64> = found.iter().map(|done| done.sequence).collect();
        let expected: Vec<u64> = expected.iter().map(|place| all[*place]).collect();
        assert_eq!(sequences, expected, "{request:?}");
    };
    check(request(None), &[0, 1, 3, 4]).await;
    check(request(Some(&["other"])), &[0, 1, 3, 4]).await;
    check(request(Some(&["other", "thing"])), &[0, 1, 4]).await;
    check(request(Some(&[])), &[0, 1, 4]).await;
    let only = |names: &[&str]| DoneRequest {
        only_records_of: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..request(None)
    };
    check(only(&[]), &[3]).await;
    check(only(&["other", "thing"]), &[3]).await;
    check(only(&["other"]), &[]).await;
    let page = DoneRequest {
        after: all[0],
        limit: 2,
        ..request(None)
    };
    check(page, &[1, 3]).await;
    let found = events.done(ctx(), request(None)).await.unwrap();
    let first = &found[0];
    assert_eq!(
        (first.stored_at_ms, first.key.as_str(), first.event.name.as_str()),
        (NOON, "k1", "a.b")
    );
    assert_eq!(found[2].event.name, "data.record.created");
}

#[tokio::test]
async fn only_what_is_done_and_not_the_last_is_forgotten() {
    let (_world, events, all) = told().await;
    let moved = vec![all[0], all[2], all[3], all[5]];
    assert_eq!(events.forget_done(ctx(), moved.clone()).await.unwrap(), 2);
    assert_eq!(left(&events).await, [all[1], all[2], all[4], all[5]]);
    assert_eq!(events.forget_done(ctx(), moved).await.unwrap(), 0, "twice is once");
    assert_eq!(events.forget_done(ctx(), Vec::new()).await.unwrap(), 0);
    // A list longer than one statement takes.
    let many = (0..1_300).collect();
    assert_eq!(events.forget_done(ctx(), many).await.unwrap(), 2);
    let next = events.append(ctx(), vec![to_store("a.b", 6)]).await.unwrap();
    assert!(next[0] > all[5], "no sequence is given twice");
}

#[tokio::test]
async fn snapshots_of_records_whose_events_left_are_forgotten() {
    let (world, events, all) = told().await;
    let page = events.done(ctx(), request(None)).await.unwrap();
    let own = page.iter().find(|done| done.sequence == all[3]).unwrap();
    let record = own.key.strip_prefix("thing/").unwrap();
    let snapshot = |record: &str| Snapshot {
        aggregate: Aggregate {
            object: "thing".to_owned(),
            record: record.to_owned(),
        },
        sequence: all[3],
        at_ms: NOON,
        state: None,
    };
    let keep = KeepRequest {
        snapshots: vec![snapshot(record), snapshot("other")],
        newest: 1,
    };
    events.keep_snapshots(ctx(), keep).await.unwrap();
    events.forget_done(ctx(), vec![all[0]]).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_snapshot").await, 2);
    events.forget_done(ctx(), vec![all[3]]).await.unwrap();
    let left = "SELECT COUNT(*) FROM objectos_snapshot WHERE key = 'thing/other'";
    assert_eq!(world.number(left).await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_snapshot").await, 1);
}
