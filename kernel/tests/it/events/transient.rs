//! Events that live in memory.

use objectos_plugin_api::{Context, ErrorKind, NESTED_TRUSTED_MAX, NewEvent, Priority};
use serde_json::json;

use super::{
    model::Verdict,
    world::{START_MS, World, publish, run, spec},
};

#[test]
fn a_transient_event_reaches_its_handlers_in_order() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["jobs job.*", "all *", "other auth.*", "!durable job.*"]);
        for n in 0..5 {
            publish(&world.bus, "job.done", &json!({"n": n})).expect("published");
        }
        world.calm().await;
        assert_eq!(
            (world.handlers.seen("p/jobs").len(), world.handlers.seen("p/all").len()),
            (5, 5)
        );
        assert_eq!(world.handlers.seen("p/jobs"), world.handlers.seen("p/all"));
        assert!(world.handlers.seen("p/other").is_empty());
        assert!(
            world.handlers.seen("p/durable").is_empty(),
            "a durable handler sees what is stored"
        );
        assert_eq!(world.store.state.lock().calls.len(), 0);
        assert_eq!(world.bus.metrics().published, 5);
    });
}

#[test]
fn the_kernel_alone_uses_its_own_names() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["life plugin:*"]);
        let event = NewEvent::new("plugin:started", b"{}");
        world
            .bus
            .publish("kernel", &Context::background(), &event)
            .expect("published");
        let error = world
            .bus
            .publish("p", &Context::background(), &event)
            .expect_err("refused");
        assert!(error.message().contains("`plugin:started` is no name of an event"));
        world.calm().await;
        assert_eq!(world.handlers.seen("p/life").len(), 1);
    });
}

#[test]
fn what_nobody_could_read_in_a_page_is_not_kept() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!all job.*"]);
        world.bus.open();
        let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        for (levels, expected) in [(NESTED_TRUSTED_MAX, true), (NESTED_TRUSTED_MAX + 1, false)] {
            let payload = nested(levels);
            let event = NewEvent::new("job.done", payload.as_bytes());
            let kept = world.bus.publish_durable("p", &Context::background(), &event).await;
            assert_eq!(kept.is_ok(), expected, "{levels}: {kept:?}");
            if let Err(error) = kept {
                assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "payload_too_deep"));
            }
        }
        world.pass_ms(300).await;
        assert_eq!(world.handlers.seen("p/all").len(), 1);
    });
}

#[test]
fn what_cannot_be_published_is_refused() {
    run(|| async {
        let mut world = World::new(json!({
            "eventTypes": [{"name": "job.done", "schema": {"type": "object", "required": ["n"]}}],
        }));
        world.register("p", &["all *"]);
        let large = format!("\"{}\"", "x".repeat(1024 * 1024));
        for (name, payload, part) in [
            ("Job", "{}", "is no name of an event"),
            ("job.other", "{", "the payload of job.other is no JSON"),
            ("job.other", &large, "1048576 are allowed"),
            ("job.done", "{}", "the payload of job.done does not fit its schema"),
        ] {
            let event = NewEvent::new(name, payload.as_bytes());
            let error = world.bus.publish("p", &Context::background(), &event).expect_err(name);
            assert!(
                error.kind() == ErrorKind::Invalid && error.message().contains(part),
                "{error}"
            );
            let error = world
                .bus
                .publish_durable("p", &Context::background(), &event)
                .await
                .expect_err(name);
            assert!(error.message().contains(part), "{error}");
        }
        world.calm().await;
        assert!(world.handlers.calls.lock().is_empty() && world.store.open_ids().is_empty());
    });
}

#[test]
fn what_nobody_wants_is_not_looked_at() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["jobs job.*", "!all *"]);
        let event = NewEvent::new("data.x", b"this is no JSON");
        world
            .bus
            .publish("p", &Context::background(), &event)
            .expect("nobody listens");
        assert_eq!(world.bus.metrics().published, 1);
    });
}

#[test]
fn a_slow_handler_loses_the_least_urgent_events() {
    run(|| async {
        let mut world = World::tuned(json!({}), |settings| settings.limits.transient_events_max = 4);
        world.register("p", &["slow job.*", "quick job.*"]);
        world.handlers.script(|handler, _| {
            if handler == "p/slow" {
                Verdict::TakeAfter(1_000)
            } else {
                Verdict::Take
            }
        });
        let send = |source: &str, priority: Priority| {
            let event = NewEvent {
                priority,
                ..NewEvent::new("job.done", b"1")
            };
            world.bus.publish(source, &Context::background(), &event)
        };
        send("a", Priority::Normal).expect("runs");
        world.calm().await;
        for (source, priority) in [
            ("a", Priority::Background),
            ("b", Priority::High),
            ("c", Priority::Normal),
            ("d", Priority::Low),
            ("e", Priority::Critical),
        ] {
            send(source, priority).expect("taken");
            world.calm().await;
        }
        let metrics = world.bus.metrics();
        let slow = metrics
            .handlers
            .iter()
            .find(|handler| handler.id == "p/slow")
            .expect("a handler");
        assert_eq!((slow.dropped, slow.queued, metrics.dropped), (1, 4, 1));
        assert_eq!(
            world.handlers.taken("p/quick").len(),
            6,
            "another handler loses nothing"
        );
        world.pass_ms(10_000).await;
        let calls = world.handlers.calls.lock();
        let slow: Vec<i64> = calls
            .iter()
            .filter(|call| call.handler == "p/slow")
            .map(|call| call.at_ms - START_MS)
            .collect();
        assert_eq!(slow, [0, 1_000, 2_000, 3_000, 4_000], "one at a time");
    });
}

