//! Upserts at the same moment: one makes the record, the others change it, and nobody is turned away.

use std::sync::Arc;

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions};
use serde_json::{Value, json};

use crate::world::{World, fields};

const PART: &str = "
name: part
softDelete: { enabled: true }
fields:
  name: { type: text }
  code: { type: text, unique: true, externalId: true }
  serial: { type: text, unique: true }
";

async fn world() -> Arc<World> {
    Arc::new(World::new(&[("part.object.yml", PART)]).await)
}

async fn upsert(world: &World, id: Option<&str>, external_id: Option<&str>, data: Value) -> Value {
    let item = BatchItem {
        id: id.map(str::to_owned),
        external_id: external_id.map(str::to_owned),
        data: fields(data),
        expected: None,
    };
    let answer = world
        .engine
        .batch(
            &world.local,
            "part",
            BatchOperation::Upsert,
            vec![item],
            BatchOptions::default(),
        )
        .await
        .unwrap();
    answer.to_json()
}

async fn race(by_id: bool) {
    let world = world().await;
    for round in 0..10 {
        let key = format!("k{round}");
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let (world, key) = (Arc::clone(&world), key.clone());
                tokio::spawn(async move {
                    let (id, external) = if by_id {
                        (Some(&*key), None)
                    } else {
                        (None, Some(&*key))
                    };
                    upsert(&world, id, external, json!({ "name": format!("n{task}") })).await
                })
            })
            .collect();
        for task in tasks {
            let answer = task.await.unwrap();
            assert_eq!(answer["success"], true, "{answer}");
        }
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM part").await, 10);
    let made = "SELECT COUNT(*) FROM objectos_event WHERE name = 'data.record.created'";
    assert_eq!(world.number(made).await, 10);
    let changed = "SELECT COUNT(*) FROM objectos_event WHERE name = 'data.record.updated'";
    assert_eq!(world.number(changed).await, 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_id() {
    race(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_external_id() {
    race(false).await;
}

#[tokio::test]
async fn what_is_no_race_is_told() {
    let world = world().await;
    world
        .create("part", json!({ "id": "p1", "name": "a", "code": "A", "serial": "S" }))
        .await
        .unwrap();
    // Another value than the key is in the way.
    let answer = upsert(&world, Some("p2"), None, json!({ "serial": "S" })).await;
    assert_eq!(answer["results"][0]["errors"][0]["code"], "duplicate_value", "{answer}");
    // The id is that of a record in the bin.
    world.engine.delete(&world.local, "part", "p1").await.unwrap();
    let answer = upsert(&world, Some("p1"), None, json!({ "name": "b" })).await;
    assert_eq!(answer["results"][0]["errors"][0]["code"], "duplicate_value", "{answer}");
}
