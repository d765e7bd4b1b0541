//! Stored events, once more.

use objectos_kernel::clock::Clock;
use objectos_plugin_api::{
    Error, ErrorKind,
    protocol::kernel::{EventPriority, EventReplayConfig},
};
use serde_json::{Value, json};

use super::{
    model::Verdict,
    world::{START_MS, World, event, run},
};

/// Ten events, one a second, and handlers that had them.
async fn told(config: Value) -> World {
    let mut world = World::tuned(config, |settings| settings.limits.page_events = 3);
    world.register("p", &["!a data.*", "!b data.even", "live data.*"]);
    world.bus.open();
    for n in 0..10 {
        let name = if n % 2 == 0 { "data.even" } else { "data.odd" };
        let mut event = event(
            &format!("e{n}"),
            name,
            EventPriority::Normal,
            json!({"n": n, "object": if n < 5 { "deal" } else { "task" }}),
        );
        event.metadata.timestamp = format!("2025-01-31T08:00:0{n}Z");
        world.store.write([(event, "k".to_owned())]);
        world.bus.events_stored();
        world.pass_ms(1_000).await;
    }
    world.finish(10_000).await;
    world.handlers.calls.lock().clear();
    world
}

async fn replay(world: &World, request: Value) -> Result<u64, Error> {
    let request: EventReplayConfig = serde_json::from_value(request).expect("a request");
    let count = world.bus.replay(&request).await;
    world.pass_ms(60_000).await;
    count
}

#[test]
fn a_replay_delivers_what_it_names() {
    let all = "2025-01-31T08:00:00Z";
    for (request, count, a, b) in [
        (json!({"fromTimestamp": all, "speed": 1000}), 10, "0123456789", "02468"),
        (
            json!({"fromTimestamp": "2025-01-31T08:00:03Z", "toTimestamp": "2025-01-31T08:00:05Z", "speed": 1000}),
            3,
            "345",
            "4",
        ),
        (
            json!({"fromTimestamp": all, "eventTypes": ["data.even"], "speed": 1000}),
            5,
            "02468",
            "02468",
        ),
        (
            json!({"fromTimestamp": all, "filters": {"object": "task", "userId": "u1"}, "speed": 1000}),
            5,
            "56789",
            "68",
        ),
        (
            json!({"fromTimestamp": all, "filters": {"userId": "u2"}, "speed": 1000}),
            0,
            "",
            "",
        ),
        (
            json!({"fromTimestamp": all, "targetHandlers": ["p/b"], "speed": 1000}),
            5,
            "",
            "02468",
        ),
        (
            json!({"fromTimestamp": "2025-02-01T00:00:00Z", "toTimestamp": "2025-02-02T00:00:00Z"}),
            0,
            "",
            "",
        ),
    ] {
        run(|| async {
            let world = told(json!({})).await;
            assert_eq!(
                replay(&world, request.clone()).await.expect("a count"),
                count,
                "{request}"
            );
            let numbers = |handler: &str| world.handlers.seen(handler).concat().replace('e', "");
            assert_eq!((numbers("p/a").as_str(), numbers("p/b").as_str()), (a, b), "{request}");
            assert!(world.handlers.seen("p/live").is_empty());
            let calls = world.handlers.calls.lock();
            assert!(
                calls
                    .iter()
                    .all(|call| call.context.extra().get("replay") == Some(&json!(true)))
            );
            assert_eq!(world.bus.metrics().replay_remaining, 0);
        });
    }
}

#[test]
fn a_replay_keeps_its_pace() {
    for (speed, step_ms) in [(1.0, 1_000), (2.0, 500), (1_000_000.0, 2)] {
        run(|| async {
            let world = told(json!({})).await;
            let before_ms = world.clock.now_ms();
            replay(
                &world,
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "speed": speed, "targetHandlers": ["p/a"]}),
            )
            .await
            .expect("a count");
            let times: Vec<i64> = world
                .handlers
                .calls
                .lock()
                .iter()
                .map(|call| call.at_ms - before_ms)
                .collect();
            let expected: Vec<i64> = (0..10)
                .map(|n| (n * step_ms).max(2 * (n + 1).min(if step_ms == 2 { 10 } else { 1 })))
                .collect();
            assert_eq!(times, expected, "speed {speed}");
        });
    }
}

#[test]
fn failures_of_a_replay_are_counted_not_retried() {
    run(|| async {
        let world = told(json!({})).await;
        world.handlers.script(|_, event| {
            if event.payload["n"] == 4 {
                Verdict::Fail
            } else {
                Verdict::Take
            }
        });
        replay(
            &world,
            json!({"fromTimestamp": "2025-01-31T08:00:00Z", "speed": 1000, "targetHandlers": ["p/b"]}),
        )
        .await
        .expect("a count");
        let metrics = world.bus.metrics();
        assert_eq!((metrics.replayed, metrics.failed, metrics.dead), (4, 1, 0));
        assert!(world.store.state.lock().dead.is_empty());
    });
}

#[test]
fn a_replay_waits_for_a_plugin_that_is_away_but_not_for_ever() {
    run(|| async {
        let world = told(json!({})).await;
        world.handlers.script(|_, _| Verdict::Away);
        let request = json!({"fromTimestamp": "2025-01-31T08:00:08Z", "speed": 1000, "targetHandlers": ["p/b"]});
        replay(&world, request.clone()).await.expect("a count");
        assert_eq!((world.bus.metrics().replayed, world.bus.metrics().failed), (0, 1));
        let mut asked = 0;
        world.handlers.script(move |_, _| {
            asked += 1;
            if asked < 5 { Verdict::Away } else { Verdict::Take }
        });
        replay(&world, request).await.expect("a count");
        assert_eq!(world.bus.metrics().replayed, 1);
    });
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    run(|| async {
        let world = told(json!({})).await;
        for (request, part) in [
            (
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "toTimestamp": "2025-01-30T08:00:00Z"}),
                "toTimestamp is before fromTimestamp",
            ),
            (
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "eventTypes": ["Data"]}),
                "eventTypes: `Data` is no event pattern",
            ),
            (
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "filters": {"a": {"$x": 1}}}),
                "filters: a: there is no operator $x",
            ),
            (
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "targetHandlers": ["p/bb"]}),
                "the nearest one is p/b",
            ),
            (
                json!({"fromTimestamp": "2025-01-31T08:00:00Z", "targetHandlers": ["p/live"]}),
                "there is no durable handler p/live",
            ),
        ] {
            let error = replay(&world, request.clone()).await.expect_err("refused");
            assert!(
                error.kind() == ErrorKind::Invalid && error.message().contains(part),
                "{request}: {error}"
            );
        }
        let request: EventReplayConfig =
            serde_json::from_value(json!({"fromTimestamp": "2025-01-31T08:00:00Z"})).expect("a request");
        assert_eq!(world.bus.replay(&request).await.expect("begins"), 10);
        assert_eq!(
            world.bus.replay(&request).await.expect_err("one at a time").kind(),
            ErrorKind::Conflict
        );
        world.pass_ms(60_000).await;
        assert_eq!(world.bus.replay(&request).await.expect("begins"), 10);

        let world = told(json!({"replay": {"enabled": false}})).await;
        let error = world.bus.replay(&request).await.expect_err("switched off");
        assert!(error.kind() == ErrorKind::Conflict && error.message().contains("replay.enabled"));
        assert!(world.clock.now_ms() > START_MS);
    });
}
