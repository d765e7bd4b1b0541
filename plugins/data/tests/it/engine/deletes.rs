//! What follows from a delete.

use objectos_data::engine::Engine;
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::world::{World, allowed, failure, principal};

const FILES: [(&str, &str); 6] = [
    ("root.object.yml", "name: root\nfields: { name: { type: text } }"),
    (
        "part.object.yml",
        "name: part\nfields:\n  name: { type: text }\n  root: { type: master_detail, reference: root }\n",
    ),
    (
        "screw.object.yml",
        "name: screw\nfields:\n  name: { type: text }\n  part: { type: lookup, reference: part, deleteBehavior: cascade }\n",
    ),
    (
        "note.object.yml",
        "name: note\nfields:\n  name: { type: text }\n  root: { type: lookup, reference: root }\n  roots: { type: lookup, reference: root, multiple: true }\n",
    ),
    (
        "lock.object.yml",
        "name: lock\nfields:\n  name: { type: text }\n  root: { type: lookup, reference: root, deleteBehavior: restrict }\n",
    ),
    (
        "node.object.yml",
        "name: node\nfields:\n  name: { type: text }\n  up: { type: lookup, reference: node, deleteBehavior: cascade }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("root", json!({ "id": "r1", "name": "r1" })),
        ("root", json!({ "id": "r2", "name": "r2" })),
        ("part", json!({ "id": "p1", "name": "p1", "root": "r1" })),
        ("part", json!({ "id": "p2", "name": "p2", "root": "r1" })),
        ("screw", json!({ "id": "s1", "name": "s1", "part": "p1" })),
        (
            "note",
            json!({ "id": "n1", "name": "n1", "root": "r1", "roots": ["r2", "r1"] }),
        ),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn parts_go_with_the_whole_and_others_let_go() {
    let world = world().await;
    let before = world.get("note", "n1").await.unwrap();
    world.engine.delete(&world.local, "root", "r1").await.unwrap();
    assert_eq!(
        world
            .number("SELECT (SELECT COUNT(*) FROM part) + (SELECT COUNT(*) FROM screw)")
            .await,
        0
    );
    let note = world.get("note", "n1").await.unwrap();
    assert_eq!((&note["root"], &note["roots"]), (&json!(null), &json!(["r2"])));
    assert!(note["updated_at"].as_str() > before["updated_at"].as_str());
    let names: Vec<String> = world
        .events()
        .await
        .iter()
        .skip(6)
        .map(|event| {
            format!(
                "{} {}",
                event["name"].as_str().unwrap(),
                event["payload"]["recordId"].as_str().unwrap()
            )
        })
        .collect();
    let count = |wanted: &str| names.iter().filter(|name| name.starts_with(wanted)).count();
    assert_eq!(count("data.record.deleted"), 4, "{names:?}");
    assert!(count("data.record.updated n1") >= 1, "{names:?}");
}

#[tokio::test]
async fn a_record_in_the_way_is_named_and_counted() {
    let world = world().await;
    world
        .create("lock", json!({ "name": "a", "root": "r1" }))
        .await
        .unwrap();
    world
        .create("lock", json!({ "name": "b", "root": "r1" }))
        .await
        .unwrap();
    let error = world.engine.delete(&world.local, "root", "r1").await.unwrap_err();
    assert_eq!(error.code(), "delete_restricted");
    let details = error.details();
    assert_eq!(
        (&details["dependentObject"], &details["dependentCount"]),
        (&json!("lock"), &json!(2))
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM part").await, 2);
    world.engine.delete(&world.local, "root", "r2").await.unwrap();
}

#[tokio::test]
async fn what_stands_in_the_way_is_counted_as_far_as_it_is_seen() {
    let world = world().await;
    for name in ["a", "b"] {
        let record = json!({ "name": name, "root": "r1" });
        world.create("lock", record).await.unwrap();
    }
    let context = principal("u1", PrincipalKind::User, None);
    for operation in [Operation::Read, Operation::Delete] {
        world.permissions.allow("u1", "root", operation, allowed(None));
    }
    for (seen, object, count) in [
        (None, json!("lock"), 2),
        (Some(json!({ "name": "a" })), json!("lock"), 1),
        (Some(json!({ "name": "c" })), Value::Null, 0),
    ] {
        world
            .permissions
            .allow("u1", "lock", Operation::Read, allowed(seen.clone()));
        let error = world.engine.delete(&context, "root", "r1").await.unwrap_err();
        let details = error.details();
        assert_eq!(error.code(), "delete_restricted", "{seen:?}");
        assert_eq!(
            (&details["dependentObject"], &details["dependentCount"]),
            (&object, &json!(count)),
            "{seen:?}"
        );
        assert_eq!(error.to_string().contains("lock"), count > 0, "{error}");
    }
}

#[tokio::test]
async fn a_circle_comes_to_an_end() {
    let world = world().await;
    world.create("node", json!({ "id": "a", "name": "a" })).await.unwrap();
    world
        .create("node", json!({ "id": "b", "name": "b", "up": "a" }))
        .await
        .unwrap();
    world
        .create("node", json!({ "id": "c", "name": "c", "up": "b" }))
        .await
        .unwrap();
    world.update("node", "a", json!({ "up": "c" })).await.unwrap();
    world.engine.delete(&world.local, "node", "b").await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM node").await, 0);
}

#[tokio::test]
async fn a_reference_that_is_needed_stands_in_the_way() {
    let files = [
        ("up.object.yml", "name: up\nfields: { name: { type: text } }"),
        (
            "down.object.yml",
            "name: down\nfields:\n  name: { type: text }\n  up: { type: lookup, reference: up, required: true }\n",
        ),
    ];
    let world = World::new(&files).await;
    world.create("up", json!({ "id": "u", "name": "u" })).await.unwrap();
    world.create("down", json!({ "name": "d", "up": "u" })).await.unwrap();
    assert_eq!(
        failure(world.engine.delete(&world.local, "up", "u").await).0,
        "delete_restricted"
    );
}

#[tokio::test]
async fn a_deleted_record_is_kept_where_the_object_says_so() {
    let files = [
        (
            "bin.object.yml",
            "name: bin\nfields: { name: { type: text } }\nsoftDelete: { enabled: true }",
        ),
        (
            "user.object.yml",
            "name: user\nfields:\n  name: { type: text }\n  bin: { type: lookup, reference: bin }\n",
        ),
    ];
    let world = World::new(&files).await;
    world.create("bin", json!({ "id": "b", "name": "kept" })).await.unwrap();
    world
        .create("user", json!({ "id": "u", "name": "u", "bin": "b" }))
        .await
        .unwrap();
    world.engine.delete(&world.local, "bin", "b").await.unwrap();
    assert_eq!(
        world
            .number("SELECT COUNT(*) FROM bin WHERE deleted_at IS NOT NULL")
            .await,
        1
    );
    assert_eq!(failure(world.get("bin", "b").await).0, "record_not_found");
    assert_eq!(
        failure(world.update("bin", "b", json!({ "name": "x" })).await).0,
        "record_not_found"
    );
    assert_eq!(
        failure(world.engine.delete(&world.local, "bin", "b").await).0,
        "record_not_found"
    );
    assert_eq!(world.query("bin", json!({})).await.unwrap()["total"], 0);
    // Who points to it keeps doing so, but finds nothing there.
    let found = world
        .query("user", json!({ "where": { "bin.name": "kept" } }))
        .await
        .unwrap();
    assert_eq!(found["total"], 0);
    assert_eq!(world.get("user", "u").await.unwrap()["bin"], "b");
    let errors = crate::world::field_errors(world.create("user", json!({ "name": "v", "bin": "b" })).await);
    assert_eq!(errors, ["bin: reference_not_found"]);
}

#[tokio::test]
async fn too_much_to_take_along_is_refused_with_the_remedy() {
    let world = world().await;
    let mut parts = world.engine.parts().clone();
    parts.limits.cascade_max = 4;
    let engine = Engine::new(parts);
    // Itself, two parts and a screw are four; a note that lets go of it, by two fields, comes after these.
    let error = engine.delete(&world.local, "root", "r1").await.unwrap_err();
    assert_eq!(error.code(), "max_records_exceeded");
    assert_eq!(error.details(), json!({ "object": "note", "max": 4 }));
    assert!(error.to_string().contains("limits.cascadeMax"), "{error}");
    // Who knows nothing of notes learns nothing of them.
    let user = principal("u", PrincipalKind::User, None);
    for (object, operation) in [("root", Operation::Delete), ("part", Operation::Read)] {
        world.permissions.allow("u", object, operation, allowed(None));
    }
    let error = engine.delete(&user, "root", "r1").await.unwrap_err();
    assert_eq!(
        (error.code(), error.details()),
        ("max_records_exceeded", json!({ "object": null, "max": 4 }))
    );
    assert!(!error.to_string().contains("note"), "{error}");
    world.permissions.allow("u", "note", Operation::Read, allowed(None));
    let error = engine.delete(&user, "root", "r1").await.unwrap_err();
    assert_eq!(error.details()["object"], "note");
    assert_eq!(world.number("SELECT COUNT(*) FROM part").await, 2);
    engine.delete(&world.local, "part", "p1").await.unwrap();
    engine.delete(&world.local, "root", "r1").await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM part").await, 0);
}
