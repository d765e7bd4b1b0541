//! Done events that are kept in an archive: moved, never lost, read with those of the store as one, and forgotten in both.

use objectos_plugin_api::{
    Error, ErrorKind,
    protocol::kernel::{EventPriority, EventReplayConfig, HealthCheckResult, HealthCheckStatus},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{
    model::{Fault, Verdict},
    world::{World, event, run},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Keeps done events for three days in an archive. What fails is tried again after ten minutes.
fn config(sourcing: &Value) -> Value {
    let policy = json!({
        "maxRetries": 9, "backoffStrategy": "fixed", "initialDelayMs": 10 * MINUTE_MS, "maxDelayMs": 10 * MINUTE_MS,
    });
    json!({
        "persistence": {"retention": 3, "storage": "custom"},
        "queue": {"retryPolicy": policy},
        "eventSourcing": sourcing,
    })
}

/// A world with one durable handler and small pages.
fn opened(config: Value) -> World {
    let mut world = World::tuned(config, |settings| settings.limits.page_events = 3);
    world.register("p", &["!a data.*"]);
    world.bus.open();
    world
}

fn plain() -> World {
    opened(config(&json!({"enabled": false})))
}

/// Stores events with these ids; those of an even number are `data.even`.
fn tell(world: &World, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        let name = if n % 2 == 0 { "data.even" } else { "data.odd" };
        let id = format!("e{n}");
        world.write(&[(id.as_str(), name, "")]);
    }
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("e{n}")).collect()
}

fn set(ids: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    ids.into_iter().collect()
}

fn check_of(world: &World) -> HealthCheckResult {
    let checks = world.bus.health();
    let check = checks.into_iter().find(|check| check.name == "event-archive");
    check.expect("a bus with an archive has a check of it")
}

/// Everything is replayed to the handler; answers the count and what it got.
async fn replayed(world: &World, rest: &Value) -> Result<(u64, Vec<String>), Error> {
    let mut request = json!({"fromTimestamp": "2025-01-31T08:00:00Z", "speed": 1_000_000});
    let keys = rest.as_object().expect("keys").clone();
    request.as_object_mut().expect("a request").extend(keys);
    let request: EventReplayConfig = serde_json::from_value(request).expect("a request");
    world.handlers.calls.lock().clear();
    let count = world.bus.replay(&request).await?;
    world.pass_ms(1_000).await;
    Ok((count, world.handlers.seen("p/a")))
}

#[test]
fn done_events_are_moved_and_the_last_one_stays() {
    run(|| async {
        let world = plain();
        tell(&world, 0..10);
        world.pass_ms(MINUTE_MS).await;
        assert_eq!(world.archive.ids(), ids(0..9));
        assert_eq!(world.store.ids(), ids([9]));
        assert_eq!(world.bus.metrics().archived, 9);
        tell(&world, [10]);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.archive.ids(), ids(0..10));
        assert_eq!(world.store.ids(), ids([10]));
        let check = check_of(&world);
        assert_eq!((check.status, &check.message), (HealthCheckStatus::Passed, &None));
        assert_eq!(check.data["archived"], json!(10));
    });
}

#[test]
fn without_an_archive_nothing_is_moved() {
    run(|| async {
        let world = opened(json!({"persistence": {"retention": 3}}));
        tell(&world, 0..10);
        world.pass_ms(60 * MINUTE_MS).await;
        assert_eq!(world.store.ids(), ids(0..10));
        assert!(world.archive.state.lock().calls.is_empty());
        assert!(world.bus.health().iter().all(|check| check.name != "event-archive"));
    });
}

#[test]
fn what_is_not_done_stays_and_is_moved_when_it_is() {
    run(|| async {
        let world = plain();
        world.handlers.script(|_, event| match event.id.as_deref() {
            Some("e1") => Verdict::Fail,
            _ => Verdict::Take,
        });
        tell(&world, 0..6);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.archive.ids(), ids([0, 2, 3, 4]));
        assert_eq!(world.store.ids(), ids([1, 5]));
        world.handlers.script(|_, _| Verdict::Take);
        world.pass_ms(90 * MINUTE_MS).await;
        assert_eq!(
            world.archive.ids(),
            ids([0, 2, 3, 4, 1]),
            "once all are looked at again"
        );
        assert_eq!(world.store.ids(), ids([5]));
    });
}

