//! The service `event-store`, called as the kernel does.

mod aggregates;
mod done;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use objectos_data::event_store::StoredEvents;
use objectos_data::store::{Expect, Outcome, SqlValue, Statement, WriteUnit};
use objectos_plugin_api::contracts::event_store::{
    DeadLetterRequest, Delivery, DeliveryState, EventStore, EventToStore, PendingRequest, RangePageRequest,
    RangeRequest, SettleRequest,
};
use objectos_plugin_api::private::RStr;
use objectos_plugin_api::protocol::kernel::{DeadLetterQueueEntry, Event};
use objectos_plugin_api::{Context, Error, ErrorKind};
use serde_json::json;

use crate::world::{NOON, World};

async fn world() -> (World, StoredEvents) {
    let world = World::new(&[("thing.object.yml", "name: thing\nfields: { name: { type: text } }")]).await;
    let events = StoredEvents::new(Arc::clone(&world.store), Arc::clone(&world.engine.parts().clock));
    (world, events)
}

fn event(name: &str, number: u64) -> Event {
    serde_json::from_value(json!({
        "id": format!("e{number}"), "name": name, "payload": { "n": number },
        "metadata": { "source": "test", "timestamp": "2026-02-28T12:00:00.000Z" },
    }))
    .unwrap()
}

fn to_store(name: &str, number: u64) -> EventToStore {
    EventToStore {
        event: event(name, number),
        key: format!("k{}", number % 2),
    }
}

fn pending(node: &str, after: u64, lease_ms: u64) -> PendingRequest {
    PendingRequest {
        after,
        limit: 10,
        node: node.to_owned(),
        lease_ms,
    }
}

fn ctx() -> Context {
    Context::request("kernel")
}

/// As another plugin would call.
fn foreign() -> Context {
    let context = ctx();
    let mut raw = context.raw();
    raw.caller = RStr::from_str("test.plugin");
    Context::from_raw(&raw)
}

#[tokio::test]
async fn only_the_kernel_is_served() {
    let (_world, events) = world().await;
    let stored = events.append(ctx(), vec![to_store("a.one", 1)]).await.unwrap();
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.message().contains("plugin test.plugin may not use"), "{error}");
    };
    refused(events.append(foreign(), vec![to_store("a.two", 2)]).await.unwrap_err());
    refused(events.pending(foreign(), pending("n1", 0, 0)).await.unwrap_err());
    let settled = SettleRequest {
        done: stored,
        deliveries: Vec::new(),
        dead_letters: Vec::new(),
    };
    refused(events.settle(foreign(), settled).await.unwrap_err());
    refused(events.prune(foreign(), i64::MAX).await.unwrap_err());
    refused(events.forget_done(foreign(), vec![1]).await.unwrap_err());
    let waiting = events.pending(ctx(), pending("n1", 0, 0)).await.unwrap();
    let names: Vec<&str> = waiting.iter().map(|waiting| waiting.event.name.as_str()).collect();
    assert_eq!(names, ["a.one"], "nothing was changed");
}

fn delivery(sequence: u64, handler: &str, state: DeliveryState) -> Delivery {
    Delivery {
        sequence,
        handler: handler.to_owned(),
        state,
        attempts: 2,
        first_failed_at_ms: 5,
        error: "boom".to_owned(),
    }
}

#[tokio::test]
async fn events_wait_in_their_order_until_they_are_done() {
    let (world, events) = world().await;
    let stored = events
        .append(ctx(), vec![to_store("a.one", 1), to_store("a.two", 2)])
        .await
        .unwrap();
    assert_eq!(stored.len(), 2);
    assert!(stored[0] < stored[1]);
    world.create("thing", json!({ "name": "x" })).await.unwrap();
    let waiting = events.pending(ctx(), pending("n1", 0, 0)).await.unwrap();
    let names: Vec<&str> = waiting.iter().map(|waiting| waiting.event.name.as_str()).collect();
    assert_eq!(names, ["a.one", "a.two", "data.record.created"]);
    assert_eq!(
        (waiting[0].key.as_str(), &waiting[0].event.payload),
        ("k1", &json!({ "n": 1 }))
    );
    assert_eq!(
        events.pending(ctx(), pending("n1", stored[0], 0)).await.unwrap().len(),
        2
    );
    let settle = SettleRequest {
        done: vec![stored[0]],
        deliveries: vec![
            delivery(stored[1], "p/h", DeliveryState::Retrying),
            delivery(stored[1], "p/g", DeliveryState::Done),
        ],
        dead_letters: Vec::new(),
    };
    events.settle(ctx(), settle).await.unwrap();
    let waiting = events.pending(ctx(), pending("n1", 0, 0)).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!(
        waiting[0].deliveries,
        [
            delivery(stored[1], "p/g", DeliveryState::Done),
            delivery(stored[1], "p/h", DeliveryState::Retrying)
        ]
    );
    let settle = SettleRequest {
        done: vec![stored[1]],
        ..SettleRequest::default()
    };
    events.settle(ctx(), settle).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event_delivery").await, 0);
}

