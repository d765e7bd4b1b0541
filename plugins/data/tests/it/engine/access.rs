//! Plans of permissions: rows and fields that a caller may not see do not exist for it.

use objectos_data::access::{Access, Plan};
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::world::{World, failure, fields, principal};

const FILES: [(&str, &str); 2] = [
    (
        "team.object.yml",
        "name: team\nfields:\n  name: { type: text }\n  budget: { type: number }\n  hidden: { type: boolean }\n",
    ),
    (
        "deal.object.yml",
        "name: deal\nfields:\n  name: { type: text }\n  amount: { type: number }\n  salary: { type: number }\n  team: { type: lookup, reference: team }\n",
    ),
];

fn plan(filter: Option<Value>, check: Option<Value>, except: &[&str], closed: &[&str]) -> Access {
    let mask = |fields: &[&str]| match fields {
        [] => FieldAccess::All,
        fields => FieldAccess::Except(fields.iter().map(|&field| field.to_owned()).collect()),
    };
    let plan = AccessPlan {
        allowed: true,
        filter,
        check,
        readable: mask(except),
        writable: mask(closed),
    };
    Access::Planned(Arc::new(Plan::read(plan).unwrap()))
}

async fn world() -> (World, Context) {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("team", json!({ "id": "t1", "name": "open", "budget": 10 })),
        (
            "team",
            json!({ "id": "t2", "name": "closed", "budget": 20, "hidden": true }),
        ),
        (
            "deal",
            json!({ "id": "d1", "name": "mine", "amount": 1, "salary": 100, "owner_id": "ann", "team": "t1" }),
        ),
        (
            "deal",
            json!({ "id": "d2", "name": "mine too", "amount": 2, "salary": 200, "owner_id": "ann", "team": "t2" }),
        ),
        (
            "deal",
            json!({ "id": "d3", "name": "theirs", "amount": 3, "salary": 300, "owner_id": "bob", "team": "t1" }),
        ),
    ] {
        world.create(object, record).await.unwrap();
    }
    let own = Some(json!({ "owner_id": "ann" }));
    for operation in [Operation::Read, Operation::Delete] {
        world
            .permissions
            .allow("ann", "deal", operation, plan(own.clone(), None, &["salary"], &[]));
    }
    world.permissions.allow(
        "ann",
        "deal",
        Operation::Update,
        plan(own.clone(), own.clone(), &["salary"], &["amount"]),
    );
    world.permissions.allow(
        "ann",
        "deal",
        Operation::Create,
        plan(None, own, &["salary"], &["amount"]),
    );
    world.permissions.allow(
        "ann",
        "team",
        Operation::Read,
        plan(Some(json!({ "hidden": { "$ne": true } })), None, &["budget"], &[]),
    );
    let ann = principal("ann", PrincipalKind::User, None);
    (world, ann)
}

#[tokio::test]
async fn rows_that_may_not_be_seen_do_not_exist() {
    let (world, ann) = world().await;
    let found = world.query_as(&ann, "deal", json!({ "orderBy": "id" })).await.unwrap();
    assert_eq!(
        (found["total"].clone(), found["records"].as_array().unwrap().len()),
        (json!(2), 2)
    );
    assert_eq!(failure(world.get_as(&ann, "deal", "d3").await).0, "record_not_found");
    let change = fields(json!({ "name": "x" }));
    assert_eq!(
        failure(world.engine.update(&ann, "deal", "d3", change, None).await).0,
        "record_not_found"
    );
    assert_eq!(
        failure(world.engine.delete(&ann, "deal", "d3").await).0,
        "record_not_found"
    );
    let sum = json!({ "aggregations": [{ "function": "sum", "field": "amount", "alias": "s" }, { "function": "count", "alias": "n" }] });
    assert_eq!(
        world.query_as(&ann, "deal", sum).await.unwrap()["records"],
        json!([{ "s": 3, "n": 2 }])
    );
    // A filter cannot widen what may be seen.
    let wide = json!({ "where": { "$or": [{ "owner_id": "bob" }, { "owner_id": { "$ne": "ann" } }] } });
    assert_eq!(world.query_as(&ann, "deal", wide).await.unwrap()["total"], 0);
}

#[tokio::test]
async fn fields_that_may_not_be_read_do_not_exist() {
    let (world, ann) = world().await;
    let record = world.get_as(&ann, "deal", "d1").await.unwrap();
    assert!(record.get("salary").is_none() && record.get("name").is_some());
    for query in [
        json!({ "where": { "salary": 100 } }),
        json!({ "fields": ["salary"] }),
        json!({ "aggregations": [{ "function": "max", "field": "salary", "alias": "m" }] }),
        json!({ "where": { "team.budget": { "$gt": 0 } } }),
        json!({ "search": { "query": "1", "fields": ["salary"] } }),
    ] {
        let (code, message) = failure(world.query_as(&ann, "deal", query.clone()).await);
        assert_eq!(code, "invalid_field", "{query}");
        // The nearest spelling must not give it away either.
        let misspelt = failure(world.query_as(&ann, "deal", json!({ "where": { "salari": 1 } })).await).1;
        assert!(!misspelt.contains("'salary'"), "{misspelt} {message}");
    }
    assert_eq!(
        failure(world.query_as(&ann, "deal", json!({ "orderBy": "salary" })).await).0,
        "invalid_sort"
    );
}

