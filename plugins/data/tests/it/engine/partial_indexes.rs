//! Indexes over some of the records: what they keep unique, and what they leave alone.

use serde_json::json;

use crate::driver::{Driver, driver};
use crate::world::{World, failure};

const SEAT: &str = "
name: seat
softDelete: { enabled: true }
fields:
  number: { type: number, scale: 0 }
  guest: { type: text }
  paid: { type: boolean }
  day: { type: date }
  price: { type: currency }
  state: { type: select, options: [{ label: Held, value: held }, { label: Free, value: free }] }
indexes:
  - { fields: [number, day], unique: true, partial: state = 'held' AND day >= '2026-01-01' }
  - { fields: [guest], name: one_seat, unique: true, partial: \"paid AND guest IS NOT NULL AND guest NOT IN ('it''s free', 'nobody')\" }
  - { fields: [price], partial: NOT (price > 9.5 OR number = -1) }
";

async fn world() -> World {
    World::new(&[("seat.object.yml", SEAT)]).await
}

#[tokio::test]
async fn values_are_unique_among_the_records_that_are_meant() {
    let world = world().await;
    let held = json!({ "number": 1, "day": "2026-03-01", "state": "held" });
    let first = world.create("seat", held.clone()).await.unwrap();
    let (code, message) = failure(world.create("seat", held.clone()).await);
    assert_eq!(code, "duplicate_value");
    assert!(message.contains("'number', 'day'"), "{message}");
    // Neither of these is in the index.
    let free = world
        .create("seat", json!({ "number": 1, "day": "2026-03-01", "state": "free" }))
        .await
        .unwrap();
    for _ in 0..2 {
        let old = json!({ "number": 1, "day": "2025-12-31", "state": "held" });
        world.create("seat", old).await.unwrap();
    }
    let id = free["id"].as_str().unwrap();
    let into = world.update("seat", id, json!({ "state": "held" })).await;
    assert_eq!(failure(into).0, "duplicate_value");
    let other = first["id"].as_str().unwrap();
    world.update("seat", other, json!({ "state": "free" })).await.unwrap();
    world.update("seat", id, json!({ "state": "held" })).await.unwrap();
}

#[tokio::test]
async fn the_bin_is_left_out_as_well() {
    let world = world().await;
    let held = json!({ "number": 1, "day": "2026-03-01", "state": "held" });
    let first = world.create("seat", held.clone()).await.unwrap();
    let id = first["id"].as_str().unwrap();
    world.engine.delete(&world.local, "seat", id).await.unwrap();
    world.create("seat", held).await.unwrap();
}

#[tokio::test]
async fn quotes_and_booleans_are_constants() {
    let world = world().await;
    let guest = |name: &str, paid: bool| json!({ "guest": name, "paid": paid });
    for name in ["it's free", "nobody"] {
        for _ in 0..2 {
            world.create("seat", guest(name, true)).await.unwrap();
        }
    }
    world.create("seat", guest("ann", true)).await.unwrap();
    world.create("seat", guest("ann", false)).await.unwrap();
    assert_eq!(
        failure(world.create("seat", guest("ann", true)).await).0,
        "duplicate_value"
    );
}

#[tokio::test]
async fn indexes_are_built_as_they_are_declared() {
    let page = "
name: page
fields:
  name: { type: text }
  tags: { type: tags }
indexes:
  - { fields: [name], type: hash }
  - { fields: [tags], type: gin }
";
    let files = [("page.object.yml", page)];
    let world = World::new(&files).await;
    for (name, tags) in [
        ("one", json!(["red", "blue"])),
        ("two", json!(["blue"])),
        ("three", json!(null)),
    ] {
        world
            .create("page", json!({ "id": name, "name": name, "tags": tags }))
            .await
            .unwrap();
    }
    for (filter, expected) in [
        (json!({ "tags": "red" }), "one"),
        (json!({ "tags": { "$in": ["red", "blue"] } }), "one two"),
        (json!({ "tags": { "$nin": ["red"] } }), "three two"),
        (json!({ "name": "two" }), "two"),
    ] {
        assert_eq!(
            world.names("page", filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
    if driver() == Driver::Postgres {
        let built = "SELECT COUNT(*) FROM pg_class i JOIN pg_am m ON m.oid = i.relam JOIN pg_namespace n ON n.oid = i.relnamespace \
            WHERE n.nspname = current_schema() AND (i.relname, m.amname) IN (('ix_page_name', 'hash'), ('ix_page_tags', 'gin'))";
        assert_eq!(world.number(built).await, 2);
    }
    // Opened again there is nothing to build.
    let world = World::at(world.close().await, &files).await;
    assert_eq!(world.names("page", json!({ "tags": "red" })).await.unwrap(), ["one"]);
}
