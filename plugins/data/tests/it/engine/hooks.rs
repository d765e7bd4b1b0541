//! Hooks see, change and refuse.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, TransactionItem};
use objectos_data::error::Result;
use objectos_plugin_api::Error;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::world::{World, failure, field_errors, fields};

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  size: { type: number, max: 10 }\n  secret: { type: password }\n";

async fn world() -> World {
    World::new(&[("thing.object.yml", THING)]).await
}

#[tokio::test]
async fn nothing_is_built_for_nobody() {
    let world = world().await;
    let record = world.create("thing", json!({ "name": "a" })).await.unwrap();
    world
        .update("thing", record["id"].as_str().unwrap(), json!({ "name": "b" }))
        .await
        .unwrap();
    world.query("thing", json!({})).await.unwrap();
    assert_eq!(world.hooks.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn before_a_record_is_made() {
    let world = world().await;
    world.hooks.on(HookPoint::BeforeInsert, "thing", |payload| {
        if payload["record"]["name"] == "forbidden" {
            return Err(Error::veto("that name is taken by the crown").into());
        }
        payload["record"]["size"] = json!(7);
        payload["record"]["name"] = json!(format!("{}!", payload["record"]["name"].as_str().unwrap_or_default()));
        Ok(true)
    });
    let record = world
        .create("thing", json!({ "name": "a", "secret": "s" }))
        .await
        .unwrap();
    assert_eq!((&record["name"], &record["size"]), (&json!("a!"), &json!(7)));
    assert_eq!(
        world
            .number("SELECT COUNT(*) FROM thing WHERE secret LIKE '$argon2id$%'")
            .await,
        1
    );
    let (code, message) = failure(world.create("thing", json!({ "name": "forbidden" })).await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("validation_error", "that name is taken by the crown")
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
}

#[tokio::test]
async fn what_a_hook_makes_of_a_record_is_checked_again() {
    let world = world().await;
    world.hooks.on(HookPoint::BeforeInsert, "thing", |payload| {
        payload["record"]["size"] = json!(11);
        Ok(true)
    });
    assert_eq!(
        field_errors(world.create("thing", json!({ "name": "a" })).await),
        ["size: max_value"]
    );
}

#[tokio::test]
async fn before_a_change_the_old_record_is_seen() {
    let world = world().await;
    world.hooks.on(HookPoint::BeforeUpdate, "thing", |payload| {
        assert_eq!(payload["previous"]["name"], "old");
        assert_eq!(payload["record"], json!({ "name": "new" }));
        payload["record"]["size"] = json!(3);
        Ok(true)
    });
    let record = world
        .create("thing", json!({ "name": "old", "size": 1 }))
        .await
        .unwrap();
    let changed = world
        .update(
            "thing",
            record["id"].as_str().unwrap(),
            json!({ "name": "new", "size": 1 }),
        )
        .await
        .unwrap();
    assert_eq!((&changed["name"], &changed["size"]), (&json!("new"), &json!(3)));
}

#[tokio::test]
async fn a_delete_can_be_refused() {
    let world = world().await;
    world.hooks.on(HookPoint::BeforeDelete, "thing", |payload| {
        match &payload["previous"]["name"] {
            Value::String(name) if name == "keep" => Err(Error::veto("this one stays").into()),
            _ => Ok(false),
        }
    });
    let keep = world.create("thing", json!({ "name": "keep" })).await.unwrap();
    let go = world.create("thing", json!({ "name": "go" })).await.unwrap();
    assert_eq!(
        failure(
            world
                .engine
                .delete(&world.local, "thing", keep["id"].as_str().unwrap())
                .await
        )
        .1,
        "this one stays"
    );
    world
        .engine
        .delete(&world.local, "thing", go["id"].as_str().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn after_a_change_only_the_answer_can_be_changed() {
    let world = world().await;
    world.hooks.on(HookPoint::AfterInsert, "thing", |payload| {
        payload["record"]["greeting"] = json!("hello");
        Ok(true)
    });
    world
        .hooks
        .on(HookPoint::AfterUpdate, "thing", |_| Err(Error::veto("too late").into()));
    let record = world.create("thing", json!({ "name": "a" })).await.unwrap();
    assert_eq!(record["greeting"], "hello");
    let id = record["id"].as_str().unwrap();
    assert!(world.get("thing", id).await.unwrap().get("greeting").is_none());
    let changed = world.update("thing", id, json!({ "name": "b" })).await.unwrap();
    assert_eq!(changed["name"], "b");
}

#[tokio::test]
async fn before_and_after_records_are_found() {
    let world = world().await;
    for name in ["a", "b"] {
        world
            .create("thing", json!({ "id": name, "name": name }))
            .await
            .unwrap();
    }
    world.hooks.on(HookPoint::BeforeFind, "thing", |payload| {
        payload["query"]["where"] = json!({ "$and": [payload["query"]["where"].clone(), { "name": "b" }] });
        Ok(true)
    });
    let found = world.query("thing", json!({ "where": {} })).await.unwrap();
    assert_eq!(
        (&found["total"], &found["records"][0]["name"]),
        (&json!(1), &json!("b"))
    );
    assert_eq!(failure(world.get("thing", "a").await).0, "record_not_found");
    world.hooks.on(HookPoint::AfterFind, "thing", |payload| {
        for record in payload["records"].as_array_mut().into_iter().flatten() {
            record["size"] = json!("big");
        }
        Ok(true)
    });
    assert_eq!(world.get("thing", "b").await.unwrap()["size"], "big");
}

/// What one handler narrowed stays so, also when a later one leaves the query, or what was found, out of what it made.
#[tokio::test]
async fn whoever_leaves_something_out_brings_nothing_back() {
    let world = world().await;
    for (id, name) in [("x", "a"), ("y", "b")] {
        world.create("thing", json!({ "id": id, "name": name })).await.unwrap();
    }
    world
        .hooks
        .after("test.first", HookPoint::BeforeFind, "thing", |payload| {
            payload["query"]["where"] = json!({ "name": "b" });
            Ok(true)
        });
    world
        .hooks
        .after("test.second", HookPoint::BeforeFind, "thing", |payload| {
            payload.as_object_mut().expect("a payload").remove("query");
            Ok(true)
        });
    let found = world.query("thing", json!({})).await.unwrap();
    assert_eq!((&found["total"], &found["records"][0]["id"]), (&json!(1), &json!("y")));
    let shown = json!([{ "id": "x", "name": "hidden" }]);
    let made = shown.clone();
    world
        .hooks
        .after("test.first", HookPoint::AfterFind, "thing", move |payload| {
            payload["records"] = made.clone();
            Ok(true)
        });
    world
        .hooks
        .after("test.second", HookPoint::AfterFind, "thing", |payload| {
            payload.as_object_mut().expect("a payload").remove("records");
            Ok(true)
        });
    assert_eq!(world.query("thing", json!({})).await.unwrap()["records"], shown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_planned_anew_shows_a_record_once() {
    let world = world().await;
    world.create("thing", json!({ "id": "y", "name": "y" })).await.unwrap();
    let made = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&made);
    world.hooks.on(HookPoint::BeforeInsert, "thing", move |payload| {
        count.fetch_add(1, Ordering::SeqCst);
        payload["record"]["size"] = json!(7);
        Ok(true)
    });
    let (engine, local, first) = (Arc::clone(&world.engine), world.local.clone(), AtomicBool::new(true));
    world.hooks.on(HookPoint::BeforeUpdate, "thing", move |_| {
        // Somebody else is faster, once.
        if first.swap(false, Ordering::SeqCst) {
            let other = engine.update(&local, "thing", "y", fields(json!({ "size": 1 })), None);
            tokio::task::block_in_place(|| Handle::current().block_on(other))?;
        }
        Ok(false)
    });
    let runs = world.hooks.runs.load(Ordering::SeqCst);
    let items = vec![
        BatchItem {
            id: Some("x".to_owned()),
            data: fields(json!({ "name": "x" })),
            ..BatchItem::default()
        },
        BatchItem {
            id: Some("y".to_owned()),
            data: fields(json!({ "name": "z" })),
            ..BatchItem::default()
        },
    ];
    let answer = world
        .engine
        .batch(
            &world.local,
            "thing",
            BatchOperation::Upsert,
            items,
            BatchOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(answer.to_json()["succeeded"], 2);
    assert_eq!(world.get("thing", "x").await.unwrap()["size"], 7);
    // The new record was shown once; the changed one once as it was, once as the other left it, and once to the other.
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert_eq!(world.hooks.runs.load(Ordering::SeqCst) - runs, 4);
}

const DIARY: &str = "name: diary\nisSystem: true\nfields:\n  about: { type: text, required: true }\n  number: { type: number, scale: 0 }\nindexes:\n  - { fields: [about, number], unique: true }\n";

#[tokio::test]
async fn what_a_hook_adds_is_stored_with_the_change_or_not_at_all() {
    let world = World::new(&[("thing.object.yml", THING), ("diary.object.yml", DIARY)]).await;
    let (asked, seen) = (AtomicU64::new(0), Arc::new(Mutex::new(Vec::new())));
    let known = Arc::clone(&seen);
    world.hooks.on(HookPoint::BeforeInsert, "thing", move |payload| {
        let name = payload["record"]["name"].clone();
        let mut records = payload["records"].as_array().cloned().unwrap_or_default();
        known.lock().unwrap().push(records.len());
        // The second time it asks for a number that is taken.
        let number = asked.fetch_add(1, Ordering::SeqCst).max(1);
        let about = if name == "bad" { json!(null) } else { name.clone() };
        records.push(json!({ "object": "diary", "record": { "about": about, "number": number } }));
        payload["records"] = json!(records);
        let event = if name == "forged" {
            "data.record.created"
        } else {
            "authz.thing_made"
        };
        payload["events"] = json!([{ "name": event, "key": "k", "payload": { "of": name } }]);
        Ok(true)
    });
    let counts = async || {
        let told = world.events().await;
        let told = told.iter().filter(|event| event["name"] == "authz.thing_made");
        let told = i64::try_from(told.count()).unwrap();
        let diary = world.number("SELECT COUNT(*) FROM diary").await;
        (world.number("SELECT COUNT(*) FROM thing").await, diary, told)
    };
    world.create("thing", json!({ "name": "a" })).await.unwrap();
    assert_eq!(counts().await, (1, 1, 1));
    world.create("thing", json!({ "name": "a" })).await.unwrap();
    assert_eq!(counts().await, (2, 2, 2));
    let item = || TransactionItem {
        object: "thing".to_owned(),
        operation: BatchOperation::Create,
        id: None,
        external_id: None,
        data: fields(json!({ "name": "a" })),
        expected: None,
    };
    world
        .engine
        .transaction(&world.local, vec![item(), item()])
        .await
        .unwrap();
    assert_eq!(counts().await, (4, 4, 4));
    assert_eq!(
        *seen.lock().unwrap(),
        [0, 0, 0, 0, 1],
        "what goes with one transaction is known"
    );
    for (name, code) in [("bad", "validation_error"), ("forged", "invalid_format")] {
        let (found, message) = failure(world.create("thing", json!({ "name": name })).await);
        assert_eq!(found, code, "{message}");
    }
    assert_eq!(counts().await, (4, 4, 4));
}

/// A handler that adds a record and an event.
fn adds(word: &'static str) -> impl Fn(&mut Value) -> Result<bool> + Send + Sync + 'static {
    move |payload| {
        let diary = json!({ "object": "diary", "record": { "about": word, "number": 1 } });
        let event = json!({ "name": format!("authz.{word}"), "payload": {} });
        for (key, item) in [("records", diary), ("events", event)] {
            let mut items = payload[key].as_array().cloned().unwrap_or_default();
            items.push(item);
            payload[key] = json!(items);
        }
        Ok(true)
    }
}

/// A handler that reads and writes what another one added may lose the last digit of a fraction, and has added nothing by that.
#[tokio::test]
async fn what_only_goes_through_a_handler_is_not_its_own() {
    let world = world().await;
    let hooks = &world.hooks;
    hooks.after("test.first", HookPoint::BeforeInsert, "thing", |payload| {
        payload["events"] = json!([{ "name": "authz.first", "payload": { "price": 19.99 } }]);
        Ok(true)
    });
    hooks.after("test.second", HookPoint::BeforeInsert, "thing", |payload| {
        payload["events"][0]["payload"]["price"] = json!(19.990_000_000_000_002);
        Ok(true)
    });
    hooks.strangers.lock().push("test.second authz.first".to_owned());
    world.create("thing", json!({ "name": "a" })).await.unwrap();
    let told = world.events().await;
    let told: Vec<&Value> = told.iter().filter(|event| event["name"] == "authz.first").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["metadata"]["source"], "test.first");
    assert_eq!(told[0]["payload"]["price"], 19.99);
}

/// Each addition is its own plugin's, wherever it stands in the row of handlers, and no handler takes another's away.
#[tokio::test]
async fn what_handlers_add_is_their_own_plugins() {
    let world = World::new(&[("thing.object.yml", THING), ("diary.object.yml", DIARY)]).await;
    let hooks = &world.hooks;
    hooks.after("test.first", HookPoint::BeforeInsert, "thing", adds("first"));
    // Leaves out what the first added, and changes the record.
    hooks.after("test.second", HookPoint::BeforeInsert, "thing", |payload| {
        payload["events"] = json!([]);
        payload["records"] = json!([]);
        payload["record"]["size"] = json!(5);
        Ok(true)
    });
    hooks.after("test.third", HookPoint::BeforeInsert, "thing", adds("third"));
    let record = world.create("thing", json!({ "name": "a" })).await.unwrap();
    assert_eq!(record["size"], 5);
    assert_eq!(world.number("SELECT COUNT(*) FROM diary").await, 2);
    let told = world.events().await;
    let told: Vec<_> = told
        .iter()
        .filter(|event| event["name"].as_str().is_some_and(|name| name.starts_with("authz.")))
        .map(|event| (event["name"].clone(), event["metadata"]["source"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("authz.first"), json!("test.first")),
            (json!("authz.third"), json!("test.third"))
        ]
    );
    // A record that the plugin may not make refuses the whole change, though the others' would be good.
    hooks.strangers.lock().push("test.third diary".to_owned());
    let (code, message) = failure(world.create("thing", json!({ "name": "b" })).await);
    assert_eq!(code, "permission_denied", "{message}");
    assert!(message.contains("test.third"), "{message}");
    assert_eq!(world.number("SELECT COUNT(*) FROM diary").await, 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
    // So does an event that it may not publish.
    hooks.strangers.lock().clear();
    hooks.strangers.lock().push("test.first authz.first".to_owned());
    let (code, message) = failure(world.create("thing", json!({ "name": "b" })).await);
    assert_eq!(code, "permission_denied", "{message}");
    assert!(
        message.contains("test.first") && message.contains("authz.first"),
        "{message}"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
}

/// No handler tells the next one, or the engine, that something else is done than is. Whoever puts it back hides nothing.
#[tokio::test]
async fn what_is_done_is_no_handlers_to_change() {
    for (key, value) in [
        ("object", json!("diary")),
        ("id", json!("other")),
        ("previous", json!({ "id": "x", "name": "harmless" })),
        ("previous", Value::Null),
    ] {
        let world = world().await;
        let record = json!({ "id": "x", "name": "old" });
        world.create("thing", record).await.unwrap();
        let (hooks, put_back) = (&world.hooks, Arc::new(Mutex::new(Value::Null)));
        for point in [HookPoint::BeforeUpdate, HookPoint::BeforeDelete] {
            let (kept, value) = (Arc::clone(&put_back), value.clone());
            hooks.after("test.meddler", point, "thing", move |payload| {
                *kept.lock().unwrap() = payload[key].clone();
                payload[key] = value.clone();
                Ok(true)
            });
            let kept = Arc::clone(&put_back);
            hooks.after("test.helper", point, "thing", move |payload| {
                payload[key] = kept.lock().unwrap().clone();
                Ok(true)
            });
        }
        let refusals = [
            failure(world.update("thing", "x", json!({ "name": "new" })).await),
            failure(world.engine.delete(&world.local, "thing", "x").await),
        ];
        for (code, message) in refusals {
            assert_eq!(code, "permission_denied", "{message}");
            assert!(message.contains("test.meddler") && message.contains(key), "{message}");
        }
        assert_eq!(world.number("SELECT COUNT(*) FROM thing WHERE name = 'old'").await, 1);
    }
}

#[tokio::test]
async fn what_is_asked_for_is_no_handlers_to_change() {
    let world = world().await;
    world.create("thing", json!({ "id": "x", "name": "a" })).await.unwrap();
    for point in [HookPoint::BeforeFind, HookPoint::AfterFind] {
        world.hooks.on(point, "thing", |payload| {
            payload["object"] = json!("other");
            Ok(true)
        });
        for (code, message) in [
            failure(world.query("thing", json!({})).await),
            failure(world.get("thing", "x").await),
        ] {
            assert_eq!(code, "permission_denied", "{message}");
            assert!(
                message.contains("test.handler") && message.contains("object"),
                "{message}"
            );
        }
        world.hooks.on(point, "thing", |_| Ok(false));
    }
    // After a change is stored nobody takes it back; what such a handler makes of it is left out.
    world.hooks.on(HookPoint::AfterInsert, "thing", |payload| {
        payload["record"]["name"] = json!("forged");
        payload["id"] = json!("y");
        Ok(true)
    });
    let record = world.create("thing", json!({ "name": "b" })).await.unwrap();
    assert_eq!(record["name"], "b");
}
