//! Several kernels on one store.

use serde_json::json;

use super::{
    model::Verdict,
    world::{World, run},
};

#[test]
fn two_nodes_share_the_work_and_deliver_nothing_twice() {
    run(|| async {
        let mut one = World::tuned(json!({}), |settings| settings.limits.page_events = 10);
        let mut two = one.neighbour("node-2");
        one.register("p", &["!h data.*"]);
        two.register("p", &["!h data.*"]);
        for world in [&one, &two] {
            world.handlers.script(|_, _| Verdict::TakeAfter(20));
            world.bus.open();
        }
        for n in 0..40 {
            one.write(&[(&format!("e{n}"), "data.x", ""), (&format!("k{n}"), "data.x", "key")]);
            two.bus.events_stored();
            one.pass_ms(15).await;
        }
        one.finish(60_000).await;
        let (mut first, mut second) = (one.handlers.taken("p/h"), two.handlers.taken("p/h"));
        assert!(!first.is_empty() && !second.is_empty());
        first.append(&mut second);
        first.sort();
        let before = first.len();
        first.dedup();
        assert_eq!((before, first.len()), (80, 80));
        let mut calls = one.handlers.calls.lock().clone();
        calls.extend(two.handlers.calls.lock().iter().cloned());
        calls.sort_by_key(|call| call.at_ms);
        let keyed: Vec<usize> = calls
            .iter()
            .filter_map(|call| call.event.strip_prefix('k')?.parse().ok())
            .collect();
        assert!(keyed.is_sorted(), "one key keeps its order across nodes: {keyed:?}");
    });
}

#[test]
fn what_a_dead_node_held_is_delivered_by_another_when_the_lease_ends() {
    run(|| async {
        let mut one = World::new(json!({}));
        let mut two = one.neighbour("node-2");
        one.register("p", &["!h data.*"]);
        two.register("p", &["!h data.*"]);
        one.handlers.script(|_, _| Verdict::Hang);
        one.bus.open();
        one.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k")]);
        one.calm().await;
        assert_eq!(one.handlers.seen("p/h"), ["e1"]);
        let World { bus, .. } = one;
        drop(bus);
        two.bus.open();
        two.pass_ms(25_000).await;
        assert!(two.handlers.seen("p/h").is_empty(), "leased");
        two.finish(20_000).await;
        assert_eq!(two.handlers.seen("p/h"), ["e1", "e2"]);
    });
}

#[test]
fn leases_of_waiting_events_are_renewed() {
    run(|| async {
        let mut one = World::new(json!({}));
        let mut two = one.neighbour("node-2");
        one.register("p", &["!h data.*"]);
        two.register("p", &["!h data.*"]);
        one.handlers.script(|_, _| Verdict::Away);
        one.bus.open();
        one.write(&[("e1", "data.x", "k")]);
        one.calm().await;
        two.bus.open();
        one.pass_ms(300_000).await;
        assert!(two.handlers.seen("p/h").is_empty());
        one.handlers.script(|_, _| Verdict::Take);
        one.finish(10_000).await;
        assert_eq!(one.handlers.taken("p/h"), ["e1"]);
    });
}

#[test]
fn a_lease_that_could_not_be_renewed_is_not_used() {
    run(|| async {
        let mut one = World::new(json!({}));
        one.register("p", &["!h data.*"]);
        one.handlers.script(|_, _| Verdict::Away);
        one.bus.open();
        one.write(&[("e1", "data.x", "k")]);
        one.calm().await;
        one.store.state.lock().away = true;
        one.pass_ms(40_000).await;
        let asked = one.handlers.seen("p/h").len();
        one.handlers.script(|_, _| Verdict::Take);
        one.bus.awake("p");
        one.pass_ms(10_000).await;
        assert_eq!(one.handlers.seen("p/h").len(), asked, "another node may have it by now");
        one.store.state.lock().away = false;
        one.bus.store_changed();
        one.finish(10_000).await;
        assert_eq!(one.handlers.taken("p/h"), ["e1"]);
    });
}

/// With several writers a lower sequence can become visible after a higher one.
#[test]
fn an_event_that_becomes_visible_late_is_found() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.pass_ms(5_000).await;
        world.write(&[("e1", "data.x", "a"), ("e2", "data.x", "b")]);
        let hidden = world.store.state.lock().rows.remove(&1).expect("a row");
        world.pass_ms(300).await;
        assert_eq!(world.handlers.seen("p/h"), ["e2"]);
        world.store.state.lock().rows.insert(1, hidden);
        world.bus.events_stored();
        world.pass_ms(50).await;
        assert_eq!(world.handlers.seen("p/h"), ["e2", "e1"], "soon");
    });
}

/// Its transaction took longer than looks go back; another of its key was stored when it was over.
#[test]
fn an_event_that_becomes_visible_very_late_is_waited_for_by_those_of_its_key() {
    run(|| async {
        let mut world = World::new(json!({}));
        world.register("p", &["!h data.*"]);
        world.bus.open();
        world.write(&[("e1", "data.x", "a"), ("e2", "data.x", "b")]);
        let hidden = world.store.state.lock().rows.remove(&1).expect("a row");
        world.pass_ms(300).await;
        for id in ["e3", "e4"] {
            world.write(&[(id, "data.x", "c")]);
            world.pass_ms(2_000).await;
        }
        world.store.state.lock().rows.insert(1, hidden);
        world.write(&[("e5", "data.x", "a"), ("e6", "data.x", "b")]);
        world.pass_ms(50).await;
        assert_eq!(world.handlers.seen("p/h"), ["e2", "e3", "e4", "e6"]);
        world.pass_ms(10_000).await;
        assert_eq!(world.handlers.seen("p/h")[4..], ["e1", "e5"], "all is gone through");
    });
}
