//! Many at once: no update lost, nobody turned away for being many, and fewer commits than writes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::world::{World, fields};

const COUNTER: &str = "
name: counter
fields:
  name: { type: text }
  value: { type: number, defaultValue: 0 }
  ticket: { type: autonumber, autonumberFormat: '{0}' }
";

async fn world() -> Arc<World> {
    Arc::new(World::new(&[("counter.object.yml", COUNTER)]).await)
}

/// Reads, adds one, writes on the condition that nobody was faster; again until it worked.
async fn add_one(world: &World, id: &str) {
    loop {
        let record = world.get("counter", id).await.unwrap();
        let value = record["value"].as_i64().unwrap() + 1;
        let version = record["updated_at"].as_str().unwrap().to_owned();
        let change = fields(json!({ "value": value }));
        match world
            .engine
            .update(&world.local, "counter", id, change, Some(version))
            .await
        {
            Ok(_) => return,
            Err(error) => assert_eq!(error.code(), "concurrent_modification", "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost() {
    let world = world().await;
    for index in 0..10 {
        world
            .create("counter", json!({ "id": format!("c{index}"), "name": "x" }))
            .await
            .unwrap();
    }
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for round in 0..5 {
                    add_one(&world, &format!("c{}", (task + round) % 10)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.number("SELECT SUM(value) FROM counter").await, 64 * 5);
    assert_eq!(
        world
            .number("SELECT COUNT(*) FROM objectos_event WHERE name = 'data.record.updated'")
            .await,
        64 * 5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_record_without_a_condition_all_get_through() {
    let world = world().await;
    world
        .create("counter", json!({ "id": "one", "name": "x" }))
        .await
        .unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                world
                    .update("counter", "one", json!({ "value": task }))
                    .await
                    .map(|_| ())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    // Each saw the one before: the versions form a chain.
    let events = world.events().await;
    let mut last = events[0]["payload"]["after"]["updated_at"].clone();
    for event in &events[1..] {
        assert_eq!(event["payload"]["before"]["updated_at"], last);
        last = event["payload"]["after"]["updated_at"].clone();
    }
    assert_eq!(events.len(), 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_share_a_commit_and_numbers_are_given_once() {
    let world = world().await;
    // The counter is begun by whoever comes first, several if they come at once.
    world.create("counter", json!({ "name": "first" })).await.unwrap();
    let before = world.store.status();
    let tasks: Vec<_> = (0..200)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                world
                    .create("counter", json!({ "name": format!("n{task}") }))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut tickets: Vec<Value> = Vec::new();
    for task in tasks {
        tickets.push(task.await.unwrap()["ticket"].clone());
    }
    let after = world.store.status();
    // Where others write as well, each number is taken in a unit of its own.
    let units = if world.store.shared() { 400 } else { 200 };
    assert_eq!(after.units - before.units, units);
    // One writer takes what waits together; several store at the same time.
    assert!(
        world.store.shared() || after.commits - before.commits < 150,
        "{} commits",
        after.commits - before.commits
    );
    tickets.sort_by_key(|ticket| ticket.as_str().unwrap().parse::<i64>().unwrap());
    tickets.dedup();
    assert_eq!(tickets.len(), 200);
}

/// Each that is brought is far from the next one, so that none is given before it is brought.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_are_brought_and_numbers_that_are_given_never_meet() {
    let world = world().await;
    let tasks: Vec<_> = (1..=60_i64)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let (context, record) = if task % 2 == 0 {
                    (&world.system, json!({ "ticket": (task * 1_000).to_string() }))
                } else {
                    (&world.local, json!({ "name": "given" }))
                };
                let made = world.engine.create(context, "counter", fields(record)).await.unwrap();
                let made: Value = serde_json::from_slice(&made.record).unwrap();
                made["ticket"].as_str().unwrap().parse::<i64>().unwrap()
            })
        })
        .collect();
    let mut tickets = std::collections::BTreeSet::new();
    for task in tasks {
        tickets.insert(task.await.unwrap());
    }
    assert_eq!(tickets.len(), 60, "{tickets:?}");
    let last = world.create("counter", json!({ "name": "last" })).await.unwrap();
    let last: i64 = last["ticket"].as_str().unwrap().parse().unwrap();
    assert!((60_001..=60_031).contains(&last), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let world = world().await;
    for round in 0..50 {
        let task = {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                world
                    .create("counter", json!({ "name": format!("gone {round}") }))
                    .await
            })
        };
        tokio::task::yield_now().await;
        task.abort();
        drop(task.await);
    }
    world.create("counter", json!({ "name": "after" })).await.unwrap();
    // One statement, which sees one state: what somebody gave up may still be stored.
    let surplus = "SELECT (SELECT COUNT(*) FROM counter) - (SELECT COUNT(*) FROM objectos_event)";
    assert_eq!(world.number(surplus).await, 0);
    assert_eq!(world.store.status().readers_idle, world.store.status().readers);
}
