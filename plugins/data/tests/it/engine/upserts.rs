//! Upserts at the same moment: one makes the record, the others change it, and nobody is turned away. And what a key finds: what
//! its caller sees.

use std::sync::Arc;

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, ImportMode, ImportOptions, import_list};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, allowed, failure, fields};

const PART: &str = "
name: part
softDelete: { enabled: true }
fields:
  name: { type: text }
  code: { type: text, unique: true, externalId: true }
  serial: { type: text, unique: true }
";

async fn world() -> Arc<World> {
    Arc::new(World::new(&[("part.object.yml", PART)]).await)
}

async fn upsert(world: &World, id: Option<&str>, external_id: Option<&str>, data: Value) -> Value {
    let item = BatchItem {
        id: id.map(str::to_owned),
        external_id: external_id.map(str::to_owned),
        data: fields(data),
        expected: None,
    };
    let answer = world
        .engine
        .batch(
            &world.local,
            "part",
            BatchOperation::Upsert,
            vec![item],
            BatchOptions::default(),
        )
        .await
        .unwrap();
    answer.to_json()
}

async fn race(by_id: bool) {
    let world = world().await;
    for round in 0..10 {
        let key = format!("k{round}");
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let (world, key) = (Arc::clone(&world), key.clone());
                tokio::spawn(async move {
                    let (id, external) = if by_id {
                        (Some(&*key), None)
                    } else {
                        (None, Some(&*key))
                    };
                    upsert(&world, id, external, json!({ "name": format!("n{task}") })).await
                })
            })
            .collect();
        for task in tasks {
            let answer = task.await.unwrap();
            assert_eq!(answer["success"], true, "{answer}");
        }
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM part").await, 10);
    let made = "SELECT COUNT(*) FROM objectos_event WHERE name = 'data.record.created'";
    assert_eq!(world.number(made).await, 10);
    let changed = "SELECT COUNT(*) FROM objectos_event WHERE name = 'data.record.updated'";
    assert_eq!(world.number(changed).await, 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_id() {
    race(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_external_id() {
    race(false).await;
}

#[tokio::test]
async fn what_is_no_race_is_told() {
    let world = world().await;
    world
        .create("part", json!({ "id": "p1", "name": "a", "code": "A", "serial": "S" }))
        .await
        .unwrap();
    // Another value than the key is in the way.
    let answer = upsert(&world, Some("p2"), None, json!({ "serial": "S" })).await;
    assert_eq!(answer["results"][0]["errors"][0]["code"], "duplicate_value", "{answer}");
    // The id is that of a record in the bin.
    world.engine.delete(&world.local, "part", "p1").await.unwrap();
    let answer = upsert(&world, Some("p1"), None, json!({ "name": "b" })).await;
    assert_eq!(answer["results"][0]["errors"][0]["code"], "duplicate_value", "{answer}");
}

const KEYED: &str = "
name: keyed
tenancy: { enabled: true, strategy: shared, tenantField: organization_id }
fields:
  name: { type: text }
  code: { type: text, unique: true, externalId: true, caseSensitive: false, maskingRule: { field: code, strategy: nullify, roles: [blind] } }
";

async fn keyed() -> World {
    let world = World::new(&[("keyed.object.yml", KEYED)]).await;
    for user in ["u1", "u2", "u3", "blind"] {
        for operation in [Operation::Read, Operation::Create, Operation::Update] {
            world.permissions.allow(user, "keyed", operation, allowed(None));
        }
    }
    // Sees their own records alone.
    let own = allowed(Some(json!({ "owner_id": "u3" })));
    world.permissions.allow("u3", "keyed", Operation::Read, own);
    world
}

fn someone(user: &str, tenant: &str) -> Context {
    let principal = Principal {
        id: user.to_owned(),
        kind: PrincipalKind::User,
        tenant: Some(tenant.to_owned()),
        roles: vec![user.to_owned()],
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

async fn put(world: &World, context: &Context, keys: &[&str], options: BatchOptions) -> Value {
    let items = keys.iter().enumerate().map(|(place, key)| BatchItem {
        external_id: Some((*key).to_owned()),
        data: fields(json!({ "name": format!("{} {place}", context.user()) })),
        ..BatchItem::default()
    });
    let items = items.collect();
    let answer = world
        .engine
        .batch(context, "keyed", BatchOperation::Upsert, items, options);
    answer.await.unwrap().to_json()
}

#[tokio::test]
async fn a_key_is_looked_for_among_what_the_caller_sees() {
    let world = keyed().await;
    let (one, two, three) = (someone("u1", "one"), someone("u2", "two"), someone("u3", "one"));
    let options = BatchOptions::default();
    let mine = put(&world, &one, &["A"], options).await;
    assert_eq!(mine["success"], true, "{mine}");
    let id = mine["results"][0]["id"].clone();
    assert_eq!(put(&world, &one, &["a"], options).await["results"][0]["id"], id);
    // The same key in another tenant is another record.
    let theirs = put(&world, &two, &["A"], options).await;
    assert_eq!(theirs["success"], true, "{theirs}");
    assert_ne!(theirs["results"][0]["id"], id);
    // Within the tenant it is taken, also for those who do not see by what; and nobody is told.
    let hidden = put(&world, &three, &["A"], options).await;
    assert_eq!(hidden["results"][0]["errors"][0]["code"], "duplicate_value", "{hidden}");
    assert!(!hidden.to_string().contains(id.as_str().unwrap()), "{hidden}");
    // By its id as well.
    let item = BatchItem {
        id: id.as_str().map(str::to_owned),
        data: fields(json!({ "name": "x" })),
        ..BatchItem::default()
    };
    let by_id = world
        .engine
        .batch(&two, "keyed", BatchOperation::Upsert, vec![item], options)
        .await
        .unwrap()
        .to_json();
    assert_eq!(by_id["results"][0]["errors"][0]["code"], "duplicate_value", "{by_id}");
    assert_eq!(world.number("SELECT COUNT(*) FROM keyed").await, 2);
    assert_eq!(world.get("keyed", id.as_str().unwrap()).await.unwrap()["name"], "u1 0");
}

#[tokio::test]
async fn rows_of_a_file_are_looked_for_among_what_the_caller_sees() {
    let world = keyed().await;
    let (one, two, three) = (someone("u1", "one"), someone("u2", "two"), someone("u3", "one"));
    put(&world, &one, &["A"], BatchOptions::default()).await;
    let options = ImportOptions {
        mode: ImportMode::Upsert,
        external_id: Some("code".to_owned()),
        ..ImportOptions::default()
    };
    let rows = || import_list(vec![json!({ "code": "A", "name": "row" })]);
    let check = async |context: &Context, expected: [u64; 3]| {
        let answer = world.engine.import(context, "keyed", rows(), &options).await.unwrap();
        let found = ["created", "updated", "failed"].map(|name| answer[name].as_u64().unwrap());
        assert_eq!(found, expected, "{answer}");
    };
    check(&two, [1, 0, 0]).await;
    check(&three, [0, 0, 1]).await;
    check(&one, [0, 1, 0]).await;
    let blind = world
        .engine
        .import(&someone("blind", "one"), "keyed", rows(), &options)
        .await;
    assert_eq!(failure(blind).0, "invalid_field");
}

#[tokio::test]
async fn a_masked_key_finds_nothing() {
    let world = keyed().await;
    put(&world, &someone("u1", "one"), &["A"], BatchOptions::default()).await;
    for key in ["A", "B"] {
        let answer = put(&world, &someone("blind", "one"), &[key], BatchOptions::default()).await;
        assert_eq!(answer["results"][0]["errors"][0]["code"], "invalid_format", "{answer}");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM keyed").await, 1);
}

#[tokio::test]
async fn one_key_twice_in_a_batch_is_one_record() {
    let world = keyed().await;
    let one = someone("u1", "one");
    let answer = put(&world, &one, &["A", "B", "a"], BatchOptions::default()).await;
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(answer["results"][0]["id"], answer["results"][2]["id"], "{answer}");
    assert_eq!(world.number("SELECT COUNT(*) FROM keyed").await, 2);
    let id = answer["results"][0]["id"].as_str().unwrap();
    assert_eq!(world.get("keyed", id).await.unwrap()["name"], "u1 2");
}
