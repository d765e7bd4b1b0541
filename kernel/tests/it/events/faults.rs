//! The n-th call of the store fails, for every n and in every way: nothing is lost, and the order holds.

use objectos_plugin_api::{Context, ErrorKind, NewEvent};
use serde_json::json;

use super::{
    model::{Fault, Verdict},
    world::{World, run},
};

/// A course of events that uses every method of the store which delivery needs.
async fn course(fault: Fault, number: usize) -> bool {
    let mut world = World::tuned(
        json!({"queue": {"retryPolicy": {"maxRetries": 1, "backoffStrategy": "fixed", "initialDelayMs": 300}}}),
        |settings| settings.limits.page_events = 4,
    );
    world.register("p", &["!a data.*", "!b data.*"]);
    world.store.state.lock().faults.insert(number, fault);
    let mut tries = 0;
    world.handlers.script(move |handler, event| {
        if handler == "p/b" && event.payload == json!(2) {
            return Verdict::Fail;
        }
        tries += 1;
        if tries % 5 == 0 { Verdict::Fail } else { Verdict::Take }
    });
    world.bus.open();
    let mut accepted = Vec::new();
    for n in 0..10_u8 {
        let (payload, key) = (n.to_string(), format!("k{}", n % 2));
        let event = NewEvent::new("data.x", payload.as_bytes()).with_key(&key);
        let published = world.bus.publish_durable("p", &Context::background(), &event);
        world.pass_ms(100).await;
        let mut published = Box::pin(published);
        // A call that hangs is given up after its limit.
        let answer = match futures_util::FutureExt::now_or_never(published.as_mut()) {
            Some(answer) => answer,
            None => {
                world.pass_ms(40_000).await;
                published.await
            }
        };
        accepted.extend(answer.ok());
    }
    world.finish(400_000).await;
    assert!(
        world.store.open_ids().is_empty(),
        "{fault:?} at call {number}: all done in the end"
    );
    assert!(
        accepted.len() >= 9,
        "{fault:?} at call {number}: at most one publication is refused"
    );
    check(&world, &accepted, &format!("{fault:?} at call {number}"));
    world.store.state.lock().faults.is_empty()
}

fn check(world: &World, accepted: &[String], place: &str) {
    let dead: Vec<(String, String)> = {
        let state = world.store.state.lock();
        let dead = state.dead.iter();
        dead.map(|letter| {
            (
                letter.event.id.clone().unwrap_or_default(),
                letter.failed_handler.clone().unwrap_or_default(),
            )
        })
        .collect()
    };
    let key_of = |id: &str| {
        let state = world.store.state.lock();
        let row = state
            .rows
            .values()
            .find(|row| row.stored.event.id.as_deref() == Some(id))
            .cloned();
        row.map(|row| row.stored.key).expect("a row")
    };
    for handler in ["p/a", "p/b"] {
        let taken = world.handlers.taken(handler);
        for id in accepted {
            let is_dead = dead.contains(&(id.clone(), handler.to_owned()));
            assert!(taken.contains(id) || is_dead, "{place}: {id} reached {handler}");
        }
        for key in ["k0", "k1"] {
            let mut first = Vec::new();
            for id in taken.iter().filter(|id| key_of(id) == key) {
                if !first.contains(id) {
                    first.push(id.clone());
                }
            }
            let expected: Vec<String> = accepted
                .iter()
                .filter(|id| key_of(id) == key && first.contains(id))
                .cloned()
                .collect();
            // An event whose publication was answered with an error may be stored all the same.
            first.retain(|id| accepted.contains(id));
            assert_eq!(first, expected, "{place}: order of {key} at {handler}");
        }
    }
}

#[test]
fn any_call_of_the_store_may_fail() {
    for fault in [
        Fault::Refuse(ErrorKind::Unavailable),
        Fault::Refuse(ErrorKind::Internal),
        Fault::LoseAnswer(ErrorKind::Timeout),
        Fault::LoseAnswer(ErrorKind::Internal),
        Fault::Hang,
    ] {
        let mut number = 1;
        loop {
            let reached = std::cell::Cell::new(false);
            run(|| async { reached.set(course(fault, number).await) });
            if !reached.get() {
                break;
            }
            number += 1;
        }
        assert!(number > 20, "{fault:?}: the course makes more than {number} calls");
    }
}
