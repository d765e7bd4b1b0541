//! Many records in one request.

use std::sync::atomic::Ordering;

use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, ImportOptions, TransactionItem, import_list};
use objectos_plugin_api::contracts::data::EventBeside;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, fields, principal};

const FILES: [(&str, &str); 2] = [
    (
        "shelf.object.yml",
        "name: shelf\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true, externalId: true }\n",
    ),
    (
        "book.object.yml",
        "name: book\nfields:\n  name: { type: text, required: true }\n  shelf: { type: lookup, reference: shelf }\n",
    ),
];

async fn world() -> World {
    World::new(&FILES).await
}

fn item(id: Option<&str>, data: Value) -> BatchItem {
    BatchItem {
        id: id.map(str::to_owned),
        external_id: None,
        data: fields(data),
        expected: None,
    }
}

async fn run(world: &World, operation: BatchOperation, items: Vec<BatchItem>, options: BatchOptions) -> Value {
    world
        .engine
        .batch(&world.local, "shelf", operation, items, options)
        .await
        .unwrap()
        .to_json()
}

#[tokio::test]
async fn one_bad_record_takes_all_back() {
    let world = world().await;
    let items = vec![
        item(None, json!({ "name": "a", "code": "A" })),
        item(None, json!({ "code": "B" })),
        item(None, json!({ "name": "c", "code": "C" })),
    ];
    let answer = run(&world, BatchOperation::Create, items, BatchOptions::default()).await;
    assert_eq!(
        (
            &answer["success"],
            &answer["succeeded"],
            &answer["failed"],
            &answer["total"]
        ),
        (&json!(false), &json!(0), &json!(3), &json!(3))
    );
    assert_eq!(answer["results"][0]["errors"][0]["code"], "transaction_failed");
    assert_eq!(answer["results"][1]["errors"][0]["code"], "validation_error");
    assert_eq!(
        answer["results"][1]["errors"][0]["fieldErrors"][0]["code"],
        "missing_required_field"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event").await, 0);
}

#[tokio::test]
async fn each_bad_record_of_a_batch_has_its_own_error() {
    let world = world().await;
    let taken = json!({ "id": "s1", "name": "there", "code": "T" });
    world.create("shelf", taken).await.unwrap();
    let codes = |answer: &Value| -> Vec<String> {
        let results = answer["results"].as_array().unwrap();
        let code = |result: &Value| result["errors"][0]["code"].as_str().unwrap_or("-").to_owned();
        results.iter().map(code).collect()
    };
    let items = || {
        vec![
            item(None, json!({ "name": "a", "code": "A" })),
            item(None, json!({ "code": "B" })),
            item(None, json!({ "name": "c", "code": "T" })),
            item(None, json!({ "name": "d", "colour": 1 })),
            item(None, json!({ "name": [1] })),
        ]
    };
    let expected = [
        "transaction_failed",
        "validation_error",
        "duplicate_value",
        "invalid_field",
        "validation_error",
    ];
    let check = BatchOptions {
        validate_only: true,
        ..BatchOptions::default()
    };
    for options in [BatchOptions::default(), check] {
        let answer = run(&world, BatchOperation::Create, items(), options).await;
        assert_eq!(codes(&answer), expected, "{answer}");
        assert_eq!(answer["succeeded"], 0);
    }
    // Also when the first of them is no record at all.
    let items = vec![
        item(None, json!({ "name": "?" })),
        item(Some("s1"), json!({ "name": "fine" })),
        item(Some("nope"), json!({ "name": "x" })),
        item(Some("s1"), json!({ "name": "" })),
    ];
    let answer = run(&world, BatchOperation::Update, items, BatchOptions::default()).await;
    assert_eq!(
        codes(&answer),
        [
            "record_not_found",
            "transaction_failed",
            "record_not_found",
            "validation_error"
        ]
    );
    assert_eq!(world.get("shelf", "s1").await.unwrap()["name"], "there");
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 1);
}

#[tokio::test]
async fn a_value_that_is_twice_in_the_batch_takes_all_back() {
    let world = world().await;
    let items = vec![
        item(None, json!({ "name": "a", "code": "A" })),
        item(None, json!({ "name": "b", "code": "A" })),
    ];
    let answer = run(&world, BatchOperation::Create, items, BatchOptions::default()).await;
    assert_eq!(answer["results"][1]["errors"][0]["code"], "duplicate_value");
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 0);
}

