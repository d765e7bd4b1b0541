//! What a durable event is promised: stored first, delivered at least once, retried, given up at last.

use futures_util::FutureExt;
use objectos_kernel::{clock::Clock, events::BusSettings};
use objectos_plugin_api::{
    Context, ErrorKind, NewEvent, Principal,
    contracts::event_store::DeliveryState,
    protocol::kernel::{EventPriority, HealthCheckStatus},
};
use serde_json::{Value, json};
use std::time::Duration;

use super::{
    model::{Fault, Verdict},
    world::{START_MS, World, event, run, spec},
};

#[test]
fn a_published_event_is_stored_and_then_delivered() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("objectos.audit", &["!records data.*"]);
        world.bus.open();
        let principal = Principal {
            id: "u7".to_owned(),
            tenant: Some("t7".to_owned()),
            ..Principal::default()
        };
        let context = Context::request("r7").with_principal(&principal);
        let event = NewEvent {
            causation_id: "e0",
            ..NewEvent::new("data.thing.made", br#"{"a":1}"#).with_key("k")
        };
        let published = world.bus.publish_durable("objectos.data", &context, &event);
        world.calm().await;
        let id = published.now_or_never().expect("stored").expect("an id");
        world.pass_ms(100).await;

        let row = world.store.state.lock().rows[&1].clone();
        assert!(row.done);
        assert_eq!(
            (row.stored.key.as_str(), row.stored.event.id.as_deref()),
            ("k", Some(id.as_str()))
        );
        let metadata = serde_json::to_value(&row.stored.event.metadata).expect("metadata");
        assert_eq!(
            metadata,
            json!({"source": "objectos.data", "timestamp": "2025-01-31T08:00:00.000Z", "userId": "u7", "tenantId": "t7", "correlationId": "r7", "causationId": "e0", "priority": "normal"})
        );
        let call = world.handlers.calls.lock()[0].clone();
        assert_eq!(
            (call.handler.as_str(), call.event.as_str()),
            ("objectos.audit/records", id.as_str())
        );
        assert_eq!(
            (call.context.user(), call.context.tenant(), call.context.request_id()),
            ("u7", "t7", "r7")
        );
        assert!(
            call.context.principal_json().is_empty() && !call.context.system(),
            "no rights travel with an event"
        );
        assert!(call.context.remaining().is_some() && call.context.extra().is_empty());
    });
}

#[test]
fn nothing_is_delivered_before_the_bus_is_open() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.write(&[("e1", "data.x", "")]);
        world.pass_ms(60_000).await;
        assert_eq!(world.store.calls("pending"), 0);
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.pass_ms(100).await;
        assert_eq!(world.handlers.seen("p/h"), ["e1"]);
    });
}

#[test]
fn without_a_store_events_wait_in_their_order_and_the_health_report_says_so() {
    run(|| async {
        let world = World::tuned(json!({}), |settings| settings.limits.buffer_events_max = 10);
        world.store.state.lock().away = true;
        let publish = |source: &str, n: usize| {
            let payload = n.to_string();
            world.bus.publish_durable(
                source,
                &Context::background(),
                &NewEvent::new("data.x", payload.as_bytes()),
            )
        };
        let mut waiting: Vec<_> = (0..5).map(|n| Box::pin(publish("a", n))).collect();
        world.pass_ms(1_000).await;
        assert!(waiting.iter_mut().all(|future| future.now_or_never().is_none()));
        let own = publish("a", 99).await.expect_err("half of the buffer is its own");
        assert_eq!(own.kind(), ErrorKind::Limited);
        waiting.extend((5..10).map(|n| Box::pin(publish("b", n))));
        assert_eq!(publish("c", 99).await.expect_err("full").kind(), ErrorKind::Limited);

        let check = world
            .bus
            .health()
            .into_iter()
            .find(|check| check.name == "event-store")
            .expect("a check");
        assert_eq!(check.status, HealthCheckStatus::Failed);
        assert!(
            check
                .message
                .is_some_and(|text| text.contains("10 of at most 10 durable events wait"))
        );
        assert_eq!(world.bus.metrics().buffered, 10);

        world.store.state.lock().away = false;
        world.bus.store_changed();
        world.calm().await;
        for future in waiting {
            future.now_or_never().expect("stored").expect("an id");
        }
        let stored: Vec<Value> = world
            .store
            .state
            .lock()
            .rows
            .values()
            .map(|row| row.stored.event.payload.clone())
            .collect();
        assert_eq!(stored, (0..10).map(Value::from).collect::<Vec<_>>());
        assert_eq!(world.bus.health()[0].status, HealthCheckStatus::Passed);
        assert!(
            world.store.calls("append") <= 2,
            "what waits together is stored together"
        );
    });
}