/// A page that is not full would be taken for the last one.
#[tokio::test]
async fn a_page_is_full_whatever_cannot_be_read() {
    let (world, events) = world().await;
    let twelve = (1..=12).map(|number| to_store("a.b", number)).collect();
    let stored = events.append(ctx(), twelve).await.unwrap();
    let sql = "UPDATE objectos_event SET event = '{' WHERE sequence = ?";
    let second = SqlValue::Integer(i64::try_from(stored[1]).unwrap());
    let mut unit = WriteUnit::default();
    unit.push(Statement::new(sql, vec![second]), Expect::Changed(1));
    let outcome = world.store.write(unit).await.unwrap();
    assert_eq!(outcome, Outcome::Stored(Vec::new()));
    let readable: Vec<u64> = [&stored[..1], &stored[2..]].concat();
    for lease_ms in [0, 1_000] {
        let page = async |after: u64| -> Vec<u64> {
            let page = events.pending(ctx(), pending("n1", after, lease_ms)).await.unwrap();
            page.into_iter().map(|waiting| waiting.sequence).collect()
        };
        assert_eq!(page(0).await, readable[..10]);
        assert_eq!(page(readable[9]).await, readable[10..], "the last page");
        assert!(page(stored[11]).await.is_empty(), "nothing behind it");
    }
}

#[tokio::test]
async fn events_of_another_node_are_left_to_it_while_its_lease_runs() {
    let (world, events) = world().await;
    events.append(ctx(), vec![to_store("a.b", 1)]).await.unwrap();
    assert_eq!(events.pending(ctx(), pending("n1", 0, 1_000)).await.unwrap().len(), 1);
    if !world.store.shared() {
        // Nobody else can be there: what is read is not written to.
        let leases = "SELECT COUNT(*) FROM objectos_event WHERE lease_node IS NOT NULL OR lease_until_ms <> 0";
        assert_eq!(world.number(leases).await, 0);
        // Whoever starts after a crash waits for nobody's lease.
        assert_eq!(events.pending(ctx(), pending("n2", 0, 1_000)).await.unwrap().len(), 1);
        return;
    }
    assert_eq!(events.pending(ctx(), pending("n2", 0, 1_000)).await.unwrap().len(), 0);
    assert_eq!(events.pending(ctx(), pending("n1", 0, 1_000)).await.unwrap().len(), 1);
    world.clock.0.store(NOON + 1_001, Ordering::SeqCst);
    assert_eq!(events.pending(ctx(), pending("n2", 0, 1_000)).await.unwrap().len(), 1);
    assert_eq!(events.pending(ctx(), pending("n1", 0, 1_000)).await.unwrap().len(), 0);
}

/// With several writers an event can become visible behind the place from which the next ones are looked for.
#[tokio::test]
async fn an_event_waits_for_an_earlier_one_of_its_key_that_nobody_saw() {
    let (world, events) = world().await;
    let three = (1..=3).map(|number| to_store("a.b", number)).collect();
    let stored = events.append(ctx(), three).await.unwrap();
    let page = async |node: &str, after: u64| -> Vec<u64> {
        let page = events.pending(ctx(), pending(node, after, 1_000)).await.unwrap();
        page.into_iter().map(|waiting| waiting.sequence).collect()
    };
    if !world.store.shared() {
        // There is one writer.
        assert_eq!(page("n1", stored[1]).await, stored[2..]);
        return;
    }
    assert!(page("n1", stored[1]).await.is_empty(), "the first has its key");
    assert_eq!(page("n1", 0).await, stored);
    world.clock.0.store(NOON + 1_001, Ordering::SeqCst);
    assert_eq!(
        page("n1", stored[1]).await,
        stored[2..],
        "it has the first, though too long"
    );
    world.clock.0.store(NOON + 3_000, Ordering::SeqCst);
    assert!(page("n2", stored[1]).await.is_empty(), "another node never had it");
    assert_eq!(page("n2", 0).await, stored);
}

#[tokio::test]
async fn events_are_read_again_by_time_and_name() {
    let (world, events) = world().await;
    let first = events
        .append(ctx(), vec![to_store("a.one", 1), to_store("b.two", 2)])
        .await
        .unwrap();
    world.clock.0.store(NOON + 1_000, Ordering::SeqCst);
    events.append(ctx(), vec![to_store("a.three", 3)]).await.unwrap();
    events
        .settle(
            ctx(),
            SettleRequest {
                done: first.clone(),
                ..SettleRequest::default()
            },
        )
        .await
        .unwrap();
    let check = async |request: RangeRequest, expected: &[&str]| {
        let found = events.range(ctx(), request.clone()).await.unwrap();
        let names: Vec<&str> = found.iter().map(|found| found.event.name.as_str()).collect();
        assert_eq!(names, expected, "{request:?}");
    };
    let all = RangeRequest {
        from_ms: 0,
        limit: 10,
        ..RangeRequest::default()
    };
    check(all.clone(), &["a.one", "b.two", "a.three"]).await;
    check(
        RangeRequest {
            names: vec!["a.*".to_owned()],
            limit: 1,
            ..all.clone()
        },
        &["a.one"],
    )
    .await;
    check(
        RangeRequest {
            names: vec!["a.*".to_owned()],
            limit: 2,
            ..all.clone()
        },
        &["a.one", "a.three"],
    )
    .await;
    check(
        RangeRequest {
            to_ms: Some(NOON + 1_000),
            ..all.clone()
        },
        &["a.one", "b.two"],
    )
    .await;
    check(
        RangeRequest {
            from_ms: NOON + 1,
            ..all.clone()
        },
        &["a.three"],
    )
    .await;
    check(RangeRequest { after: first[0], ..all }, &["b.two", "a.three"]).await;
}