#[tokio::test]
async fn each_for_itself() {
    let world = world().await;
    let items = || {
        vec![
            item(None, json!({ "name": "a" })),
            item(None, json!({})),
            item(None, json!({ "name": "c" })),
        ]
    };
    let go_on = BatchOptions {
        atomic: false,
        continue_on_error: true,
        return_records: true,
        ..BatchOptions::default()
    };
    let answer = run(&world, BatchOperation::Create, items(), go_on).await;
    assert_eq!((&answer["succeeded"], &answer["failed"]), (&json!(2), &json!(1)));
    assert_eq!(answer["results"][2]["data"]["name"], "c");
    assert_eq!(answer["results"][2]["data"]["owner_id"], "local");
    let stop = BatchOptions {
        atomic: false,
        ..BatchOptions::default()
    };
    let answer = run(&world, BatchOperation::Create, items(), stop).await;
    assert_eq!((&answer["succeeded"], &answer["failed"]), (&json!(1), &json!(2)));
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 3);
}

#[tokio::test]
async fn updates_deletes_and_what_is_not_there() {
    let world = world().await;
    for id in ["a", "b", "c"] {
        world.create("shelf", json!({ "id": id, "name": id })).await.unwrap();
    }
    let go_on = BatchOptions {
        atomic: false,
        continue_on_error: true,
        ..BatchOptions::default()
    };
    let items = vec![
        item(Some("a"), json!({ "name": "A" })),
        item(Some("nope"), json!({ "name": "N" })),
        item(None, json!({ "name": "?" })),
    ];
    let answer = run(&world, BatchOperation::Update, items, go_on).await;
    let codes: Vec<&Value> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["errors"][0]["code"])
        .collect();
    assert_eq!(
        codes,
        [&Value::Null, &json!("record_not_found"), &json!("record_not_found")]
    );
    assert_eq!(world.get("shelf", "a").await.unwrap()["name"], "A");
    let answer = run(
        &world,
        BatchOperation::Delete,
        vec![item(Some("b"), json!({})), item(Some("c"), json!({}))],
        BatchOptions::default(),
    )
    .await;
    assert_eq!(answer["success"], true);
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 1);
}

#[tokio::test]
async fn one_record_twice_in_one_batch() {
    let world = world().await;
    world.create("shelf", json!({ "id": "a", "name": "a" })).await.unwrap();
    let items = vec![
        item(Some("a"), json!({ "name": "first" })),
        item(Some("a"), json!({ "code": "second" })),
    ];
    let answer = run(&world, BatchOperation::Update, items, BatchOptions::default()).await;
    assert_eq!(answer["success"], true, "{answer}");
    let record = world.get("shelf", "a").await.unwrap();
    assert_eq!((&record["name"], &record["code"]), (&json!("first"), &json!("second")));
}

#[tokio::test]
async fn upsert_by_id_and_by_external_id() {
    let world = world().await;
    world
        .create("shelf", json!({ "id": "a", "name": "a", "code": "A" }))
        .await
        .unwrap();
    let by_code = |code: &str, name: &str| BatchItem {
        external_id: Some(code.to_owned()),
        ..item(None, json!({ "name": name }))
    };
    let items = vec![
        item(Some("a"), json!({ "name": "changed" })),
        item(Some("b"), json!({ "name": "made" })),
        item(None, json!({ "name": "new" })),
        by_code("A", "by code"),
        by_code("Z", "made by code"),
    ];
    let answer = run(&world, BatchOperation::Upsert, items, BatchOptions::default()).await;
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(world.get("shelf", "a").await.unwrap()["name"], "by code");
    assert_eq!(world.get("shelf", "b").await.unwrap()["name"], "made");
    assert_eq!(
        world.names("shelf", json!({ "code": "Z" })).await.unwrap(),
        ["made by code"]
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 4);
}

#[tokio::test]
async fn only_checked_is_not_stored() {
    let world = world().await;
    let options = BatchOptions {
        validate_only: true,
        ..BatchOptions::default()
    };
    let answer = run(
        &world,
        BatchOperation::Create,
        vec![item(None, json!({ "name": "a" }))],
        options,
    )
    .await;
    assert_eq!(answer["success"], true);
    let answer = run(&world, BatchOperation::Create, vec![item(None, json!({}))], options).await;
    assert_eq!(answer["success"], false);
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 0);
}

#[tokio::test]
async fn too_many_are_refused() {
    let world = world().await;
    let items = vec![item(None, json!({ "name": "a" })); 201];
    let error = world
        .engine
        .batch(
            &world.local,
            "shelf",
            BatchOperation::Create,
            items,
            BatchOptions::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.details()),
        ("max_records_exceeded", json!({ "count": 201, "max": 200 }))
    );
}

#[tokio::test]
async fn many_are_made_or_none() {
    let world = world().await;
    let good = vec![fields(json!({ "name": "a" })), fields(json!({ "name": "b" }))];
    let made = world.engine.create_many(&world.local, "shelf", good).await.unwrap();
    assert_eq!(made.len(), 2);
    let bad = vec![fields(json!({ "name": "c" })), fields(json!({ "nome": "d" }))];
    let error = world.engine.create_many(&world.local, "shelf", bad).await.unwrap_err();
    assert_eq!(
        (error.code(), error.details()["index"].clone()),
        ("validation_error", json!(1))
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 2);
}