#[test]
fn a_dropped_future_does_not_take_the_event_back() {
    run(|| async {
        let world = World::new(json!({}));
        drop(
            world
                .bus
                .publish_durable("p", &Context::background(), &NewEvent::new("data.x", b"1")),
        );
        world.calm().await;
        assert_eq!(world.store.open_ids().len(), 1);
    });
}

#[test]
fn an_event_the_store_refuses_is_refused_alone() {
    run(|| async {
        let world = World::new(json!({}));
        {
            let mut state = world.store.state.lock();
            // The three together, and then the second of them alone.
            state.faults.insert(1, Fault::Refuse(ErrorKind::Internal));
            state.faults.insert(3, Fault::Refuse(ErrorKind::Invalid));
        }
        let context = Context::background();
        let events: Vec<_> = (0..3)
            .map(|_| world.bus.publish_durable("p", &context, &NewEvent::new("data.x", b"1")))
            .collect();
        world.calm().await;
        let kinds: Vec<_> = events
            .into_iter()
            .map(|event| {
                event
                    .now_or_never()
                    .expect("answered")
                    .map_err(|error| error.kind())
                    .err()
            })
            .collect();
        assert_eq!(kinds, [None, Some(ErrorKind::Invalid), None]);
        assert_eq!(world.store.open_ids().len(), 2);
    });
}

#[test]
fn retries_come_at_their_times() {
    let policy = |strategy: &str| json!({"queue": {"retryPolicy": {"maxRetries": 4, "backoffStrategy": strategy, "initialDelayMs": 1_000, "maxDelayMs": 3_500}}});
    let own = json!({"handlers": [{"eventName": "data.*", "handler": "p/h", "retry": {"maxRetries": 3, "backoffMs": 200, "backoffMultiplier": 3}}]});
    for (config, expected) in [
        (policy("fixed"), vec![0, 1_000, 2_000, 3_000, 4_000]),
        (policy("linear"), vec![0, 1_000, 3_000, 6_000, 9_500]),
        (policy("exponential"), vec![0, 1_000, 3_000, 6_500, 10_000]),
        (own, vec![0, 200, 800, 2_600]),
    ] {
        run(|| async {
            let mut world = World::new(config.clone());
            world.register("p", &["!h data.*"]);
            world.bus.open();
            world.calm().await;
            world.handlers.script(|_, _| Verdict::Fail);
            world.pass_ms(500).await;
            world.write(&[("e1", "data.x", "")]);
            world.finish(60_000).await;
            let calls = world.handlers.calls.lock();
            let times: Vec<i64> = calls.iter().map(|call| call.at_ms - START_MS - 500).collect();
            assert_eq!(times, expected, "{config}");
            let attempts: Vec<_> = calls
                .iter()
                .map(|call| call.context.extra().get("attempt").cloned())
                .collect();
            assert_eq!(attempts[..3], [None, Some(json!(2)), Some(json!(3))]);
            assert!(world.store.open_ids().is_empty());
            let metrics = world.bus.metrics();
            let retried = u64::try_from(expected.len() - 1).unwrap();
            assert_eq!(
                (metrics.failed, metrics.retried, metrics.dead),
                (retried + 1, retried, 1)
            );
        });
    }
}