#[tokio::test]
async fn related_records_are_seen_as_their_object_allows() {
    let (world, ann) = world().await;
    let query = json!({ "orderBy": "id", "fields": ["id", "team"], "expand": { "team": {} } });
    let found = world.query_as(&ann, "deal", query).await.unwrap();
    assert_eq!(found["records"][0]["team"]["name"], "open");
    assert!(found["records"][0]["team"].get("budget").is_none());
    assert_eq!(found["records"][1]["team"], Value::Null);
    // What cannot be seen cannot be filtered or sorted by.
    let by_name = world
        .query_as(&ann, "deal", json!({ "where": { "team.name": "closed" } }))
        .await
        .unwrap();
    assert_eq!(by_name["total"], 0);
    let null = world
        .query_as(
            &ann,
            "deal",
            json!({ "where": { "team.name": null }, "fields": ["id"] }),
        )
        .await
        .unwrap();
    assert_eq!(null["records"], json!([{ "id": "d2" }]));
}

#[tokio::test]
async fn without_a_plan_nothing_goes() {
    let (world, ann) = world().await;
    assert_eq!(
        failure(world.engine.create(&ann, "team", fields(json!({ "name": "x" }))).await).0,
        "permission_denied"
    );
    let bob = principal("bob", PrincipalKind::User, None);
    assert_eq!(
        failure(world.query_as(&bob, "deal", json!({})).await).0,
        "permission_denied"
    );
    let blind = world
        .query_as(&ann, "deal", json!({ "where": { "team.nonsense": 1 } }))
        .await;
    assert_eq!(failure(blind).0, "invalid_field");
}

#[tokio::test]
async fn writes_keep_to_their_fields_and_their_border() {
    let (world, ann) = world().await;
    let create = async |record: Value| world.engine.create(&ann, "deal", fields(record)).await;
    let error = create(json!({ "name": "x", "amount": 5 })).await.unwrap_err();
    assert_eq!(
        (error.code(), error.details()["fields"].clone()),
        ("field_not_accessible", json!(["amount"]))
    );
    let made = create(json!({ "name": "x", "salary": 7 })).await.unwrap();
    let record: Value = serde_json::from_slice(&made.record).unwrap();
    assert!(record.get("salary").is_none(), "{record}");
    assert_eq!(
        failure(create(json!({ "name": "x", "owner_id": "bob" })).await).0,
        "record_not_accessible"
    );
    let given = world
        .engine
        .update(&ann, "deal", "d1", fields(json!({ "owner_id": "bob" })), None)
        .await;
    assert_eq!(failure(given).0, "record_not_accessible");
    assert_eq!(world.get("deal", "d1").await.unwrap()["owner_id"], "ann");
    // The same value again is no write.
    world
        .engine
        .update(&ann, "deal", "d1", fields(json!({ "amount": 1, "name": "y" })), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let files = [(
        "deal.object.yml",
        "name: deal\nfields: { name: { type: text } }\ntenancy: { enabled: true, strategy: shared, tenantField: organization_id }",
    )];
    let world = World::new(&files).await;
    let (one, two) = (
        principal("u1", PrincipalKind::User, Some("one")),
        principal("u2", PrincipalKind::User, Some("two")),
    );
    for user in ["u1", "u2"] {
        for operation in [Operation::Read, Operation::Create, Operation::Update, Operation::Delete] {
            world
                .permissions
                .allow(user, "deal", operation, plan(None, None, &[], &[]));
        }
    }
    let made = world
        .engine
        .create(&one, "deal", fields(json!({ "name": "secret" })))
        .await
        .unwrap();
    let record: Value = serde_json::from_slice(&made.record).unwrap();
    assert_eq!(record["organization_id"], "one");
    assert_eq!(world.query_as(&two, "deal", json!({})).await.unwrap()["total"], 0);
    assert_eq!(
        failure(world.get_as(&two, "deal", &made.id).await).0,
        "record_not_found"
    );
    assert_eq!(
        failure(world.engine.delete(&two, "deal", &made.id).await).0,
        "record_not_found"
    );
    let forged = world
        .engine
        .create(&two, "deal", fields(json!({ "name": "x", "organization_id": "one" })))
        .await;
    assert_eq!(failure(forged).0, "validation_error");
    assert_eq!(world.query_as(&one, "deal", json!({})).await.unwrap()["total"], 1);
}