/// However few are looked at in one call, each is found once, and a call that finds nothing says how far it came.
#[tokio::test]
async fn a_rare_name_is_found_by_short_calls() {
    let (_world, events) = world().await;
    for number in 1..=10 {
        let name = if number == 7 { "rare" } else { "a.b" };
        events.append(ctx(), vec![to_store(name, number)]).await.unwrap();
    }
    for (name, looked_at_max, limit, expected) in [
        ("rare", 1, 5, &[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0][..]),
        ("rare", 3, 5, &[0, 0, 1, 0]),
        ("rare", 0, 5, &[1]),
        ("rare", 0, 1, &[1, 0]),
        ("a.b", 4, 2, &[2, 2, 2, 2, 1]),
        ("a.b", 4, 9, &[4, 3, 2]),
    ] {
        let mut request = RangePageRequest {
            range: RangeRequest {
                names: vec![name.to_owned()],
                limit,
                ..RangeRequest::default()
            },
            looked_at_max,
            time_max_ms: 0,
        };
        let (mut counts, mut ids) = (Vec::new(), Vec::new());
        loop {
            let page = events.range_page(ctx(), request.clone()).await.unwrap();
            counts.push(page.events.len());
            ids.extend(page.events.into_iter().filter_map(|stored| stored.event.id));
            let Some(next) = page.next else { break };
            assert!(next > request.range.after);
            request.range.after = next;
        }
        let place = format!("{name}, {looked_at_max} a call, {limit} a page");
        assert_eq!(counts, expected, "{place}");
        let wanted = (1..=10).filter(|number| (*number == 7) == (name == "rare"));
        assert_eq!(
            ids,
            wanted.map(|number| format!("e{number}")).collect::<Vec<_>>(),
            "{place}"
        );
    }
}

#[tokio::test]
async fn dead_letters_are_kept_listed_and_taken_out() {
    let (_world, events) = world().await;
    let letter = |id: &str, at: &str| -> DeadLetterQueueEntry {
        serde_json::from_value(json!({
            "id": id, "event": event("a.b", 1), "error": { "message": "boom" }, "retries": 3,
            "firstFailedAt": "2026-02-28T12:00:00.000Z", "lastFailedAt": at, "failedHandler": "p/h",
        }))
        .unwrap()
    };
    let settle = SettleRequest {
        dead_letters: vec![
            letter("d1", "2026-02-28T12:00:01.000Z"),
            letter("d2", "2026-02-28T12:00:02.000Z"),
        ],
        ..SettleRequest::default()
    };
    events.settle(ctx(), settle).await.unwrap();
    let page = |id: Option<&str>, offset: u32, remove: bool| DeadLetterRequest {
        id: id.map(str::to_owned),
        offset,
        limit: 10,
        remove,
    };
    let ids = async |request: DeadLetterRequest| -> Vec<String> {
        events
            .dead_letters(ctx(), request)
            .await
            .unwrap()
            .into_iter()
            .map(|entry| entry.id)
            .collect()
    };
    assert_eq!(ids(page(None, 0, false)).await, ["d2", "d1"]);
    assert_eq!(ids(page(None, 1, false)).await, ["d1"]);
    assert_eq!(ids(page(Some("d2"), 0, true)).await, ["d2"]);
    assert_eq!(ids(page(None, 0, false)).await, ["d1"]);
}

#[tokio::test]
async fn done_events_are_forgotten_but_no_sequence_comes_twice() {
    let (world, events) = world().await;
    let stored = events
        .append(ctx(), (0..5).map(|number| to_store("a.b", number)).collect())
        .await
        .unwrap();
    events
        .settle(
            ctx(),
            SettleRequest {
                done: stored[..4].to_vec(),
                ..SettleRequest::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(events.prune(ctx(), NOON).await.unwrap(), 0);
    assert_eq!(events.prune(ctx(), NOON + 1).await.unwrap(), 4);
    events
        .settle(
            ctx(),
            SettleRequest {
                done: stored[4..].to_vec(),
                ..SettleRequest::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(events.prune(ctx(), NOON + 1).await.unwrap(), 0);
    let next = events.append(ctx(), vec![to_store("a.b", 9)]).await.unwrap();
    assert!(next[0] > stored[4]);
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event").await, 2);
}
