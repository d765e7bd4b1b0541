//! Encrypted fields: what is stored, who is told what, and how keys are changed.

use std::sync::{Arc, Mutex};

use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{ExportFormat, ImportMode, ImportOptions, Rotation, import_list};
use objectos_data::query::QueryInput;
use objectos_data::store::{Expect, Statement, WriteUnit};
use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::driver::Place;
use crate::world::{World, failure, field_errors, fields, vault};

const MASK: &str = "••••••";
const ENDPOINT: &str = "
name: endpoint
softDelete: { enabled: true }
versioning: { enabled: true, strategy: snapshot }
fields:
  name: { type: text, required: true, externalId: true }
  token: { type: secret, minLength: 4 }
  note: { type: text, encryptionConfig: { enabled: true, keyManagement: { provider: local }, scope: field } }
";
const CALL: &str = "
name: call
fields:
  name: { type: text }
  endpoint: { type: lookup, reference: endpoint }
";
const FILES: [(&str, &str); 2] = [("endpoint.object.yml", ENDPOINT), ("call.object.yml", CALL)];

async fn world() -> World {
    filled(World::new(&FILES).await).await
}

async fn filled(world: World) -> World {
    let endpoint = json!({ "id": "e1", "name": "one", "token": "s3cret-token", "note": "private note" });
    world.create("endpoint", endpoint).await.unwrap();
    let call = json!({ "id": "c1", "name": "first", "endpoint": "e1" });
    world.create("call", call).await.unwrap();
    world
}

/// A field of a record, asked for by its name.
async fn told(world: &World, context: &Context, id: &str, field: &str) -> Value {
    let query = json!({ "fields": [field], "where": { "id": id } });
    world.query_as(context, "endpoint", query).await.unwrap()["records"][0][field].clone()
}

/// Changes a record behind the engine.
async fn behind(world: &World, sql: &str) {
    let mut unit = WriteUnit::default();
    unit.push(Statement::new(sql, Vec::new()), Expect::Changed(1));
    world.store.write(unit).await.unwrap();
}

/// The record has this in the place of its token, and its note in clear.
fn shows(record: &Value, token: &str, place: &str) {
    assert_eq!(
        (&record["token"], &record["note"]),
        (&json!(token), &json!("private note")),
        "{place}"
    );
}

#[tokio::test]
async fn a_secret_is_told_to_the_system_alone() {
    let world = world().await;
    for (context, token) in [(&world.local, MASK), (&world.system, "s3cret-token")] {
        let check = |record: &Value, place: &str| shows(record, token, place);
        check(&world.get_as(context, "endpoint", "e1").await.unwrap(), "get");
        let listed = world.query_as(context, "endpoint", json!({})).await.unwrap();
        check(&listed["records"][0], "list");
        let named = json!({ "fields": ["note", "token"] });
        let listed = world.query_as(context, "endpoint", named).await.unwrap();
        check(&listed["records"][0], "fields");
        let expanded = json!({ "expand": ["endpoint"] });
        let listed = world.query_as(context, "call", expanded).await.unwrap();
        check(&listed["records"][0]["endpoint"], "expand");
        let paths = json!({ "fields": ["endpoint.token", "endpoint.note"] });
        let listed = world.query_as(context, "call", paths).await.unwrap();
        let record = &listed["records"][0];
        check(
            &json!({ "token": record["endpoint.token"], "note": record["endpoint.note"] }),
            "path",
        );
        let changed = fields(json!({ "name": "one" }));
        let written = world.engine.update(context, "endpoint", "e1", changed, None).await;
        check(&serde_json::from_slice(&written.unwrap().record).unwrap(), "update");
    }
    world
        .create("endpoint", json!({ "id": "e2", "name": "two" }))
        .await
        .unwrap();
    assert_eq!(world.get("endpoint", "e2").await.unwrap()["token"], Value::Null);
}

