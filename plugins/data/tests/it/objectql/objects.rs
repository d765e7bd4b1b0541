//! Cases of objects and apps: registered, owned by a caller, seeded, changed together.

use serde_json::{Value, json};

use super::{call, nothing, outcome, record};
use crate::app_support::try_load;
use crate::world::World;

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  size: { type: number }\n";

#[tokio::test]
async fn register_and_unknown() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    assert_eq!(outcome(&world, "POST thing", json!({ "name": "a" })).await, "201");
    let error = call(&world, "POST think", json!({ "name": "a" })).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (
            "object_not_found",
            "object 'think' does not exist; did you mean 'thing'?"
        )
    );
}

#[tokio::test]
async fn contexts_stamp_who_made_and_changed_a_record() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let made = record(&world, "POST thing", json!({ "id": "t1", "name": "a" })).await;
    assert_eq!(
        json!([made["created_by"], made["updated_by"], made["owner_id"]]),
        json!(["local", "local", "local"])
    );
    world.clock.0.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
    let changed = record(&world, "PATCH thing/t1", json!({ "size": 2 })).await;
    assert_eq!(changed["created_at"], made["created_at"]);
    assert!(changed["updated_at"].as_str() > made["updated_at"].as_str());
    // What the engine keeps is not written from outside.
    assert_eq!(
        outcome(&world, "PATCH thing/t1", json!({ "created_by": "me" })).await,
        "created_by: read_only"
    );
    assert_eq!(
        outcome(&world, "PATCH thing/t1", json!({ "id": "t2" })).await,
        "id: read_only"
    );
}

#[tokio::test]
async fn crud_on_one_object() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    assert_eq!(
        outcome(&world, "POST thing", json!({ "id": "t1", "name": "a" })).await,
        "201"
    );
    assert_eq!(record(&world, "GET thing/t1", nothing()).await["name"], "a");
    assert_eq!(record(&world, "PATCH thing/t1", json!({ "size": 5 })).await["size"], 5);
    assert_eq!(
        call(&world, "DELETE thing/t1", nothing()).await.unwrap().1["deleted"],
        true
    );
    assert_eq!(outcome(&world, "GET thing/t1", nothing()).await, "record_not_found");
    assert_eq!(outcome(&world, "PATCH thing/t1", json!({})).await, "record_not_found");
    assert_eq!(outcome(&world, "DELETE thing/t1", nothing()).await, "record_not_found");
}

#[tokio::test]
async fn bodies_that_are_none() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    assert_eq!(outcome(&world, "POST thing", json!("text")).await, "invalid_format");
    assert_eq!(outcome(&world, "POST thing", json!([1])).await, "invalid_format");
    assert_eq!(
        outcome(&world, "POST thing", json!({ "nmae": "x" })).await,
        "name: required, nmae: unknown_field"
    );
}

#[tokio::test]
async fn pages_first_last_and_beyond() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let records: Vec<Value> = (0..7)
        .map(|index| json!({ "id": format!("t{index}"), "name": "x" }))
        .collect();
    call(&world, "POST thing/createMany", Value::Array(records))
        .await
        .unwrap();
    for (query, count, more) in [
        ("top=3", 3, true),
        ("top=3&skip=3", 3, true),
        ("top=3&skip=6", 1, false),
        ("top=3&skip=9", 0, false),
        ("top=0", 0, true),
    ] {
        let (_, page) = call(&world, &format!("GET thing?{query}"), nothing()).await.unwrap();
        let found = page["records"].as_array().unwrap().len();
        assert_eq!(
            (found, &page["total"], &page["hasMore"]),
            (count, &json!(7), &json!(more)),
            "{query}"
        );
    }
    assert_eq!(outcome(&world, "GET thing?skip=-1", nothing()).await, "invalid_query");
}

#[tokio::test]
async fn transactions_commit_and_roll_back() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let bad = json!([{ "name": "a" }, { "size": 1 }]);
    assert_eq!(outcome(&world, "POST thing/createMany", bad).await, "name: required");
    assert_eq!(call(&world, "GET thing", nothing()).await.unwrap().1["total"], 0);
    let good = json!([{ "name": "a" }, { "name": "b" }]);
    assert_eq!(call(&world, "POST thing/createMany", good).await.unwrap().1["count"], 2);
    assert_eq!(call(&world, "GET thing", nothing()).await.unwrap().1["total"], 2);
}

#[test]
fn invalid_seeds_are_told() {
    let problems = try_load(&[
        ("thing.object.yml", THING),
        ("thing.data.yml", "- { name: a }\n- { nmae: b }\n"),
    ])
    .err()
    .unwrap();
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("has no field `nmae`; did you mean `name`?")),
        "{problems:?}"
    );
}

const NOTE: &str = "
name: note
tenancy: { enabled: true, strategy: shared, tenantField: company }
fields:
  name: { type: text }
  code: { type: text }
validations:
  - { name: one_code, type: unique, message: taken, fields: [code] }
";

#[tokio::test]
async fn records_belong_to_the_tenant_of_who_makes_them() {
    use crate::world::{allowed, fields, principal};
    use objectos_plugin_api::PrincipalKind;
    use objectos_plugin_api::contracts::permissions::Operation;

    let world = World::new(&[("note.object.yml", NOTE)]).await;
    for operation in [Operation::Read, Operation::Create, Operation::Update, Operation::Delete] {
        for user in ["u1", "u2"] {
            world.permissions.allow(user, "note", operation, allowed(None));
        }
    }
    let (one, two) = (
        principal("u1", PrincipalKind::User, Some("t1")),
        principal("u2", PrincipalKind::User, Some("t2")),
    );
    let create = |context| {
        world
            .engine
            .create(context, "note", fields(json!({ "name": "a", "code": "c1" })))
    };
    let made = create(&one).await.unwrap();
    let made: Value = serde_json::from_slice(&made.record).unwrap();
    assert_eq!(made["company"], "t1");
    // Each tenant has its own codes, and does not learn of the others'.
    create(&two).await.unwrap();
    assert_eq!(create(&one).await.unwrap_err().code(), "duplicate_value");
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.query_as(&two, "note", json!({})).await.unwrap()["total"], 1);
    assert_eq!(
        world.get_as(&two, "note", id).await.unwrap_err().code(),
        "record_not_found"
    );
    let figures = json!({ "aggregations": [{ "function": "count", "alias": "n" }] });
    assert_eq!(
        world.query_as(&two, "note", figures).await.unwrap()["records"][0]["n"],
        1
    );
    let change = |context| {
        world
            .engine
            .update(context, "note", id, fields(json!({ "name": "b" })), None)
    };
    assert_eq!(change(&two).await.unwrap_err().code(), "record_not_found");
    assert_eq!(
        world.engine.delete(&two, "note", id).await.unwrap_err().code(),
        "record_not_found"
    );
    change(&one).await.unwrap();
    for record in [json!({ "company": "t2" }), json!({ "name": "c", "company": "t2" })] {
        let error = world
            .engine
            .update(&one, "note", id, fields(record), None)
            .await
            .unwrap_err();
        assert_eq!(error.details()["fields"][0]["code"], "read_only");
    }
}
