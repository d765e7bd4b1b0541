//! Making, reading, changing, deleting: shapes, stamps, ids and codes.

use std::sync::atomic::Ordering;

use objectos_data::error::DataError;
use serde_json::{Value, json};

use crate::world::{NOON, World, failure, field_errors};

pub(crate) const ACCOUNT: &str = "
name: account
label: Account
fields:
  name: { type: text, label: Name, required: true, maxLength: 80, searchable: true }
  code: { type: text, unique: true }
  stage: { type: select, options: [{ label: New, value: fresh }, { label: Won, value: won }], defaultValue: fresh }
  revenue: { type: currency, scale: 2 }
  employees: { type: number }
  active: { type: boolean, defaultValue: true }
  secret: { type: password }
  ticket: { type: autonumber, autonumberFormat: 'A-{0000}' }
  tags: { type: tags }
  site: { type: location }
keyPrefix: acc
";

async fn world() -> World {
    World::new(&[("account.object.yml", ACCOUNT)]).await
}

#[tokio::test]
async fn a_record_is_made_with_defaults_stamps_and_an_id() {
    let world = world().await;
    let record = world
        .create(
            "account",
            json!({ "name": "Acme", "revenue": 12.345, "employees": 9_007_199_254_740_993_i64 }),
        )
        .await
        .unwrap();
    let id = record["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("acc") && id.len() == 25, "{id}");
    let expected = json!({
        "id": id,
        "name": "Acme",
        "code": null,
        "stage": "fresh",
        "revenue": 12.35,
        "employees": 9_007_199_254_740_993_i64,
        "active": true,
        "secret": null,
        "ticket": "A-0001",
        "tags": null,
        "site": null,
        "created_at": "2026-02-28T12:00:00.000Z",
        "updated_at": "2026-02-28T12:00:00.000Z",
        "created_by": "local",
        "updated_by": "local",
        "owner_id": "local",
    });
    assert_eq!(record, expected);
    assert_eq!(world.get("account", &id).await.unwrap(), expected);
    let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
    assert_eq!(keys.first().unwrap().as_str(), "id");
}

#[tokio::test]
async fn a_record_may_bring_its_own_id_once() {
    let world = world().await;
    let record = world
        .create("account", json!({ "id": "own-1", "name": "Acme" }))
        .await
        .unwrap();
    assert_eq!(record["id"], "own-1");
    let (code, message) = failure(world.create("account", json!({ "id": "own-1", "name": "Other" })).await);
    assert_eq!(code, "duplicate_value");
    assert_eq!(
        message,
        "the id is taken in 'account'; choose another one, or leave it out"
    );
    assert_eq!(
        field_errors(world.create("account", json!({ "id": "a b", "name": "x" })).await),
        ["id: invalid_format"]
    );
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_the_stamps() {
    let world = world().await;
    let before = world
        .create("account", json!({ "name": "Acme", "secret": "hunter2" }))
        .await
        .unwrap();
    let id = before["id"].as_str().unwrap();
    world.clock.0.store(NOON + 5_000, Ordering::SeqCst);
    let after = world
        .update("account", id, json!({ "stage": "won", "tags": ["a", "b"] }))
        .await
        .unwrap();
    let mut expected = before.clone();
    expected["stage"] = json!("won");
    expected["tags"] = json!(["a", "b"]);
    expected["updated_at"] = json!("2026-02-28T12:00:05.000Z");
    assert_eq!(after, expected);
    assert_eq!(
        world
            .number("SELECT COUNT(*) FROM account WHERE secret LIKE '$argon2id$%'")
            .await,
        1
    );
}

#[tokio::test]
async fn the_version_grows_even_when_the_clock_stands() {
    let world = world().await;
    let record = world.create("account", json!({ "name": "Acme" })).await.unwrap();
    let id = record["id"].as_str().unwrap();
    let mut last = record["updated_at"].as_str().unwrap().to_owned();
    for round in 0..5 {
        let next = world
            .update("account", id, json!({ "employees": round }))
            .await
            .unwrap();
        let version = next["updated_at"].as_str().unwrap().to_owned();
        assert!(version > last, "{version} after {last}");
        last = version;
    }
}

#[tokio::test]
async fn a_record_that_comes_back_as_it_was_read_is_taken() {
    let world = world().await;
    let mut record = world.create("account", json!({ "name": "Acme" })).await.unwrap();
    let id = record["id"].as_str().unwrap().to_owned();
    record["name"] = json!("Acme Ltd");
    let changed = world.update("account", &id, record.clone()).await.unwrap();
    assert_eq!(changed["name"], "Acme Ltd");
    let mut again = changed;
    again["created_at"] = json!("2020-01-01T00:00:00.000Z");
    assert_eq!(
        field_errors(world.update("account", &id, again).await),
        ["created_at: read_only"]
    );
    // An older state is told by its version.
    assert_eq!(
        field_errors(world.update("account", &id, record).await),
        ["updated_at: read_only"]
    );
}

#[tokio::test]
async fn a_change_on_an_old_state_is_refused_with_the_new_one() {
    let world = world().await;
    let record = world.create("account", json!({ "name": "Acme" })).await.unwrap();
    let id = record["id"].as_str().unwrap();
    let version = record["updated_at"].as_str().unwrap().to_owned();
    let change = |name: &str| crate::world::fields(json!({ "name": name }));
    world
        .engine
        .update(&world.local, "account", id, change("first"), Some(version.clone()))
        .await
        .unwrap();
    let error = world
        .engine
        .update(&world.local, "account", id, change("second"), Some(version))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "concurrent_modification");
    let details = error.details();
    assert_eq!(details["currentRecord"]["name"], "first");
    assert_eq!(details["currentVersion"], details["currentRecord"]["updated_at"]);
    assert_eq!(world.get("account", id).await.unwrap()["name"], "first");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = world().await;
    let (code, _) = failure(world.get("account", "nope").await);
    assert_eq!(code, "record_not_found");
    assert_eq!(
        failure(world.update("account", "nope", json!({ "name": "x" })).await).0,
        "record_not_found"
    );
    assert_eq!(
        failure(world.engine.delete(&world.local, "account", "nope").await).0,
        "record_not_found"
    );
    let (code, message) = failure(world.get("acount", "x").await);
    assert_eq!(code, "object_not_found");
    assert_eq!(message, "object 'acount' does not exist; did you mean 'account'?");
}

#[tokio::test]
async fn a_deleted_record_is_gone() {
    let world = world().await;
    let record = world.create("account", json!({ "name": "Acme" })).await.unwrap();
    let id = record["id"].as_str().unwrap();
    world.engine.delete(&world.local, "account", id).await.unwrap();
    assert_eq!(failure(world.get("account", id).await).0, "record_not_found");
    assert_eq!(world.query("account", json!({})).await.unwrap()["total"], 0);
}

#[tokio::test]
async fn unknown_fields_are_refused_with_the_nearest() {
    let world = world().await;
    let error = world
        .create("account", json!({ "name": "x", "revenu": 1, "nonsense": 2 }))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_field");
    assert_eq!(
        error.to_string(),
        "object 'account' has no field 'revenu', 'nonsense'; did you mean 'revenue'?"
    );
    assert!(matches!(error, DataError::UnknownFields { .. }));
}

#[tokio::test]
async fn unique_values_are_kept_unique() {
    let world = world().await;
    world
        .create("account", json!({ "name": "a", "code": "X" }))
        .await
        .unwrap();
    let error = world
        .create("account", json!({ "name": "b", "code": "X" }))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "duplicate_value");
    let field = error.details()["fields"][0].clone();
    assert_eq!(
        (&field["field"], &field["code"]),
        (&json!("code"), &json!("duplicate_value"))
    );
    let other = world
        .create("account", json!({ "name": "c", "code": "Y" }))
        .await
        .unwrap();
    let id = other["id"].as_str().unwrap();
    assert_eq!(
        failure(world.update("account", id, json!({ "code": "X" })).await).0,
        "duplicate_value"
    );
    // Nothing is equal to nothing.
    world.create("account", json!({ "name": "d" })).await.unwrap();
    world.create("account", json!({ "name": "e" })).await.unwrap();
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let world = world().await;
    let bad = json!({
        "name": "", "stage": "lost", "revenue": "much", "active": "maybe", "tags": [1], "site": { "latitude": 91, "longitude": 0 },
        "ticket": "A-1", "owner_id": 7,
    });
    let errors = field_errors(world.create("account", bad).await);
    let expected = [
        "active: invalid_boolean",
        "name: required",
        "owner_id: invalid_type",
        "revenue: invalid_number",
        "site: max_value",
        "stage: invalid_option",
        "tags: invalid_type",
        "ticket: read_only",
    ];
    assert_eq!(errors, expected);
}