#[tokio::test]
async fn nothing_of_it_lies_in_the_database() {
    let world = world().await;
    let changed = json!({ "token": "s3cret-other", "note": "private other" });
    world.update("endpoint", "e1", changed).await.unwrap();
    let stored = "SELECT COUNT(*) FROM endpoint WHERE token LIKE '$sealed$1$test$%' AND note LIKE '$sealed$1$test$%'";
    assert_eq!(world.number(stored).await, 1);
    for event in world.events().await {
        let text = event.to_string();
        assert!(!text.contains("s3cret") && !text.contains("private"), "{text}");
    }
    let place = world.close().await;
    // Of PostgreSQL there are no files here.
    for file in std::fs::read_dir(place.folder()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        for clear in ["s3cret", "private"] {
            let found = bytes.windows(clear.len()).any(|part| part == clear.as_bytes());
            assert!(!found, "{clear} in {}", path.display());
        }
    }
}

#[tokio::test]
async fn it_is_written_and_never_by_its_mask() {
    let world = world().await;
    let system = world.system.clone();
    let read = world.get("endpoint", "e1").await.unwrap();
    let back = json!({ "name": "anew", "token": read["token"], "note": read["note"] });
    let before = world.number("SELECT COUNT(*) FROM objectos_event").await;
    world.update("endpoint", "e1", back).await.unwrap();
    assert_eq!(told(&world, &system, "e1", "token").await, "s3cret-token");
    // What came back as it was read is no change.
    let events = world.events().await;
    let event = &events[usize::try_from(before).unwrap()];
    assert_eq!(event["payload"]["changes"], json!(["name", "version"]), "{event}");
    for (value, expected) in [
        (json!("other"), json!("other")),
        (Value::Null, Value::Null),
        (json!("again"), json!("again")),
        (json!(""), Value::Null),
    ] {
        world.update("endpoint", "e1", json!({ "token": value })).await.unwrap();
        assert_eq!(told(&world, &system, "e1", "token").await, expected, "{value}");
        let seen = if expected.is_null() { Value::Null } else { json!(MASK) };
        assert_eq!(told(&world, &world.local, "e1", "token").await, seen, "{value}");
    }
    for (token, code) in [(MASK, "token: invalid_format"), ("abc", "token: min_length")] {
        let refused = world.create("endpoint", json!({ "name": "x", "token": token })).await;
        assert_eq!(field_errors(refused), [code]);
    }
}

#[tokio::test]
async fn nobody_finds_records_by_it() {
    let world = world().await;
    for (field, value) in [("token", "s3cret-token"), ("note", "private note")] {
        for query in [
            json!({ "where": { (field): value } }),
            json!({ "where": { (field): null } }),
            json!({ "where": { (field): { "$startsWith": "s" } } }),
            json!({ "orderBy": field }),
            json!({ "groupBy": [field], "aggregations": [{ "function": "count", "alias": "n" }] }),
            json!({ "aggregations": [{ "function": "min", "field": field, "alias": "n" }] }),
            json!({ "fields": [field], "distinct": true }),
        ] {
            for context in [&world.local, &world.system] {
                let (code, message) = failure(world.query_as(context, "endpoint", query.clone()).await);
                assert!(
                    ["invalid_field", "invalid_sort"].contains(&code.as_str()),
                    "{query}: {code}"
                );
                let named = format!("'{field}' of 'endpoint' is a secret");
                assert!(message.contains(&named), "{query}: {message}");
            }
        }
        let path = format!("endpoint.{field}");
        let (code, _) = failure(
            world
                .query("call", json!({ "where": { (path.as_str()): value } }))
                .await,
        );
        assert_eq!(code, "invalid_field");
        let named = json!({ "search": { "query": "private", "fields": [field] } });
        assert_eq!(failure(world.query("endpoint", named).await).0, "invalid_field");
    }
    let found = world.query("endpoint", json!({ "search": "private" })).await.unwrap();
    assert_eq!(found["total"], 0);
}