#[test]
fn a_hanging_and_a_panicking_handler_have_failed() {
    run(|| async {
        let mut world = World::new(
            json!({"queue": {"retryPolicy": {"maxRetries": 2, "backoffStrategy": "fixed", "initialDelayMs": 100}}}),
        );
        world.register("p", &["!h data.*"]);
        world.bus.open();
        let mut verdicts = [Verdict::Hang, Verdict::Panic, Verdict::Take].into_iter();
        world
            .handlers
            .script(move |_, _| verdicts.next().unwrap_or(Verdict::Take));
        world.write(&[("e1", "data.x", "")]);
        world.finish(60_000).await;
        let times: Vec<i64> = world
            .handlers
            .calls
            .lock()
            .iter()
            .map(|call| call.at_ms - START_MS)
            .collect();
        assert_eq!(times, [0, 5_100, 5_200]);
        assert_eq!((world.bus.metrics().failed, world.bus.metrics().delivered), (2, 1));
    });
}

#[test]
fn attempts_are_counted_on_after_a_restart() {
    run(|| async {
        let mut world = World::new(
            json!({"queue": {"retryPolicy": {"maxRetries": 3, "backoffStrategy": "fixed", "initialDelayMs": 1_000}}}),
        );
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|_, _| Verdict::Fail);
        world.write(&[("e1", "data.x", "")]);
        world.pass_ms(1_500).await;
        assert_eq!(
            world
                .store
                .state
                .lock()
                .delivery("e1", "p/h")
                .map(|delivery| delivery.attempts),
            Some(2)
        );
        world.crash();
        world.finish(60_000).await;
        assert_eq!(
            world.handlers.seen("p/h").len(),
            4,
            "one and three retries, over both lives"
        );
        let dead = world.store.state.lock().dead.clone();
        assert_eq!(
            (dead.len(), dead[0].retries, dead[0].first_failed_at.as_str()),
            (1, 3, "2025-01-31T08:00:00.000Z")
        );
        assert_eq!(dead[0].failed_handler.as_deref(), Some("p/h"));
        assert_eq!(dead[0].error.message, "the handler failed by script");
    });
}

#[test]
fn a_sibling_that_had_the_event_is_not_called_again() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!good data.*", "!bad data.*"]);
        world.bus.open();
        world.handlers.script(|handler, _| {
            if handler == "p/bad" {
                Verdict::Fail
            } else {
                Verdict::Take
            }
        });
        world.write(&[("e1", "data.x", "")]);
        world.pass_ms(200).await;
        assert_eq!(
            world.store.state.lock().delivery_state("e1", "p/good"),
            Some(DeliveryState::Done)
        );
        world.crash();
        world.handlers.script(|_, _| Verdict::Take);
        world.finish(60_000).await;
        assert_eq!(
            (world.handlers.seen("p/good").len(), world.handlers.seen("p/bad").len()),
            (1, 2)
        );
    });
}

#[test]
fn a_plugin_that_is_away_has_not_failed() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!h data.*"]);
        world.register("q", &["!h data.*"]);
        world.bus.open();
        world
            .handlers
            .script(|handler, _| if handler == "p/h" { Verdict::Away } else { Verdict::Take });
        world.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k"), ("e3", "data.x", "other")]);
        world.pass_ms(120_000).await;
        assert_eq!(world.handlers.taken("q/h").len(), 3, "others go on");
        let asked = world.handlers.seen("p/h").len();
        assert!(
            (20..60).contains(&asked),
            "asked now and then, one event at a time: {asked}"
        );
        assert_eq!((world.bus.metrics().failed, world.bus.metrics().dead), (0, 0));
        let check = world
            .bus
            .health()
            .into_iter()
            .find(|check| check.name == "event-delivery")
            .expect("a check");
        assert!(
            check
                .message
                .is_some_and(|text| text.contains("nobody is there to take events for p/h"))
        );

        world.handlers.script(|_, _| Verdict::Take);
        world.bus.awake("p");
        world.calm().await;
        assert_eq!(world.handlers.taken("p/h").len(), 3, "at once, when it is back");
        world.finish(1_000).await;
        assert!(world.store.open_ids().is_empty());
        assert_eq!(world.bus.health()[1].status, HealthCheckStatus::Passed);
    });
}