/// Whether the fault was reached: at the n-th call of the archive, or of the store.
async fn course(fault: Fault, of_archive: bool, number: usize) -> bool {
    let place = format!("{fault:?} at call {number}, of the archive: {of_archive}");
    let world = plain();
    if of_archive {
        world.archive.state.lock().faults.insert(number, fault);
    } else {
        world.store.state.lock().faults.insert(number, fault);
    }
    for n in 0..8 {
        tell(&world, [n]);
        for _ in 0..10 {
            world.pass_ms(1_000).await;
            let kept = set(world.store.ids().into_iter().chain(world.archive.ids()));
            assert_eq!(kept, set(ids(0..=n)), "{place}: nothing is lost");
        }
    }
    // Long enough for all that was done late to be looked at.
    world.pass_ms(65 * MINUTE_MS).await;
    assert_eq!(set(world.archive.ids()), set(ids(0..7)), "{place}: all are moved");
    assert_eq!(world.store.ids(), ids([7]), "{place}: but for the last one");
    let told = replayed(&world, &json!({})).await.expect("a replay");
    assert_eq!(told, (8, ids(0..8)), "{place}: each is replayed once");
    let left = if of_archive {
        world.archive.state.lock().faults.len()
    } else {
        world.store.state.lock().faults.len()
    };
    left == 0
}

#[test]
fn any_call_may_fail_and_nothing_is_lost() {
    // Three pages are moved and one look is for old events before the replay reads the archive.
    for (of_archive, calls) in [(true, 4), (false, 45)] {
        for fault in [
            Fault::Refuse(ErrorKind::Unavailable),
            Fault::LoseAnswer(ErrorKind::Timeout),
            Fault::Hang,
        ] {
            for number in 1..=calls {
                let reached = std::cell::Cell::new(false);
                run(|| async { reached.set(course(fault, of_archive, number).await) });
                assert!(reached.get(), "{fault:?}: call {number} is made");
            }
        }
    }
}

#[test]
fn a_doubled_entry_is_replayed_once() {
    run(|| async {
        let world = plain();
        let lost = Fault::LoseAnswer(ErrorKind::Timeout);
        world.archive.state.lock().faults.insert(1, lost);
        tell(&world, 0..8);
        world.pass_ms(2 * MINUTE_MS).await;
        let archived = world.archive.ids();
        assert_eq!(archived, [ids(0..3), ids(0..7)].concat(), "the first page came twice");
        let told = replayed(&world, &json!({})).await.expect("a replay");
        assert_eq!(told, (8, ids(0..8)));
    });
}

#[test]
fn a_replay_reads_archive_and_store_in_one_order() {
    run(|| async {
        let world = plain();
        world.handlers.script(|_, event| match event.id.as_deref() {
            Some("e2" | "e5") => Verdict::Fail,
            _ => Verdict::Take,
        });
        tell(&world, 0..8);
        world.pass_ms(30_000).await;
        // What is tried again is in the store yet, between events that are in the archive.
        world.archive.state.lock().away = vec!["append"];
        tell(&world, 8..12);
        world.handlers.script(|_, _| Verdict::Take);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.archive.ids(), ids([0, 1, 3, 4, 6]));
        assert_eq!(world.store.ids(), ids([2, 5].into_iter().chain(7..12)));
        for (rest, expected) in [
            (json!({}), ids(0..12)),
            (json!({"eventTypes": ["data.even"]}), ids((0..12).step_by(2))),
            (json!({"toTimestamp": "2025-01-31T08:00:10Z"}), ids(0..8)),
            (json!({"fromTimestamp": "2025-01-31T08:00:10Z"}), ids(8..12)),
        ] {
            let told = replayed(&world, &rest).await.expect("a replay");
            assert_eq!(told.1, expected, "{rest}");
            assert_eq!(told.0, u64::try_from(expected.len()).expect("a count"), "{rest}");
        }
    });
}