#[tokio::test]
async fn versions_clones_exports_and_the_bin_do_not_tell() {
    let world = world().await;
    let system = world.system.clone();
    world
        .update("endpoint", "e1", json!({ "token": "s3cret-other" }))
        .await
        .unwrap();
    for context in [&world.local, &world.system] {
        let version = world.engine.version(context, "endpoint", "e1", 1).await.unwrap();
        let text = version.to_string();
        assert!(!text.contains("s3cret") && !text.contains("private"), "{text}");
    }
    let back = world
        .engine
        .restore_version(&world.local, "endpoint", "e1", 1, None)
        .await;
    back.unwrap();
    assert_eq!(told(&world, &system, "e1", "token").await, "s3cret-other");
    assert_eq!(told(&world, &system, "e1", "note").await, "private note");
    let copy = fields(json!({ "name": "copy" }));
    let copy = world
        .engine
        .clone_record(&system, "endpoint", "e1", copy)
        .await
        .unwrap();
    assert_eq!(told(&world, &system, &copy.id, "token").await, Value::Null);
    for format in [ExportFormat::Csv, ExportFormat::Json, ExportFormat::Ndjson] {
        let (parts, _) = world.export("endpoint", QueryInput::default(), format).await.unwrap();
        let text = String::from_utf8(parts.concat()).unwrap();
        assert!(text.contains(MASK) && !text.contains("s3cret"), "{text}");
    }
    world.engine.delete(&world.local, "endpoint", "e1").await.unwrap();
    let restored = world.engine.restore(&system, "endpoint", "e1").await.unwrap();
    let restored: Value = serde_json::from_slice(&restored.record).unwrap();
    assert_eq!(restored["token"], "s3cret-other");
}

#[tokio::test]
async fn an_import_takes_it_and_leaves_what_comes_back() {
    let world = world().await;
    let system = world.system.clone();
    let rows = vec![
        json!({ "name": "one", "token": MASK }),
        json!({ "name": "two", "token": "s3cret-two" }),
        json!({ "name": "three", "token": MASK }),
    ];
    let options = ImportOptions {
        mode: ImportMode::Upsert,
        external_id: Some("name".to_owned()),
        ..ImportOptions::default()
    };
    let told_of = world
        .engine
        .import(&world.local, "endpoint", import_list(rows), &options)
        .await
        .unwrap();
    assert!(!told_of.to_string().contains("s3cret"), "{told_of}");
    let query = json!({ "fields": ["name", "token"], "orderBy": "name" });
    let found = world.query_as(&system, "endpoint", query).await.unwrap();
    let expected = json!([{ "name": "one", "token": "s3cret-token" }, { "name": "two", "token": "s3cret-two" }]);
    assert_eq!(found["records"], expected, "{told_of}");
}

/// Hooks see that a secret changes, but not to what; the change of another field does not undo it.
#[tokio::test]
async fn hooks_do_not_see_it_and_do_not_lose_it() {
    let world = world().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&seen);
    world.hooks.on(HookPoint::BeforeUpdate, "endpoint", move |payload| {
        writer.lock().unwrap().push(payload.to_string());
        payload["record"]["name"] = json!("hooked");
        Ok(true)
    });
    let change = json!({ "name": "plain", "token": "s3cret-new", "note": "private new" });
    world.update("endpoint", "e1", change).await.unwrap();
    let known = world.get_as(&world.system, "endpoint", "e1").await.unwrap();
    assert_eq!(
        (&known["name"], &known["token"], &known["note"]),
        (&json!("hooked"), &json!("s3cret-new"), &json!("private new"))
    );
    let seen = seen.lock().unwrap().join("\n");
    assert!(!seen.contains("s3cret") && !seen.contains("private"), "{seen}");
}

/// Whoever handles what was found sees that there is something, and passes it on without knowing it.
#[tokio::test]
async fn handlers_of_what_was_found_do_not_see_it_and_do_not_lose_it() {
    let world = world().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    for object in ["endpoint", "call"] {
        let writer = Arc::clone(&seen);
        world.hooks.on(HookPoint::AfterFind, object, move |payload| {
            writer.lock().unwrap().push(payload.to_string());
            payload["records"][0]["handled"] = json!(true);
            // What no handler changed is what was found.
            Ok(object == "call")
        });
    }
    for (context, token) in [(&world.local, MASK), (&world.system, "s3cret-token")] {
        let check = |record: &Value, place: &str| shows(record, token, place);
        check(&world.get_as(context, "endpoint", "e1").await.unwrap(), "get");
        let named = json!({ "fields": ["note", "token"] });
        let listed = world.query_as(context, "endpoint", named).await.unwrap();
        check(&listed["records"][0], "fields");
        let expanded = json!({ "expand": ["endpoint"] });
        let listed = world.query_as(context, "call", expanded).await.unwrap();
        assert_eq!(listed["records"][0]["handled"], true);
        check(&listed["records"][0]["endpoint"], "expand");
    }
    let seen = seen.lock().unwrap().join("\n");
    assert!(seen.contains(MASK), "{seen}");
    assert!(!seen.contains("s3cret") && !seen.contains("private"), "{seen}");
}