#[tokio::test]
async fn autonumbers_go_on_after_a_restart() {
    let world = world().await;
    for _ in 0..3 {
        world.create("account", json!({ "name": "x" })).await.unwrap();
    }
    let place = world.close().await;
    let world = World::at(place, &[("account.object.yml", ACCOUNT)]).await;
    let record = world.create("account", json!({ "name": "x" })).await.unwrap();
    assert_eq!(record["ticket"], "A-0004");
}

#[tokio::test]
async fn switched_off_methods_are_refused_but_not_for_the_system() {
    let files = [(
        "thing.object.yml",
        "name: thing\nfields: { name: { type: text } }\nenable: { apiMethods: [get, list] }",
    )];
    let world = World::new(&files).await;
    let (code, message) = failure(world.create("thing", json!({ "name": "x" })).await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("permission_denied", "object 'thing' does not allow 'create'")
    );
    let made = world
        .engine
        .create(&world.system, "thing", crate::world::fields(json!({ "name": "x" })))
        .await
        .unwrap();
    let read = world.get("thing", &made.id).await.unwrap();
    assert_eq!(read["created_by"], Value::Null);
    assert_eq!(
        failure(world.engine.delete(&world.local, "thing", &made.id).await).0,
        "permission_denied"
    );
}

#[tokio::test]
async fn nobody_in_particular_is_refused() {
    let world = world().await;
    let nobody = objectos_plugin_api::Context::request("r");
    assert_eq!(
        failure(world.get_as(&nobody, "account", "x").await).0,
        "unauthenticated"
    );
    assert_eq!(
        failure(world.query_as(&nobody, "account", json!({})).await).0,
        "unauthenticated"
    );
}