#[test]
fn events_wait_for_a_plugin_that_is_expected() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("q", &["!h data.*"]);
        world.bus.expect("p", &["data.*".to_owned()]).expect("patterns");
        world.bus.open();
        world.write(&[("e1", "data.x", ""), ("e2", "auth.y", "")]);
        world.pass_ms(30_000).await;
        assert_eq!(world.store.open_ids(), ["e1"]);
        world.register("p", &["!h data.x", "!other auth.*"]);
        world.pass_ms(100).await;
        assert_eq!(
            (world.handlers.seen("p/h"), world.handlers.seen("q/h")),
            (vec!["e1".to_owned()], vec!["e1".to_owned()])
        );
        assert!(world.store.open_ids().is_empty() && world.handlers.seen("p/other").is_empty());

        world.bus.expect("r", &["data.*".to_owned()]).expect("patterns");
        world.write(&[("e3", "data.x", "")]);
        world.pass_ms(1_000).await;
        assert_eq!(world.store.open_ids(), ["e3"]);
        world.bus.unregister("r");
        world.pass_ms(100).await;
        assert!(world.store.open_ids().is_empty(), "given up");
    });
}

#[test]
fn registering_again_keeps_what_stays_and_drops_what_does_not() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!stays data.*", "!goes data.*"]);
        world.bus.open();
        world.handlers.script(|_, _| Verdict::Away);
        world.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k")]);
        world.pass_ms(50).await;
        world.handlers.script(|_, _| Verdict::Take);
        world
            .bus
            .register("p", &[spec("!stays data.*"), spec("!new data.*")])
            .expect("handlers");
        world.write(&[("e3", "data.x", "k")]);
        world.pass_ms(1_000).await;
        assert_eq!(world.handlers.taken("p/stays"), ["e1", "e2", "e3"]);
        assert_eq!(world.handlers.taken("p/new"), ["e3"]);
        assert!(world.handlers.taken("p/goes").is_empty());
        assert!(world.store.open_ids().is_empty());
    });
}

#[test]
fn handlers_that_cannot_be_are_refused() {
    run(|| async {
        let world = World::new(json!({}));
        for (plugin, handlers, part) in [
            (
                "p",
                vec!["!h Data"],
                "the event handler p/h: `Data` is no event pattern",
            ),
            ("p", vec!["!h data.*", "h auth.*"], "p/h is registered twice"),
            ("p", vec!["! data.*"], "has no name"),
            ("webhook", vec!["!h data.*"], "cannot be the id of a plugin"),
        ] {
            let specs: Vec<_> = handlers.iter().map(|text| spec(text)).collect();
            let error = world.bus.register(plugin, &specs).expect_err("refused");
            assert!(error.message().contains(part), "{error}");
        }
        assert!(world.bus.metrics().handlers.is_empty());
    });
}

#[test]
fn draining_events_nobody_wants_costs_a_handful_of_calls() {
    run(|| async {
        let world = World::new(json!({}));
        world
            .store
            .write((0..10_000).map(|n| (world.event(&format!("e{n}"), "data.x"), format!("k{}", n % 7))));
        world.bus.open();
        world.finish(60_000).await;
        assert!(world.store.open_ids().is_empty());
        let calls = world.store.state.lock().calls.len();
        assert!(calls <= 16, "{calls} calls");
    });
}

#[test]
fn outcomes_are_written_together() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!a data.*", "!b data.*"]);
        world
            .store
            .write((0..2_000).map(|n| (world.event(&format!("e{n}"), "data.x"), format!("k{n}"))));
        world.bus.open();
        world.finish(60_000).await;
        assert_eq!(world.bus.metrics().delivered, 4_000);
        let settled = world.store.calls("settle");
        assert!(
            settled <= 20,
            "{settled} settlements for 2,000 events and 4,000 deliveries"
        );
    });
}