/// They did not see it, so what they say of it is not told: written back, it would take the secret away.
#[tokio::test]
async fn what_handlers_make_of_a_changed_record_leaves_it_told() {
    let world = World::new(&FILES).await;
    for point in [HookPoint::AfterInsert, HookPoint::AfterUpdate] {
        world.hooks.on(point, "endpoint", |payload| {
            payload["record"]["greeting"] = json!("hello");
            Ok(true)
        });
    }
    let check = |record: &Value, note: &str| {
        let told = (&record["greeting"], &record["token"], &record["note"]);
        assert_eq!(told, (&json!("hello"), &json!(MASK), &json!(note)), "{record}");
    };
    let new = json!({ "id": "e1", "name": "one", "token": "s3cret-token", "note": "private note" });
    check(&world.create("endpoint", new).await.unwrap(), "private note");
    let change = json!({ "token": "s3cret-other", "note": "private other" });
    check(&world.update("endpoint", "e1", change).await.unwrap(), "private other");
}

/// As they are after a key was lost: what is asked for by name is refused with the key's id, everything else can be read.
#[tokio::test]
async fn a_missing_or_wrong_key_is_told() {
    let mut place = world().await.close().await;
    for (keys, why) in [
        (vault(&[("new", 8)]), "it is encrypted with the key 'test'"),
        (vault(&[("test", 8)]), "it does not open with the key 'test'"),
    ] {
        let world = World::keyed(place, keys, &FILES).await;
        for (context, field) in [
            (&world.system, "token"),
            (&world.system, "note"),
            (&world.local, "note"),
        ] {
            let query = json!({ "fields": ["name", field] });
            let (code, message) = failure(world.query_as(context, "endpoint", query).await);
            assert_eq!(code, "internal_error");
            let named = format!("'{field}' of record 'e1' of 'endpoint' cannot be read: {why}");
            assert!(message.starts_with(&named), "{message}");
        }
        let whole = world.get_as(&world.system, "endpoint", "e1").await.unwrap();
        assert_eq!(
            (&whole["name"], &whole["token"], &whole["note"]),
            (&json!("one"), &json!(MASK), &json!(MASK))
        );
        assert_eq!(told(&world, &world.system, "e1", "name").await, "one");
        // Who writes the whole record back destroys nothing.
        let back = json!({ "name": "one", "token": whole["token"], "note": whole["note"] });
        world.update("endpoint", "e1", back).await.unwrap();
        place = world.close().await;
    }
    let world = World::keyed(place, vault(&[("new", 8), ("test", 7)]), &FILES).await;
    assert_eq!(told(&world, &world.system, "e1", "token").await, "s3cret-token");
    assert_eq!(told(&world, &world.local, "e1", "note").await, "private note");
}

#[tokio::test]
async fn a_value_opens_in_its_own_place_alone() {
    let world = world().await;
    let other = json!({ "id": "e2", "name": "two", "token": "another one", "note": "n" });
    world.create("endpoint", other).await.unwrap();
    behind(
        &world,
        "UPDATE endpoint SET token = (SELECT o.token FROM endpoint o WHERE o.id = 'e1') WHERE id = 'e2'",
    )
    .await;
    let query = json!({ "fields": ["token"], "where": { "id": "e2" } });
    let (_, message) = failure(world.query_as(&world.system, "endpoint", query).await);
    assert!(message.contains("does not open with the key 'test'"), "{message}");
}

#[tokio::test]
async fn without_a_key_no_value_is_taken() {
    let world = World::keyed(Place::new(), vault(&[]), &FILES).await;
    let refused = world
        .create("endpoint", json!({ "name": "one", "token": "s3cret-token" }))
        .await;
    let (_, message) = failure(refused);
    assert!(message.contains("plugins.objectos.data.encryption.keys"), "{message}");
    world.create("endpoint", json!({ "name": "one" })).await.unwrap();
}

fn counts(rotations: &[Rotation]) -> Vec<(&str, u64, u64, u64)> {
    let of = |rotation: &Rotation| (rotation.current, rotation.rotated, rotation.unreadable);
    let named = rotations
        .iter()
        .map(|rotation| (rotation.object.as_str(), of(rotation)));
    named
        .map(|(object, (current, rotated, unreadable))| (object, current, rotated, unreadable))
        .collect()
}

