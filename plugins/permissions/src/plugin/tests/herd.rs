//! Many requests at once after a change of the rules: one reads them, and nobody is answered by the old ones.

use std::sync::atomic::Ordering;

use futures_util::future::{FutureExt as _, join_all};

use super::*;

impl World {
    fn readings(&self) -> u64 {
        self.metadata.readings.load(Ordering::SeqCst)
    }

    /// Takes from everybody with the set `sales` what it gave.
    fn take_away(&self) {
        self.metadata.declare("permission", "sales", "name: sales\n");
    }
}

#[tokio::test]
async fn changed_rules_are_read_once_for_all_who_come_at_once() {
    let world = World::new().await;
    let mut people = Vec::new();
    for number in 0..20 {
        let id = format!("u{number}");
        world.assign("sales", &id, None).await;
        people.push(user(&id));
    }
    for change in [false, true] {
        if change {
            world.take_away();
        }
        let before = world.readings();
        let answers = join_all(people.iter().map(|person| world.reads(person))).await;
        assert!(answers.iter().all(|allowed| *allowed != change), "{answers:?}");
        let expected = u64::from(change);
        assert!(world.readings() - before <= 1, "{change}");
        assert!(world.readings() - before >= expected, "{change}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_changed_rules_does_not_depend_on_who_reads_them() {
    let world = World::new().await;
    let (ann, bob) = (user("ann"), user("bob"));
    for id in ["ann", "bob"] {
        world.assign("sales", id, None).await;
    }
    assert!(world.reads(&ann).await && world.reads(&bob).await);
    world.take_away();
    let before = world.readings();
    let (mut first, mut second) = (Box::pin(world.reads(&ann)), Box::pin(world.reads(&bob)));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    assert!(!second.await);
    assert_eq!(world.readings() - before, 1);
    world.plugin.stop().await.unwrap();
}