/// A name that is rare among many events takes many calls, of which none looks at more than it may.
#[test]
fn a_rare_name_is_found_by_short_calls() {
    run(|| async {
        let mut world = World::tuned(config(&json!({"enabled": false})), |settings| {
            settings.limits.page_events = 3;
            settings.limits.replay_looked_at_max = 4;
        });
        world.register("p", &["!a data.*"]);
        world.bus.open();
        tell(&world, 0..20);
        world.write(&[("rare", "data.rare", "")]);
        tell(&world, 21..40);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!(world.store.ids(), ids([39]), "all others are in the archive");
        let asked = |calls: &[&'static str]| calls.iter().filter(|call| **call == "range").count();
        let before = asked(&world.archive.state.lock().calls);
        let told = replayed(&world, &json!({"eventTypes": ["data.rare"]})).await;
        assert_eq!(told.expect("a replay"), (1, vec!["rare".to_owned()]));
        // 39 in the archive, four a call, read to be counted and read to be told.
        assert_eq!(asked(&world.archive.state.lock().calls) - before, 2 * 10);
        let all = replayed(&world, &json!({})).await.expect("a replay");
        let expected = [ids(0..20), vec!["rare".to_owned()], ids(21..40)].concat();
        assert_eq!(all, (40, expected), "whatever the size of pages, each comes once");
    });
}

#[test]
fn retention_forgets_in_archive_and_store() {
    run(|| async {
        let world = plain();
        tell(&world, 0..3);
        world.pass_ms(2 * MINUTE_MS).await;
        assert_eq!((world.archive.ids(), world.store.ids()), (ids([0, 1]), ids([2])));
        // From here on nothing more can be moved; the last one is forgotten out of the store.
        world.archive.state.lock().away = vec!["append"];
        world.clock.advance_ms(2 * DAY_MS);
        world.pass_ms(DAY_MS / 2).await;
        tell(&world, [3]);
        world.pass_ms(1_000).await;
        assert_eq!(world.archive.ids(), ids([0, 1]), "not old enough");
        assert_eq!(world.store.ids(), ids([2, 3]), "not old enough");
        world.clock.advance_ms(DAY_MS);
        world.pass_ms(1_000).await;
        assert_eq!((world.archive.ids(), world.store.ids()), (Vec::new(), ids([3])));
        assert_eq!(world.bus.metrics().pruned, 3);
    });
}

#[test]
fn nobody_who_archives_is_told_of_and_costs_nothing() {
    run(|| async {
        let world = plain();
        world.archive.state.lock().away = vec!["append", "range", "prune"];
        tell(&world, 0..8);
        world.pass_ms(10 * MINUTE_MS).await;
        assert_eq!((world.store.ids(), world.archive.ids()), (ids(0..8), Vec::new()));
        let check = check_of(&world);
        let message = check.message.unwrap_or_default();
        assert_eq!(check.status, HealthCheckStatus::Warning, "{message}");
        for part in [
            "the service event-archive does not take done events",
            "(no provider)",
            "they stay in the event store, nothing is lost",
            "install or enable a plugin that provides it, or write persistence.storage: database",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let error = replayed(&world, &json!({}))
            .await
            .expect_err("part of it may be missing");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        world.archive.state.lock().away.clear();
        world.pass_ms(MINUTE_MS).await;
        assert_eq!(world.archive.ids(), ids(0..7));
        assert_eq!(check_of(&world).status, HealthCheckStatus::Passed);
    });
}

#[test]
fn events_of_sourced_records_stay_in_the_store() {
    for (sourcing, stay) in [
        (json!({"enabled": false}), vec!["last"]),
        (
            json!({"enabled": true, "aggregateTypes": ["deal"]}),
            vec!["deal", "last"],
        ),
        (json!({"enabled": true}), vec!["deal", "task", "last"]),
    ] {
        run(|| async {
            let world = opened(config(&sourcing));
            let of_record = |object: &str, name: &str| {
                let payload = json!({"object": object, "recordId": "1", "after": {"id": "1"}});
                let told = event(object, name, EventPriority::Normal, payload);
                (told, format!("{object}/1"))
            };
            world.store.write([
                of_record("deal", "data.record.created"),
                of_record("task", "data.record.created"),
                of_record("other", "data.other"),
                of_record("last", "data.other"),
            ]);
            world.bus.events_stored();
            world.pass_ms(5 * MINUTE_MS).await;
            assert_eq!(world.store.ids(), stay, "{sourcing}");
        });
    }
}