#[tokio::test]
async fn keys_are_changed_under_the_records() {
    let first = World::keyed(Place::new(), vault(&[("old", 1)]), &FILES).await;
    // More than one batch of them, and one in the bin.
    let many = (0..250).map(|n| fields(json!({ "id": format!("m{n}"), "name": format!("m{n}"), "token": "many" })));
    let many: Vec<_> = many.collect();
    for part in many.chunks(100) {
        first
            .engine
            .create_many(&first.local, "endpoint", part.to_vec())
            .await
            .unwrap();
    }
    let first = filled(first).await;
    first.engine.delete(&first.local, "endpoint", "m7").await.unwrap();
    let stamp = first.get("endpoint", "e1").await.unwrap()["updated_at"].clone();
    let place = first.close().await;

    let both = World::keyed(place, vault(&[("new", 2), ("old", 1)]), &FILES).await;
    let rotate = async |write: bool| both.engine.rotate_secrets(write, &|_| {}).await.unwrap();
    assert_eq!(counts(&rotate(false).await), [("endpoint", 0, 252, 0)]);
    both.update("endpoint", "m1", json!({ "token": "changed" }))
        .await
        .unwrap();
    assert_eq!(counts(&rotate(true).await), [("endpoint", 1, 251, 0)]);
    assert_eq!(counts(&rotate(true).await), [("endpoint", 252, 0, 0)]);
    assert_eq!(both.get("endpoint", "e1").await.unwrap()["updated_at"], stamp);
    let place = both.close().await;

    let last = World::keyed(place, vault(&[("new", 2)]), &FILES).await;
    for (id, token) in [("e1", "s3cret-token"), ("m1", "changed"), ("m249", "many")] {
        assert_eq!(told(&last, &last.system, id, "token").await, token, "{id}");
    }
    let restored = last.engine.restore(&last.system, "endpoint", "m7").await.unwrap();
    let restored: Value = serde_json::from_slice(&restored.record).unwrap();
    assert_eq!(restored["token"], "many");
}

#[tokio::test]
async fn a_rotation_tells_what_it_cannot_read_and_encrypts_what_was_not() {
    let world = world().await;
    world
        .create("endpoint", json!({ "id": "e2", "name": "two" }))
        .await
        .unwrap();
    behind(&world, "UPDATE endpoint SET token = 'from before' WHERE id = 'e2'").await;
    let place = world.close().await;
    let world = World::keyed(place, vault(&[("new", 2)]), &FILES).await;
    let query = json!({ "fields": ["token"], "where": { "id": "e2" } });
    let (_, message) = failure(world.query_as(&world.system, "endpoint", query).await);
    assert!(message.contains("objectos-host encrypt rotate"), "{message}");
    let rotations = world.engine.rotate_secrets(true, &|_| {}).await.unwrap();
    assert_eq!(counts(&rotations), [("endpoint", 0, 1, 2)]);
    let reasons = rotations[0].reasons.join("\n");
    assert!(
        reasons.contains("endpoint.token of record e1: it is encrypted with the key 'test'"),
        "{reasons}"
    );
    assert_eq!(told(&world, &world.system, "e2", "token").await, "from before");
}

#[tokio::test]
async fn it_stays_readable_under_another_name() {
    let place = world().await.close().await;
    let renamed = ENDPOINT.replace("  token: { type: secret,", "  key: { type: secret, renamedFrom: token,");
    let files = [("endpoint.object.yml", renamed.as_str()), FILES[1]];
    let world = World::keyed(place, vault(&[("test", 7)]), &files).await;
    assert_eq!(told(&world, &world.system, "e1", "key").await, "s3cret-token");
    let rotations = world.engine.rotate_secrets(true, &|_| {}).await.unwrap();
    assert_eq!(counts(&rotations), [("endpoint", 1, 1, 0)]);
    let rotations = world.engine.rotate_secrets(true, &|_| {}).await.unwrap();
    assert_eq!(counts(&rotations), [("endpoint", 2, 0, 0)]);
    assert_eq!(told(&world, &world.system, "e1", "key").await, "s3cret-token");
}
