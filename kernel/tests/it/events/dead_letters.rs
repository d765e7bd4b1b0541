//! Dead letters and the retention of done events.

use objectos_plugin_api::ErrorKind;
use serde_json::json;

use super::{
    model::Verdict,
    world::{World, run},
};

const DAY_MS: i64 = 86_400_000;

async fn with_dead_letter() -> World {
    let mut world = World::new(json!({"queue": {"retryPolicy": {"maxRetries": 0}}}));
    world.register("p", &["!h data.*"]);
    world.bus.open();
    world.handlers.script(|_, _| Verdict::Fail);
    world.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k")]);
    world.finish(10_000).await;
    world
}

#[test]
fn dead_letters_are_listed_latest_first() {
    run(|| async {
        let world = with_dead_letter().await;
        let ids = |letters: Vec<objectos_plugin_api::protocol::kernel::DeadLetterQueueEntry>| {
            letters
                .into_iter()
                .map(|letter| letter.event.id.unwrap_or_default())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(world.bus.dead_letters(0, 10).await.expect("a page")), ["e2", "e1"]);
        assert_eq!(ids(world.bus.dead_letters(1, 10).await.expect("a page")), ["e1"]);
        assert_eq!(world.bus.metrics().dead, 2);
    });
}

#[test]
fn a_dead_letter_is_tried_again() {
    run(|| async {
        let world = with_dead_letter().await;
        let id = world.bus.dead_letters(1, 1).await.expect("a page")[0].id.clone();
        let error = world.bus.retry_dead_letter(&id).await.expect_err("it fails again");
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(
            world.bus.dead_letters(0, 10).await.expect("a page").len(),
            2,
            "it stays"
        );
        world.handlers.script(|_, _| Verdict::Away);
        assert_eq!(
            world.bus.retry_dead_letter(&id).await.expect_err("away").kind(),
            ErrorKind::Unavailable
        );

        world.handlers.script(|_, _| Verdict::Take);
        world.bus.retry_dead_letter(&id).await.expect("delivered");
        let last = world.handlers.calls.lock().last().cloned().expect("a call");
        assert_eq!(
            (last.event.as_str(), last.context.extra()["deadLetter"].as_str()),
            ("e1", Some(id.as_str()))
        );
        assert_eq!(world.bus.dead_letters(0, 10).await.expect("a page").len(), 1);
        assert_eq!(
            world.bus.retry_dead_letter(&id).await.expect_err("gone").kind(),
            ErrorKind::NotFound
        );

        let other = world.bus.dead_letters(0, 1).await.expect("a page")[0].id.clone();
        world.bus.unregister("p");
        let error = world.bus.retry_dead_letter(&other).await.expect_err("nobody");
        assert!(error.kind() == ErrorKind::Conflict && error.message().contains("p/h is not registered for data.x"));
    });
}

#[test]
fn done_events_are_forgotten_after_their_retention() {
    run(|| async {
        let mut world = World::new(json!({"persistence": {"retention": 3}}));
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.handlers.script(|_, event| {
            if event.id.as_deref() == Some("open") {
                Verdict::Away
            } else {
                Verdict::Take
            }
        });
        world.write(&[("old", "data.x", ""), ("open", "data.x", "")]);
        world.pass_ms(1_000).await;
        let left = |world: &World| {
            let state = world.store.state.lock();
            state
                .rows
                .values()
                .map(|row| row.stored.event.id.clone().unwrap_or_default())
                .collect::<Vec<_>>()
        };
        world.clock.advance_ms(2 * DAY_MS);
        world.pass_ms(DAY_MS / 2).await;
        world.write(&[("new", "data.x", "")]);
        world.pass_ms(1_000).await;
        assert_eq!(left(&world), ["old", "open", "new"], "not old enough");
        world.clock.advance_ms(DAY_MS);
        world.pass_ms(1_000).await;
        assert_eq!(left(&world), ["open", "new"], "what is not done is never forgotten");
        assert_eq!(world.bus.metrics().pruned, 1);
        assert!(world.store.calls("prune") <= 4);
    });
}