#[test]
fn an_event_that_nobody_can_take_is_limited() {
    run(|| async {
        let mut world = World::tuned(json!({}), |settings| settings.limits.transient_events_max = 2);
        world.register("p", &["slow job.*"]);
        world.handlers.script(|_, _| Verdict::Hang);
        let send = |priority: Priority| {
            let event = NewEvent {
                priority,
                ..NewEvent::new("job.done", b"1")
            };
            world.bus.publish("a", &Context::background(), &event)
        };
        send(Priority::Normal).expect("runs");
        world.calm().await;
        send(Priority::Normal).expect("waits");
        assert_eq!(send(Priority::Low).expect_err("no room").kind(), ErrorKind::Limited);
        send(Priority::High).expect("takes the place of the other");
    });
}

#[test]
fn failures_are_counted_and_the_next_event_is_served() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["h job.*"]);
        let mut verdicts = [Verdict::Fail, Verdict::Panic, Verdict::Hang, Verdict::Take].into_iter();
        world
            .handlers
            .script(move |_, _| verdicts.next().unwrap_or(Verdict::Take));
        for _ in 0..4 {
            publish(&world.bus, "job.done", &json!(1)).expect("published");
        }
        world.pass_ms(5_000).await;
        let metrics = world.bus.metrics();
        assert_eq!((metrics.failed, metrics.delivered, metrics.retried), (3, 1, 0));
    });
}

#[test]
fn a_plugin_that_restarts_gets_what_waited() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["h job.*"]);
        world.handlers.script(|_, _| Verdict::Away);
        for _ in 0..3 {
            publish(&world.bus, "job.done", &json!(1)).expect("published");
        }
        world.pass_ms(1_000).await;
        world.handlers.script(|_, _| Verdict::Take);
        world.bus.register("p", &[spec("h job.*")]).expect("the new version");
        world.pass_ms(1_000).await;
        assert_eq!(world.handlers.taken("p/h").len(), 3);
        assert_eq!(world.bus.metrics().failed, 0);
        world.bus.unregister("p");
        publish(&world.bus, "job.done", &json!(1)).expect("nobody listens");
        world.calm().await;
        assert_eq!(world.handlers.taken("p/h").len(), 3);
    });
}

#[test]
fn transient_handlers_see_stored_events_once() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["live data.*", "!durable data.*"]);
        world.bus.open();
        world.handlers.script(|handler, _| {
            if handler == "p/durable" {
                Verdict::Away
            } else {
                Verdict::Take
            }
        });
        world.write(&[("e1", "data.x", "k")]);
        world.pass_ms(60_000).await;
        assert_eq!(world.handlers.seen("p/live"), ["e1"]);
    });
}

#[test]
fn persistence_stores_transient_events_that_its_filter_accepts() {
    run(|| async {
        let mut world = World::new(json!({
            "persistence": {"enabled": true, "retention": 3, "filter": {"name": {"$startsWith": "job."}, "payload.keep": true}},
        }));
        world.register("p", &["live job.*", "!durable job.*"]);
        world.bus.open();
        publish(&world.bus, "job.done", &json!({"keep": true})).expect("published");
        publish(&world.bus, "job.done", &json!({"keep": false})).expect("published");
        publish(&world.bus, "auth.login", &json!({"keep": true})).expect("published");
        world.pass_ms(1_000).await;
        assert_eq!(world.store.state.lock().rows.len(), 1);
        assert_eq!(
            world.handlers.seen("p/live").len(),
            2,
            "at once, and not again from the store"
        );
        assert_eq!(world.handlers.seen("p/durable").len(), 1);
        assert!(world.store.open_ids().is_empty());
    });
}

#[test]
fn a_transient_event_that_cannot_be_stored_is_still_delivered() {
    run(|| async {
        let mut world = World::tuned(json!({"persistence": {"enabled": true, "retention": 3}}), |settings| {
            settings.limits.buffer_events_max = 2;
        });
        world.register("p", &["live job.*"]);
        world.store.state.lock().away = true;
        for _ in 0..3 {
            publish(&world.bus, "job.done", &json!(1)).expect("published");
        }
        world.calm().await;
        assert_eq!(world.handlers.seen("p/live").len(), 3);
        assert_eq!((world.bus.metrics().dropped, world.bus.metrics().buffered), (2, 1));
    });
}
