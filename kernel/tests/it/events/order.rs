//! Who waits for whom: keys, urgency, concurrency and the order that settings ask for.

use objectos_plugin_api::protocol::kernel::EventPriority;
use serde_json::json;

use super::{
    model::Verdict,
    world::{World, event, run},
};

#[test]
fn a_failing_event_holds_up_its_key_for_its_handler_only() {
    run(|| async {
        let mut world = World::new(
            json!({"queue": {"retryPolicy": {"maxRetries": 1, "backoffStrategy": "fixed", "initialDelayMs": 1_000}}}),
        );
        world.register("p", &["!bad data.*", "!good data.*"]);
        world.bus.open();
        world
            .handlers
            .script(|handler, event| match (handler, event.id.as_deref()) {
                ("p/bad", Some("a1")) => Verdict::Fail,
                _ => Verdict::Take,
            });
        world.write(&[
            ("a1", "data.x", "a"),
            ("a2", "data.x", "a"),
            ("b1", "data.x", "b"),
            ("c1", "data.x", ""),
        ]);
        world.pass_ms(500).await;
        assert_eq!(world.handlers.seen("p/good"), ["a1", "b1", "c1", "a2"]);
        assert_eq!(world.handlers.seen("p/bad"), ["a1", "b1", "c1"], "a2 waits for a1");
        world.finish(10_000).await;
        assert_eq!(
            world.handlers.seen("p/bad"),
            ["a1", "b1", "c1", "a1", "a2"],
            "given up, the key goes on"
        );
        let state = world.store.state.lock();
        assert_eq!(state.dead.len(), 1);
        assert_eq!(state.dead[0].event.id.as_deref(), Some("a1"));
    });
}

#[test]
fn a_handler_that_takes_several_has_those_of_a_key_in_one_call() {
    run(|| async {
        let mut world = World::new(json!({"queue": {"retryPolicy": {"maxRetries": 0}}}));
        world.register("p", &["!!all data.*", "!each data.*"]);
        world.bus.open();
        world.calm().await;
        let rows: Vec<String> = (1..=6).map(|number| format!("a{number}")).collect();
        let mut rows: Vec<(&str, &str, &str)> = rows.iter().map(|id| (id.as_str(), "data.x", "a")).collect();
        rows.push(("b1", "data.x", "b"));
        world.write(&rows);
        world.finish(1_000).await;
        assert_eq!(world.handlers.seen("p/all"), ["a1+a2+a3+a4", "b1", "a5+a6"]);
        assert_eq!(
            world.handlers.seen("p/each"),
            ["a1", "b1", "a2", "a3", "a4", "a5", "a6"]
        );
        assert!(world.store.open_ids().is_empty());
        assert_eq!(world.bus.metrics().delivered, 14, "events are counted, not calls");
    });
}

#[test]
fn one_event_that_fails_is_no_failure_of_those_it_came_with() {
    run(|| async {
        let mut world = World::new(json!({"queue": {"retryPolicy": {"maxRetries": 0}}}));
        world.register("p", &["!!all data.*"]);
        world.bus.open();
        world.handlers.script(|_, event| match event.id.as_deref() {
            Some("a2") => Verdict::Fail,
            _ => Verdict::Take,
        });
        world.write(&[
            ("a1", "data.x", "a"),
            ("a2", "data.x", "a"),
            ("a3", "data.x", "a"),
            ("a4", "data.x", "a"),
            ("a5", "data.x", "a"),
        ]);
        world.finish(1_000).await;
        assert_eq!(
            world.handlers.seen("p/all"),
            ["a1+a2+a3+a4", "a1", "a2", "a3", "a4", "a5"]
        );
        assert_eq!(world.handlers.taken("p/all"), ["a1", "a3", "a4", "a5"]);
        let state = world.store.state.lock();
        assert_eq!(state.dead.len(), 1, "none is given up for another");
        assert_eq!(state.dead[0].event.id.as_deref(), Some("a2"));
        assert_eq!(state.dead[0].retries, 0, "what they did together is no attempt");
    });
}

#[test]
fn a_key_goes_on_only_when_the_dead_letter_is_written() {
    run(|| async {
        let mut world = World::new(json!({"queue": {"retryPolicy": {"maxRetries": 0}}}));
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|_, event| {
            if event.id.as_deref() == Some("a1") {
                Verdict::Fail
            } else {
                Verdict::Take
            }
        });
        world.calm().await;
        world.write(&[("a1", "data.x", "a"), ("a2", "data.x", "a")]);
        world.pass_ms(10).await;
        world.store.state.lock().away = true;
        world.pass_ms(5_000).await;
        assert_eq!(world.handlers.seen("p/h"), ["a1"], "a2 waits for the store");
        world.store.state.lock().away = false;
        world.bus.store_changed();
        world.finish(1_000).await;
        assert_eq!(world.handlers.seen("p/h"), ["a1", "a2"]);
        assert_eq!(world.store.state.lock().dead.len(), 1);
    });
}