#[test]
fn a_stop_waits_for_deliveries_and_writes_outcomes_down() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|_, event| match event.id.as_deref() {
            Some("slow") => Verdict::TakeAfter(2_000),
            Some("stuck") => Verdict::Hang,
            _ => Verdict::Take,
        });
        world.write(&[("e1", "data.x", ""), ("slow", "data.x", "")]);
        world.calm().await;
        let last = world
            .bus
            .publish_durable("p", &Context::background(), &NewEvent::new("auth.x", b"1"));
        {
            let stop = world.bus.stop(Duration::from_secs(10));
            let mut stop = std::pin::pin!(stop);
            assert!(stop.as_mut().now_or_never().is_none(), "the slow one runs");
            world.pass_ms(2_000).await;
            assert!(stop.as_mut().now_or_never().is_some());
        }
        assert_eq!(
            world.store.open_ids(),
            [last.await.expect("stored")],
            "what waits for the store is stored, and delivered later"
        );
        assert_eq!(world.bus.health()[1].status, HealthCheckStatus::Failed);
        let late = world
            .bus
            .publish_durable("p", &Context::background(), &NewEvent::new("data.x", b"1"))
            .await;
        assert_eq!(late.expect_err("too late").kind(), ErrorKind::Unavailable);

        world.crash();
        world.write(&[("stuck", "data.x", "")]);
        world.calm().await;
        let before_ms = world.clock.now_ms();
        {
            let stop = world.bus.stop(Duration::from_millis(500));
            let mut stop = std::pin::pin!(stop);
            assert!(stop.as_mut().now_or_never().is_none());
            world.pass_ms(500).await;
            assert!(stop.as_mut().now_or_never().is_some(), "no longer than its limit");
        }
        assert_eq!(world.clock.now_ms(), before_ms + 500);
        assert_eq!(
            world.store.open_ids(),
            ["stuck"],
            "delivered again after the next start"
        );
    });
}

#[test]
fn a_backlog_for_one_plugin_does_not_stop_the_others() {
    fn small(settings: &mut BusSettings) {
        settings.limits.page_events = 20;
        settings.limits.window_bytes_max = 4_000;
    }
    run(|| async {
        let mut world = World::tuned(json!({}), small);
        world.register("away", &["!h data.*"]);
        world.register("here", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|handler, _| {
            if handler == "away/h" {
                Verdict::Away
            } else {
                Verdict::Take
            }
        });
        let ids: Vec<String> = (0..500).map(|n| format!("e{n:03}")).collect();
        for chunk in ids.chunks(50) {
            world.store.write(
                chunk
                    .iter()
                    .map(|id| (world.event(id, "data.x"), format!("k{}", id.len()))),
            );
            world.bus.events_stored();
            world.pass_ms(3_000).await;
        }
        assert_eq!(
            world.handlers.taken("here/h"),
            ids,
            "everything, in order, though 500 events wait for the other"
        );
        world.handlers.script(|_, _| Verdict::Take);
        world.bus.awake("away");
        world.finish(60_000).await;
        assert_eq!(
            world.handlers.taken("away/h"),
            ids,
            "read again, since their bodies were let go"
        );
        assert!(world.store.open_ids().is_empty());
    });
}

#[test]
fn a_page_asks_for_no_more_than_fits() {
    fn narrow(settings: &mut BusSettings) {
        settings.limits.window_bytes_max = 64 * 1024;
    }
    run(|| async {
        let mut world = World::tuned(json!({}), narrow);
        world.register("p", &["!h data.*"]);
        let large = json!("x".repeat(2 * 1024));
        world.store.write((0..300).map(|n| {
            let event = event(&format!("e{n}"), "data.x", EventPriority::Normal, large.clone());
            (event, String::new())
        }));
        world.bus.open();
        world.finish(60_000).await;
        assert!(world.store.open_ids().is_empty());
        let asked = world.store.state.lock().asked.clone();
        assert_eq!(asked[0], 64, "nobody knows yet");
        // Of some 2,300 bytes 28 fit.
        assert!(asked[1..].iter().all(|asked| (20..=30).contains(asked)), "{asked:?}");
    });
}