#[tokio::test]
async fn a_transaction_goes_over_objects_and_names_what_it_made() {
    let world = world().await;
    let entry = |object: &str, operation, id: Option<&str>, data: Value| TransactionItem {
        object: object.to_owned(),
        operation,
        id: id.map(str::to_owned),
        external_id: None,
        data: fields(data),
        expected: None,
    };
    let items = vec![
        entry("shelf", BatchOperation::Create, None, json!({ "name": "s" })),
        entry(
            "book",
            BatchOperation::Create,
            None,
            json!({ "name": "b", "shelf": { "$ref": 0 } }),
        ),
        entry(
            "shelf",
            BatchOperation::Update,
            Some("$ref:0"),
            json!({ "name": "renamed" }),
        ),
    ];
    let answers = world.engine.transaction(&world.local, items).await.unwrap();
    let book: Value = serde_json::from_slice(&answers[1].record).unwrap();
    assert_eq!(book["shelf"], answers[0].id);
    assert_eq!(world.get("shelf", &answers[0].id).await.unwrap()["name"], "renamed");
    let items = vec![
        entry("shelf", BatchOperation::Create, None, json!({ "name": "lost" })),
        entry(
            "book",
            BatchOperation::Create,
            None,
            json!({ "name": "b", "shelf": { "$ref": 5 } }),
        ),
    ];
    assert_eq!(
        failure(world.engine.transaction(&world.local, items).await).0,
        "invalid_format"
    );
    let items = vec![
        entry("shelf", BatchOperation::Create, None, json!({ "name": "lost" })),
        entry("book", BatchOperation::Delete, Some("nope"), json!({})),
    ];
    assert_eq!(
        failure(world.engine.transaction(&world.local, items).await).0,
        "record_not_found"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 1);
}

