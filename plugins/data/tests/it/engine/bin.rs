//! The bin: what goes there, how it comes back, and how it goes for good.

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, field_errors, fields, principal};

const FILES: [(&str, &str); 4] = [
    (
        "album.object.yml",
        "name: album\nsoftDelete: { enabled: true, cascadeDelete: true }\nfields:\n  name: { type: text, unique: true }\n",
    ),
    (
        "photo.object.yml",
        "name: photo\nsoftDelete: { enabled: true }\nfields:\n  name: { type: text }\n  album: { type: master_detail, reference: album }\n",
    ),
    (
        "link.object.yml",
        "name: link\nfields:\n  name: { type: text }\n  album: { type: lookup, reference: album }\n",
    ),
    (
        "stone.object.yml",
        "name: stone\nsoftDelete: { enabled: true }\nenable: { trash: false }\nfields: { name: { type: text } }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("album", json!({ "id": "a1", "name": "one" })),
        ("photo", json!({ "id": "p0", "name": "p0", "album": "a1" })),
        ("photo", json!({ "id": "p1", "name": "p1", "album": "a1" })),
        ("link", json!({ "id": "l1", "name": "l1", "album": "a1" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

async fn delete(world: &World, object: &str, id: &str) {
    world.engine.delete(&world.local, object, id).await.unwrap();
    world.clock.0.fetch_add(10, std::sync::atomic::Ordering::SeqCst);
}

async fn ids(world: &World, object: &str, deleted: bool) -> Vec<String> {
    let mut query = json!({ "orderBy": "id", "fields": ["id"] });
    if deleted {
        query["deleted"] = json!("only");
    }
    let found = world.query(object, query).await.unwrap();
    let records = found["records"].as_array().unwrap();
    assert_eq!(found["total"], records.len());
    records
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn kinds(world: &World) -> Vec<String> {
    let events = world.events().await;
    events
        .iter()
        .map(|event| {
            let (name, payload) = (event["name"].as_str().unwrap(), &event["payload"]);
            format!(
                "{} {}",
                name.trim_start_matches("data.record."),
                payload["recordId"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn what_went_together_comes_back_together() {
    let world = world().await;
    // This one went by itself before, and stays.
    delete(&world, "photo", "p0").await;
    delete(&world, "album", "a1").await;
    assert_eq!(ids(&world, "album", false).await, Vec::<String>::new());
    assert_eq!(ids(&world, "album", true).await, ["a1"]);
    assert_eq!(ids(&world, "photo", true).await, ["p0", "p1"]);
    let before = world.events().await.len();
    let answer = world.engine.restore(&world.local, "album", "a1").await.unwrap();
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    assert_eq!((&record["name"], &record["deleted_at"]), (&json!("one"), &Value::Null));
    assert_eq!(ids(&world, "album", true).await, Vec::<String>::new());
    assert_eq!(ids(&world, "photo", false).await, ["p1"]);
    assert_eq!(kinds(&world).await[before..], ["restored a1", "restored p1"]);
    // A reference that was emptied by the delete stays empty.
    assert_eq!(world.get("link", "l1").await.unwrap()["album"], Value::Null);
    assert_eq!(
        failure(world.engine.restore(&world.local, "album", "a1").await).0,
        "record_not_found"
    );
}

/// Without `cascadeDelete` nothing follows into the bin: a `set_null` reference stays, leads nowhere meanwhile, and is good again
/// with the record. It is emptied when the record goes for good.
#[tokio::test]
async fn a_reference_outlasts_the_bin_and_no_longer() {
    let world = World::new(&[
        (
            "shelf.object.yml",
            "name: shelf\nsoftDelete: { enabled: true }\nfields:\n  name: { type: text }\n",
        ),
        (
            "book.object.yml",
            "name: book\nfields:\n  name: { type: text }\n  shelf: { type: lookup, reference: shelf }\n",
        ),
    ])
    .await;
    world
        .create("shelf", json!({ "id": "s1", "name": "one" }))
        .await
        .unwrap();
    world
        .create("book", json!({ "id": "b1", "name": "a book", "shelf": "s1" }))
        .await
        .unwrap();
    let seen = async || {
        let query = json!({ "fields": ["shelf.name"], "expand": { "shelf": { "fields": ["name"] } } });
        let found = world.query("book", query).await.unwrap();
        let stored = world.get("book", "b1").await.unwrap()["shelf"].clone();
        let record = &found["records"][0];
        (stored, record["shelf.name"].clone(), record["shelf"].clone())
    };
    let there = (json!("s1"), json!("one"), json!({ "name": "one" }));
    let nowhere = |stored: Value| (stored, Value::Null, Value::Null);
    assert_eq!(seen().await, there);
    delete(&world, "shelf", "s1").await;
    assert_eq!(seen().await, nowhere(json!("s1")));
    // Nobody can be put onto it meanwhile.
    let put = world.create("book", json!({ "name": "b", "shelf": "s1" })).await;
    assert_eq!(field_errors(put), ["shelf: reference_not_found"]);
    world.engine.restore(&world.local, "shelf", "s1").await.unwrap();
    assert_eq!(seen().await, there);
    delete(&world, "shelf", "s1").await;
    world.engine.purge(&world.local, "shelf", "s1", None).await.unwrap();
    assert_eq!(seen().await, nowhere(Value::Null));
}

#[tokio::test]
async fn values_in_the_bin_can_be_taken_again() {
    let world = world().await;
    delete(&world, "album", "a1").await;
    world
        .create("album", json!({ "id": "a2", "name": "one" }))
        .await
        .unwrap();
    let (code, message) = failure(world.engine.restore(&world.local, "album", "a1").await);
    assert_eq!(
        (code.as_str(), message.contains("'name'")),
        ("duplicate_value", true),
        "{message}"
    );
    delete(&world, "album", "a2").await;
    world.engine.restore(&world.local, "album", "a1").await.unwrap();
    let again = world.create("album", json!({ "name": "one" })).await;
    assert_eq!(failure(again).0, "duplicate_value");
}

#[tokio::test]
async fn a_part_does_not_come_back_without_its_whole() {
    let world = world().await;
    delete(&world, "album", "a1").await;
    let alone = world.engine.restore(&world.local, "photo", "p1").await;
    assert_eq!(field_errors(alone), ["album: reference_not_found"]);
}

#[tokio::test]
async fn for_good_is_for_good() {
    let world = world().await;
    delete(&world, "photo", "p0").await;
    world.engine.purge(&world.local, "album", "a1", None).await.unwrap();
    // The parts went with it, those in the bin as well.
    assert_eq!(
        world
            .number("SELECT (SELECT COUNT(*) FROM photo) + (SELECT COUNT(*) FROM album)")
            .await,
        0
    );
    let told = kinds(&world).await;
    for line in ["deleted a1", "purged a1", "deleted p1", "purged p1", "purged p0"] {
        assert_eq!(
            told.iter().filter(|known| *known == line).count(),
            1,
            "{line} of {told:?}"
        );
    }
    assert_eq!(told.iter().filter(|line| *line == "deleted p0").count(), 1, "{told:?}");
    assert_eq!(
        failure(world.engine.purge(&world.local, "album", "a1", None).await).0,
        "record_not_found"
    );
    assert_eq!(
        failure(world.engine.restore(&world.local, "album", "a1").await).0,
        "record_not_found"
    );
}

#[tokio::test]
async fn records_in_the_bin_are_read_by_those_who_ask_for_them() {
    let world = world().await;
    delete(&world, "photo", "p0").await;
    let query = json!({ "deleted": "only", "aggregations": [{ "function": "count", "alias": "n" }] });
    assert_eq!(
        world.query("photo", query).await.unwrap()["records"],
        json!([{ "n": 1 }])
    );
    assert_eq!(failure(world.get("photo", "p0").await).0, "record_not_found");
    assert_eq!(
        failure(world.query("link", json!({ "deleted": "only" })).await).0,
        "permission_denied"
    );
    world.create("stone", json!({ "id": "s1", "name": "s" })).await.unwrap();
    delete(&world, "stone", "s1").await;
    // Without a bin that could be opened it is gone for good.
    assert_eq!(world.number("SELECT COUNT(*) FROM stone").await, 0);
    assert_eq!(
        failure(world.query("stone", json!({ "deleted": "only" })).await).0,
        "permission_denied"
    );
    assert_eq!(
        failure(world.engine.restore(&world.local, "stone", "s1").await).0,
        "permission_denied"
    );
    assert_eq!(
        failure(world.query("photo", json!({ "deleted": "all" })).await).0,
        "invalid_query"
    );
}

#[tokio::test]
async fn each_operation_has_its_own_right() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let own = || plan(Some(json!({ "name": { "$ne": "p1" } })), None, &[], &[]);
    for operation in [Operation::Read, Operation::Delete] {
        world.permissions.allow("ann", "photo", operation, own());
    }
    let restore = async |who: &Context, id: &str| world.engine.restore(who, "photo", id).await.map(drop);
    world.engine.delete(&ann, "photo", "p0").await.unwrap();
    delete(&world, "photo", "p1").await;
    assert_eq!(failure(restore(&ann, "p0").await).0, "permission_denied");
    assert_eq!(
        failure(world.engine.purge(&ann, "photo", "p0", None).await).0,
        "permission_denied"
    );
    world.permissions.allow("ann", "photo", Operation::Restore, own());
    world.permissions.allow("ann", "photo", Operation::Purge, own());
    let seen = world
        .query_as(&ann, "photo", json!({ "deleted": "only", "fields": ["id"] }))
        .await
        .unwrap();
    assert_eq!(seen["records"], json!([{ "id": "p0" }]));
    assert_eq!(failure(restore(&ann, "p1").await).0, "record_not_found");
    assert_eq!(
        failure(world.engine.purge(&ann, "photo", "p1", None).await).0,
        "record_not_found"
    );
    restore(&ann, "p0").await.unwrap();
}

#[tokio::test]
async fn many_at_once() {
    let world = world().await;
    let batch = async |operation: BatchOperation, ids: &[&str]| {
        let item = |id: &&str| BatchItem {
            id: Some((*id).to_owned()),
            ..BatchItem::default()
        };
        let items = ids.iter().map(item).collect();
        let options = BatchOptions::default();
        let answer = world
            .engine
            .batch(&world.local, "photo", operation, items, options)
            .await;
        answer.unwrap().to_json()
    };
    assert_eq!(batch(BatchOperation::Delete, &["p0", "p1"]).await["succeeded"], 2);
    // All or none: one of them is not in the bin.
    let failed = batch(BatchOperation::Restore, &["p0", "nobody"]).await;
    assert_eq!((&failed["succeeded"], &failed["failed"]), (&json!(0), &json!(2)));
    assert_eq!(ids(&world, "photo", true).await, ["p0", "p1"]);
    assert_eq!(batch(BatchOperation::Restore, &["p0"]).await["succeeded"], 1);
    assert_eq!(batch(BatchOperation::Purge, &["p0", "p1"]).await["succeeded"], 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM photo").await, 0);
}

#[tokio::test]
async fn a_record_is_deleted_once() {
    let world = world().await;
    let two = tokio::join!(
        world.engine.delete(&world.local, "photo", "p0"),
        world.engine.delete(&world.local, "photo", "p0"),
    );
    let good = usize::from(two.0.is_ok()) + usize::from(two.1.is_ok());
    assert_eq!(good, 1, "{two:?}");
    let told = kinds(&world).await;
    assert_eq!(told.iter().filter(|line| *line == "deleted p0").count(), 1, "{told:?}");
    let change = fields(json!({ "name": "late" }));
    assert_eq!(
        failure(world.engine.update(&world.local, "photo", "p0", change, None).await).0,
        "record_not_found"
    );
}

#[tokio::test]
async fn details_go_with_their_master() {
    let world = World::new(&[
        (
            "order.object.yml",
            "name: order\nsoftDelete: { enabled: true }\nfields:\n  name: { type: text }\n",
        ),
        (
            "line.object.yml",
            "name: line\nsoftDelete: { enabled: true }\nfields:\n  order: { type: master_detail, reference: order }\n",
        ),
        (
            "mark.object.yml",
            "name: mark\nfields:\n  order: { type: master_detail, reference: order }\n",
        ),
        (
            "hint.object.yml",
            "name: hint\nsoftDelete: { enabled: true }\nfields:\n  order: { type: lookup, reference: order, deleteBehavior: cascade }\n",
        ),
    ])
    .await;
    world.create("order", json!({ "id": "o1" })).await.unwrap();
    for object in ["line", "mark", "hint"] {
        let record = json!({ "id": format!("{object}1"), "order": "o1" });
        world.create(object, record).await.unwrap();
    }
    delete(&world, "order", "o1").await;
    assert_eq!(ids(&world, "line", true).await, ["line1"]);
    // What has no bin could not come back, and what is no detail waits for `cascadeDelete`.
    assert_eq!(ids(&world, "mark", false).await, ["mark1"]);
    assert_eq!(ids(&world, "hint", false).await, ["hint1"]);
    world.engine.restore(&world.local, "order", "o1").await.unwrap();
    assert_eq!(ids(&world, "line", false).await, ["line1"]);
    let purged = world.engine.purge(&world.local, "order", "o1", None).await;
    assert!(purged.is_ok(), "{purged:?}");
    for object in ["line", "mark", "hint"] {
        assert_eq!(ids(&world, object, false).await, Vec::<String>::new());
    }
}