#[test]
fn urgent_events_are_served_first() {
    let order = |priority_enabled: bool| {
        let seen = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
        let out = std::sync::Arc::clone(&seen);
        run(|| async move {
            let mut world = World::new(json!({"queue": {"concurrency": 1, "priorityEnabled": priority_enabled}}));
            world.register("p", &["!h data.*"]);
            let priorities = [
                ("low", EventPriority::Low),
                ("normal", EventPriority::Normal),
                ("critical", EventPriority::Critical),
                ("background", EventPriority::Background),
                ("high", EventPriority::High),
                ("normal2", EventPriority::Normal),
            ];
            world
                .store
                .write(priorities.map(|(id, priority)| (event(id, "data.x", priority, json!(1)), String::new())));
            world.bus.open();
            world.finish(1_000).await;
            *out.lock() = world.handlers.seen("p/h");
        });
        let seen = seen.lock();
        seen.clone()
    };
    assert_eq!(
        order(true),
        ["critical", "high", "normal", "normal2", "low", "background"]
    );
    assert_eq!(
        order(false),
        ["low", "normal", "critical", "background", "high", "normal2"]
    );
}

#[test]
fn the_settings_order_handlers_of_equally_urgent_events() {
    run(|| async {
        let mut world = World::new(json!({
            "queue": {"concurrency": 1, "deadLetterQueue": "dead"},
            "handlers": [
                {"eventName": "data.*", "handler": "p/last", "priority": 5},
                {"eventName": "data.*", "handler": "p/first", "priority": -5},
                {"eventName": "auth.*", "handler": "p/*", "priority": -9},
                {"eventName": "data.*", "handler": "nobody/h"},
            ],
        }));
        world.register("p", &["!last data.*", "!middle data.*", "!first data.*"]);
        world.write(&[("e1", "data.x", ""), ("e2", "data.x", "")]);
        world.bus.open();
        world.finish(1_000).await;
        let order: Vec<String> = world
            .handlers
            .calls
            .lock()
            .iter()
            .map(|call| format!("{} {}", call.handler, call.event))
            .collect();
        assert_eq!(
            order,
            [
                "p/first e1",
                "p/first e2",
                "p/middle e1",
                "p/middle e2",
                "p/last e1",
                "p/last e2"
            ]
        );
        assert_eq!(
            world.bus.unused_settings(),
            [
                "handlers[3] fits no event handler of any plugin",
                "queue.deadLetterQueue is a label; dead letters are kept in the event store, in one list"
            ]
        );
    });
}

#[test]
fn a_serial_handler_takes_one_event_after_the_other_whatever_the_key() {
    run(|| async {
        let mut world = World::new(json!({
            "queue": {"retryPolicy": {"maxRetries": 1, "backoffStrategy": "fixed", "initialDelayMs": 1_000}},
            "handlers": [{"eventName": "*", "handler": "p/serial", "async": false}],
        }));
        world.register("p", &["!serial data.*", "!free data.*"]);
        world.bus.open();
        let mut failed = false;
        world.handlers.script(move |handler, event| {
            if handler == "p/serial" && event.id.as_deref() == Some("e1") && !failed {
                failed = true;
                return Verdict::Fail;
            }
            Verdict::TakeAfter(100)
        });
        world.write(&[("e1", "data.x", "a"), ("e2", "data.x", "b"), ("e3", "data.x", "")]);
        world.pass_ms(500).await;
        assert_eq!(
            (
                world.handlers.seen("p/serial").len(),
                world.handlers.seen("p/free").len()
            ),
            (1, 3)
        );
        world.finish(10_000).await;
        assert_eq!(world.handlers.seen("p/serial"), ["e1", "e1", "e2", "e3"]);
    });
}

#[test]
fn no_more_run_at_the_same_time_than_allowed_and_no_handler_takes_all() {
    run(|| async {
        let mut world = World::new(json!({"queue": {"concurrency": 4}}));
        world.register("slow", &["!h data.*"]);
        world.register("quick", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|handler, _| {
            if handler == "slow/h" {
                Verdict::TakeAfter(3_000)
            } else {
                Verdict::Take
            }
        });
        world
            .store
            .write((0..40).map(|n| (world.event(&format!("e{n}"), "data.x"), String::new())));
        world.bus.events_stored();
        world.pass_ms(100).await;
        assert_eq!(world.handlers.seen("quick/h").len(), 40, "not held up by the slow one");
        assert_eq!(world.handlers.seen("slow/h").len(), 2);
        world.finish(200_000).await;
        let most = world.handlers.calls.lock().iter().map(|call| call.running).max();
        assert_eq!(most, Some(4));
        assert_eq!(world.handlers.taken("slow/h").len(), 40);
    });
}

#[test]
fn a_filter_of_the_settings_skips_events() {
    run(|| async {
        let mut world = World::new(json!({
            "handlers": [{"eventName": "data.*", "handler": "p/*", "filter": {"payload.n": {"$in": ["e1", "e3"]}}}],
        }));
        world.register("p", &["!durable data.*", "transient data.*"]);
        world.bus.open();
        world.write(&[("e1", "data.x", ""), ("e2", "data.x", ""), ("e3", "data.x", "")]);
        world.finish(1_000).await;
        assert_eq!(world.handlers.seen("p/durable"), ["e1", "e3"]);
        assert_eq!(world.handlers.seen("p/transient"), ["e1", "e3"]);
        assert!(world.store.open_ids().is_empty());
    });
}