/// What only the database finds is found without storing anything: values that must be unique, records that still hang on one
/// that goes, and what the caller may write.
#[tokio::test]
async fn what_is_only_checked_is_tried() {
    let files = [
        (
            "shelf.object.yml",
            "name: shelf\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true, externalId: true }\n  kind: { type: text }\nvalidations:\n  - { type: unique, name: one_kind, fields: [kind], message: there is such a kind }\n",
        ),
        (
            "book.object.yml",
            "name: book\nfields:\n  shelf: { type: lookup, reference: shelf, required: true, deleteBehavior: restrict }\n",
        ),
    ];
    let world = World::new(&files).await;
    let there = json!({ "id": "s1", "name": "there", "code": "T", "kind": "k" });
    world.create("shelf", there).await.unwrap();
    world.create("book", json!({ "shelf": "s1" })).await.unwrap();
    let ann = principal("ann", PrincipalKind::User, None);
    let own = json!({ "name": "own" });
    for operation in [Operation::Read, Operation::Create, Operation::Update] {
        let access = plan(None, Some(own.clone()), &[], &[]);
        world.permissions.allow("ann", "shelf", operation, access);
    }
    let before = world.number("SELECT COUNT(*) FROM objectos_event").await;
    let only_check = BatchOptions {
        validate_only: true,
        ..BatchOptions::default()
    };
    let code = async |context: &Context, operation, item: BatchItem| {
        let answer = world
            .engine
            .batch(context, "shelf", operation, vec![item], only_check)
            .await
            .unwrap()
            .to_json();
        answer["results"][0]["errors"][0]["code"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    };
    for (context, operation, item, expected) in [
        (
            &world.local,
            BatchOperation::Create,
            item(None, json!({ "name": "a", "code": "T" })),
            "duplicate_value",
        ),
        (
            &world.local,
            BatchOperation::Create,
            item(None, json!({ "name": "a", "kind": "k" })),
            "duplicate_value",
        ),
        (
            &world.local,
            BatchOperation::Create,
            item(None, json!({ "name": "a", "code": "U" })),
            "-",
        ),
        (
            &world.local,
            BatchOperation::Delete,
            item(Some("s1"), json!({})),
            "delete_restricted",
        ),
        (
            &ann,
            BatchOperation::Update,
            item(Some("s1"), json!({ "kind": "l" })),
            "record_not_accessible",
        ),
        (
            &ann,
            BatchOperation::Update,
            item(Some("s1"), json!({ "name": "own" })),
            "-",
        ),
        (
            &ann,
            BatchOperation::Create,
            item(None, json!({ "name": "other" })),
            "record_not_accessible",
        ),
    ] {
        assert_eq!(
            code(context, operation, item.clone()).await,
            expected,
            "{operation:?} {item:?}"
        );
    }
    let dry = ImportOptions {
        dry_run: true,
        ..ImportOptions::default()
    };
    let rows = import_list(vec![
        json!({ "name": "a", "code": "T" }),
        json!({ "name": "b", "code": "B" }),
    ]);
    let answer = world.engine.import(&world.local, "shelf", rows, &dry).await.unwrap();
    assert_eq!(
        (&answer["created"], &answer["failed"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 1);
    assert_eq!(world.get("shelf", "s1").await.unwrap()["name"], "there");
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event").await, before);
}

#[tokio::test]
async fn events_of_a_transaction_are_there_when_its_changes_are() {
    let world = world().await;
    let item = |operation, id: Option<&str>, data: Value| TransactionItem {
        object: "shelf".to_owned(),
        operation,
        id: id.map(str::to_owned),
        external_id: None,
        data: fields(data),
        expected: None,
    };
    // One that is another plugin's to tell.
    let stranger = "objectos.auth billing.paid".to_owned();
    world.hooks.strangers.lock().push(stranger);
    let make = || item(BatchOperation::Create, None, json!({ "name": "s" }));
    let lost = || item(BatchOperation::Delete, Some("nope"), json!({}));
    for (items, name, told, code) in [
        (vec![make(), make()], "authz.role_assigned", 1, ""),
        (vec![make(), lost()], "authz.role_assigned", 1, "record_not_found"),
        (vec![make()], "plugin.loaded", 1, "invalid_format"),
        (vec![make()], "billing.paid", 1, "permission_denied"),
        (vec![], "authz.role_assigned", 1, "invalid_format"),
    ] {
        let event = EventBeside {
            name: name.to_owned(),
            key: "u1".to_owned(),
            payload: json!({ "description": "a role" }),
        };
        let source = "objectos.auth";
        let stored = world
            .engine
            .transaction_with_events(&world.local, items, source, &[event])
            .await;
        let found = stored.err().map(|error| error.code().to_owned()).unwrap_or_default();
        assert_eq!(found, code, "{name}");
        let events = world.events().await;
        let of_plugin: Vec<&Value> = events
            .iter()
            .filter(|event| event["metadata"]["source"] == source)
            .collect();
        assert_eq!(of_plugin.len(), told, "{name} {code}: {events:#?}");
        assert_eq!(of_plugin[0]["payload"]["description"], "a role");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM shelf").await, 2);
}

/// A number that was taken is gone, so nothing that is only tried takes one; and its answer is the record as it would be.
#[tokio::test]
async fn what_is_only_checked_takes_no_number_and_answers_what_would_be() {
    let file = "name: bill\nfields:\n  name: { type: text, required: true }\n  size: { type: number }\n  number: { type: autonumber, autonumberFormat: '{000}' }\n  double: { type: formula, expression: 'size * 2' }\n";
    let world = World::new(&[("bill.object.yml", file)]).await;
    let only_check = BatchOptions {
        validate_only: true,
        return_records: true,
        ..BatchOptions::default()
    };
    let check = async |operation, item: BatchItem| {
        let answer = world
            .engine
            .batch(&world.local, "bill", operation, vec![item], only_check);
        answer.await.unwrap().to_json()["results"][0]["data"].clone()
    };
    let made = check(BatchOperation::Create, item(None, json!({ "name": "a", "size": 1 }))).await;
    assert_eq!((&made["name"], &made["number"]), (&json!("a"), &Value::Null), "{made}");
    let made = world
        .create("bill", json!({ "id": "b1", "name": "a", "size": 1 }))
        .await
        .unwrap();
    assert_eq!(made["number"], "001");
    let changed = check(BatchOperation::Update, item(Some("b1"), json!({ "size": 5 }))).await;
    assert_eq!(changed["size"], 5, "{changed}");
    assert_eq!(world.get("bill", "b1").await.unwrap()["double"], 2);
}

/// To say what else is wrong with a batch that failed, nobody is asked about the same once more.
#[tokio::test]
async fn hooks_of_a_batch_that_fails_see_each_record_once() {
    let world = world().await;
    world
        .create("shelf", json!({ "id": "s1", "name": "there", "code": "T" }))
        .await
        .unwrap();
    world.hooks.on(HookPoint::BeforeInsert, "shelf", |_| Ok(false));
    let items = vec![
        item(None, json!({ "name": "a", "code": "A" })),
        item(None, json!({ "name": "b", "code": "T" })),
    ];
    let answer = run(&world, BatchOperation::Create, items, BatchOptions::default()).await;
    assert_eq!(answer["results"][1]["errors"][0]["code"], "duplicate_value", "{answer}");
    assert_eq!(world.hooks.runs.load(Ordering::SeqCst), 2);
}
