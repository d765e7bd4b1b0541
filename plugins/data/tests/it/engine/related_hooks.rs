//! Handlers narrow and see records that come by a relation as they do those that are asked for: once for each relation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use objectos_data::engine::ports::HookPoint;
use objectos_data::query::from_query_string;
use objectos_plugin_api::Error;
use serde_json::{Value, json};

use crate::world::{World, failure};

const FILES: [(&str, &str); 3] = [
    ("yard.object.yml", "name: yard\nfields:\n  name: { type: text }\n"),
    (
        "gate.object.yml",
        "name: gate\nfields:\n  name: { type: text }\n  hidden: { type: boolean }\n  key: { type: secret }\n  yard: { type: lookup, reference: yard }\n",
    ),
    (
        "bell.object.yml",
        "name: bell\nfields:\n  name: { type: text }\n  gate: { type: lookup, reference: gate }\n  gates: { type: lookup, reference: gate, multiple: true }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("yard", json!({ "id": "y1", "name": "castle" })),
        (
            "gate",
            json!({ "id": "g1", "name": "north", "yard": "y1", "key": "s3cret-1" }),
        ),
        (
            "gate",
            json!({ "id": "g2", "name": "south", "yard": "y1", "hidden": true }),
        ),
        ("gate", json!({ "id": "g3", "name": "west", "yard": "y1" })),
        (
            "bell",
            json!({ "id": "b1", "name": "one", "gate": "g1", "gates": ["g3", "g2", "g1"] }),
        ),
        ("bell", json!({ "id": "b2", "name": "two", "gate": "g2" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

/// Nobody finds what is hidden.
fn narrow(payload: &mut Value) -> objectos_data::error::Result<bool> {
    let asked = payload["query"]["where"].take();
    let open = json!({ "hidden": { "$ne": true } });
    payload["query"]["where"] = if asked.is_null() {
        open
    } else {
        json!({ "$and": [asked, open] })
    };
    Ok(true)
}

#[tokio::test]
async fn what_handlers_hide_is_hidden_behind_every_relation() {
    let world = world().await;
    let cases = [
        (
            "bell",
            json!({ "fields": ["id"], "expand": { "gate": { "fields": ["name"] } } }),
            json!([{ "id": "b1", "gate": { "name": "north" } }, { "id": "b2", "gate": null }]),
            1,
        ),
        (
            "bell",
            json!({ "fields": ["id"], "where": { "id": "b1" }, "expand": { "gates": { "fields": ["name"], "limit": 2 } } }),
            json!([{ "id": "b1", "gates": [{ "name": "west" }, { "name": "north" }] }]),
            1,
        ),
        (
            "bell",
            json!({ "fields": ["id"], "where": { "id": "b1" }, "expand": { "gates": { "fields": ["name"], "orderBy": "name", "where": { "name": { "$ne": "west" } } } } }),
            json!([{ "id": "b1", "gates": [{ "name": "north" }] }]),
            1,
        ),
        // A page of each parent is one of what is left.
        (
            "yard",
            json!({ "fields": ["id"], "expand": { "gate": { "fields": ["name"], "orderBy": "id", "limit": 2 } } }),
            json!([{ "id": "y1", "gate": [{ "name": "north" }, { "name": "west" }] }]),
            1,
        ),
        // On every level, also where the records between are the same object's.
        (
            "bell",
            json!({ "fields": ["id"], "where": { "id": "b1" }, "expand": { "gate": { "fields": ["id"], "expand": { "yard": { "fields": ["id"], "expand": { "gate": { "fields": ["id"] } } } } } } }),
            json!([{ "id": "b1", "gate": { "id": "g1", "yard": { "id": "y1", "gate": [{ "id": "g1" }, { "id": "g3" }] } } }]),
            2,
        ),
    ];
    let mut statements = Vec::new();
    for (object, query, ..) in &cases {
        world.probe.calls.store(0, Ordering::SeqCst);
        world.query(object, query.clone()).await.unwrap();
        statements.push(world.probe.calls.load(Ordering::SeqCst));
    }
    assert_eq!(
        world.hooks.runs.load(Ordering::SeqCst),
        0,
        "nothing is built for nobody"
    );
    world.hooks.on(HookPoint::BeforeFind, "gate", narrow);
    for ((object, query, expected, runs), statements) in cases.into_iter().zip(statements) {
        world.probe.calls.store(0, Ordering::SeqCst);
        world.hooks.runs.store(0, Ordering::SeqCst);
        let found = world.query(object, query.clone()).await.unwrap();
        assert_eq!(found["records"], expected, "{query}");
        assert_eq!(world.hooks.runs.load(Ordering::SeqCst), runs, "{query}");
        assert_eq!(world.probe.calls.load(Ordering::SeqCst), statements, "{query}");
    }
    let wanted = from_query_string("select=id&expand=gate").unwrap();
    let answer = world.engine.get(&world.local, "bell", "b2", &wanted).await.unwrap();
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    assert_eq!(record, json!({ "id": "b2", "gate": null }));
}

#[tokio::test]
async fn a_handler_narrows_and_never_widens() {
    let world = world().await;
    world.hooks.on(HookPoint::BeforeFind, "gate", |payload| {
        payload["query"] = json!({ "fields": ["name"] });
        Ok(true)
    });
    let asked = json!({ "fields": ["id"], "expand": { "gate": { "where": { "name": "nobody" } } } });
    let found = world.query("bell", asked.clone()).await.unwrap();
    let pointed_to = json!([{ "id": "b1", "gate": { "name": "north" } }, { "id": "b2", "gate": { "name": "south" } }]);
    assert_eq!(found["records"], pointed_to);
    world.hooks.on(HookPoint::BeforeFind, "gate", |_| {
        Err(Error::veto("the gates are nobody's affair").into())
    });
    let (code, message) = failure(world.query("bell", asked).await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("validation_error", "the gates are nobody's affair")
    );
    // Who asks for no gate is none of their affair.
    world.query("bell", json!({})).await.unwrap();
}

#[tokio::test]
async fn handlers_see_what_is_shown_once_for_each_relation() {
    let world = world().await;
    let runs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&runs);
    world.hooks.on(HookPoint::AfterFind, "gate", move |payload| {
        count.fetch_add(1, Ordering::SeqCst);
        let records = payload["records"].as_array_mut().unwrap();
        // They know each by its id, whatever was asked for.
        records.retain(|record| record["id"] != "g2");
        records.reverse();
        for record in records.iter_mut() {
            record["seen"] = json!(true);
        }
        // What they add belongs nowhere.
        records.push(json!({ "id": "g9", "name": "made up" }));
        Ok(true)
    });
    for (object, query, expected) in [
        (
            "bell",
            json!({ "fields": ["id"], "expand": { "gate": { "fields": ["name"] } } }),
            json!([{ "id": "b1", "gate": { "name": "north", "seen": true } }, { "id": "b2", "gate": null }]),
        ),
        // A list of references keeps its order.
        (
            "bell",
            json!({ "fields": ["id"], "where": { "id": "b1" }, "expand": { "gates": { "fields": ["id"] } } }),
            json!([{ "id": "b1", "gates": [{ "id": "g3", "seen": true }, { "id": "g1", "seen": true }] }]),
        ),
        // Children come as they are left.
        (
            "yard",
            json!({ "fields": ["id"], "expand": { "gate": { "fields": ["name"], "orderBy": "id" } } }),
            json!([{ "id": "y1", "gate": [{ "name": "west", "seen": true }, { "name": "north", "seen": true }] }]),
        ),
    ] {
        runs.store(0, Ordering::SeqCst);
        let found = world.query(object, query.clone()).await.unwrap();
        assert_eq!(found["records"], expected, "{query}");
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{query}");
    }
    // Nothing was found, so nothing is shown.
    runs.store(0, Ordering::SeqCst);
    world
        .query("bell", json!({ "where": { "id": "nobody" }, "expand": ["gate"] }))
        .await
        .unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

/// A secret stands aside while handlers look, whosever they are, and is told to whoever asked in the end.
#[tokio::test]
async fn no_handler_of_a_related_record_sees_a_secret() {
    let world = world().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watch = |object: &'static str, changes: bool| {
        let writer = Arc::clone(&seen);
        world.hooks.on(HookPoint::AfterFind, object, move |payload| {
            writer.lock().unwrap().push(payload.to_string());
            for record in payload["records"].as_array_mut().unwrap() {
                record["by"] = json!(object);
            }
            Ok(changes)
        });
    };
    let check = async |by_gate: bool, by_bell: bool| {
        let query = json!({ "fields": ["id"], "where": { "id": "b1" }, "expand": { "gate": { "fields": ["key"] } } });
        let found = world.query_as(&world.system, "bell", query).await.unwrap();
        let mut gate = json!({ "key": "s3cret-1" });
        if by_gate {
            gate["by"] = json!("gate");
        }
        let mut bell = json!({ "id": "b1", "gate": gate });
        if by_bell {
            bell["by"] = json!("bell");
        }
        assert_eq!(found["records"], json!([bell]));
    };
    watch("gate", false);
    check(false, false).await;
    watch("gate", true);
    check(true, false).await;
    watch("bell", true);
    check(true, true).await;
    watch("gate", false);
    check(false, true).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 6);
    assert!(!seen.join("\n").contains("s3cret"), "{seen:?}");
}

/// So many relations, whatever their names.
fn names(count: usize) -> Value {
    let names = (0..count).map(|number| (format!("r{number}"), json!({})));
    Value::Object(names.collect())
}

#[tokio::test]
async fn handlers_expand_no_more_relations_together_than_one_query_may() {
    let world = world().await;
    let check = async |object: &str, adds: usize, expand: Value, refused: bool| {
        world.hooks.on(HookPoint::BeforeFind, object, move |payload| {
            payload["query"]["expand"] = names(adds);
            Ok(true)
        });
        world.probe.statements.store(0, Ordering::SeqCst);
        let (code, message) = failure(world.query("bell", json!({ "expand": expand })).await);
        let many = code == "invalid_query" && message.contains("at most 64 relations over all levels");
        assert_eq!(many, refused, "{object} {adds} {expand}: {message}");
        if refused {
            assert_eq!(world.probe.statements.load(Ordering::SeqCst), 0, "{object} {adds}");
        }
    };
    // What a handler makes is a query like others, and part of the one that was asked.
    check("gate", 65, json!({ "gate": {} }), true).await;
    check("gate", 64, json!({ "gate": {} }), true).await;
    check("gate", 63, json!({ "gate": {} }), false).await;
    // In the place of those that were asked for, and not beside them.
    check("gate", 63, json!({ "gate": { "expand": names(20) } }), false).await;
    // Each of several relations is narrowed by itself, and all of them are one query.
    check("gate", 31, json!({ "gate": {}, "gates": {} }), false).await;
    check("gate", 32, json!({ "gate": {}, "gates": {} }), true).await;
    check("bell", 65, json!({}), true).await;
}
