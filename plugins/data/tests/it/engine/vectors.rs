//! The nearest of vectors.

use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::world::{World, allowed, failure, principal};

const NOTE: &str = "
name: note
fields:
  name: { type: text }
  kind: { type: text }
  place: { type: vector, vectorConfig: { dimensions: 2, distanceMetric: euclidean } }
  meaning: { type: vector, vectorConfig: { dimensions: 3 } }
";

async fn world() -> World {
    let world = World::new(&[("note.object.yml", NOTE)]).await;
    for (name, kind, place, meaning) in [
        ("a", "x", json!([0, 0]), json!([1, 0, 0])),
        ("b", "x", json!([3, 4]), json!([1, 1, 0])),
        ("c", "y", json!([1, 0]), json!([0, 1, 0])),
        ("d", "y", json!([0, 2]), json!([0, 0, 0])),
        ("e", "x", Value::Null, Value::Null),
    ] {
        let record = json!({ "id": name, "name": name, "kind": kind, "place": place, "meaning": meaning });
        world.create("note", record).await.unwrap();
    }
    world
}

async fn names(world: &World, query: Value) -> String {
    let found = world.query("note", query).await.unwrap();
    let names = found["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join("")
}

#[tokio::test]
async fn the_nearest_come_first() {
    let world = world().await;
    let near = |near: Value| json!({ "where": { "place": { "$near": near } } });
    for (wanted, expected) in [
        (json!({ "vector": [0, 0] }), "acdb"),
        (json!({ "vector": [0, 0], "k": 2 }), "ac"),
        (json!({ "vector": [3, 3], "k": 1 }), "b"),
        (json!({ "vector": [0, 0], "distance": 2 }), "acd"),
        (json!({ "vector": [0, 0], "distance": 4.9, "k": 1 }), "a"),
        (json!({ "vector": [2, 2], "metric": "manhattan" }), "dbca"),
        (json!({ "vector": [1, 1], "metric": "dotProduct" }), "bdca"),
        (json!({ "vector": [0, 1], "metric": "cosine", "k": 3 }), "dbc"),
    ] {
        assert_eq!(names(&world, near(wanted.clone())).await, expected, "{wanted}");
    }
    // A vector without a length has no direction, so nothing is near it.
    let found = json!({ "where": { "meaning": { "$near": { "vector": [1, 0.5, 0] } } } });
    assert_eq!(names(&world, found).await, "bac");
}

#[tokio::test]
async fn the_distance_stands_in_the_answer() {
    let world = world().await;
    let query = json!({ "where": { "place": { "$near": { "vector": [0, 0], "k": 3 } } }, "fields": ["name"] });
    let found = world.query("note", query).await.unwrap();
    assert_eq!(
        (found["total"].clone(), found["records"].clone()),
        (
            json!(3),
            json!([{ "name": "a", "_distance": 0 }, { "name": "c", "_distance": 1 }, { "name": "d", "_distance": 2 }])
        )
    );
}

#[tokio::test]
async fn near_goes_with_other_tests_orders_and_pages() {
    let world = world().await;
    let near = json!({ "$near": { "vector": [0, 0], "k": 2 } });
    let query = json!({ "where": { "kind": "y", "place": near } });
    assert_eq!(names(&world, query).await, "cd");
    let query = json!({ "where": { "$and": [{ "place": near }, { "kind": "x" }] } });
    assert_eq!(names(&world, query).await, "ab");
    let query = json!({ "where": { "place": { "$near": { "vector": [0, 0], "k": 3 } } }, "orderBy": "-name" });
    assert_eq!(names(&world, query).await, "dca");
    let all = json!({ "place": { "$near": { "vector": [0, 0] } } });
    let first = world.query("note", json!({ "where": all, "limit": 3 })).await.unwrap();
    assert_eq!((&first["total"], &first["hasMore"]), (&json!(4), &json!(true)));
    let cursor = first["nextCursor"].as_str().unwrap();
    assert_eq!(
        names(&world, json!({ "where": all, "limit": 3, "cursor": cursor })).await,
        "b"
    );
    assert_eq!(
        names(&world, json!({ "where": all, "limit": 3, "offset": 2 })).await,
        "db"
    );
}

#[tokio::test]
async fn only_what_may_be_seen_is_near() {
    let world = world().await;
    world
        .permissions
        .allow("u1", "note", Operation::Read, allowed(Some(json!({ "kind": "y" }))));
    let context = principal("u1", PrincipalKind::User, None);
    let query = json!({ "where": { "place": { "$near": { "vector": [0, 0], "k": 2 } } } });
    let found = world.query_as(&context, "note", query).await.unwrap();
    assert_eq!(
        (&found["total"], &found["records"][0]["name"]),
        (&json!(2), &json!("c"))
    );
}

#[tokio::test]
async fn what_near_does_not_take() {
    let world = world().await;
    for (filter, message) in [
        (
            json!({ "place": { "$near": { "vector": [1] } } }),
            "the vector of $near at 'place' must have 2 numbers, found 1",
        ),
        (
            json!({ "name": { "$near": { "vector": [1, 1] } } }),
            "$near looks at vectors, and 'name' is none",
        ),
        (
            json!({ "place": { "$near": { "vector": [1, 1], "metric": "far" } } }),
            "\"far\" is no metric; use cosine, euclidean, dotProduct or manhattan",
        ),
        (
            json!({ "place": { "$near": [1, 1] } }),
            "$near at 'place' takes {vector, k?, distance?, metric?}",
        ),
        (
            json!({ "place": { "$near": { "vector": [1, 1], "k": 0 } } }),
            "k of $near at 'place' is 1 to 1000, found 0",
        ),
        (
            json!({ "$or": [{ "place": { "$near": { "vector": [1, 1] } } }, { "name": "a" }] }),
            "$near at 'place' stands at the top of the filter of the object itself, beside what else must hold, and once",
        ),
    ] {
        let (code, found) = failure(world.query("note", json!({ "where": filter })).await);
        assert_eq!((code.as_str(), found.as_str()), ("invalid_filter", message), "{filter}");
    }
}
