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

pub(crate) fn plan(filter: Option<Value>, check: Option<Value>, except: &[&str], closed: &[&str]) -> Access {
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
        holdings: None,
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
    world
        .permissions
        .allow("ann", "deal", Operation::Transfer, plan(own.clone(), None, &[], &[]));
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
        (error.code(), &error.details()["fields"][0]["field"]),
        ("field_not_accessible", &json!("amount"))
    );
    let made = create(json!({ "name": "x", "salary": 7 })).await.unwrap();
    let record: Value = serde_json::from_slice(&made.record).unwrap();
    assert!(record.get("salary").is_none(), "{record}");
    // A name that is nearly the one of a hidden field gives it away neither alone nor beside other faults.
    for record in [json!({ "salari": 1 }), json!({ "salari": 1, "team": 5 })] {
        let refused = create(record.clone()).await.unwrap_err();
        let told = format!("{refused} {}", refused.details());
        assert!(!told.contains("salary"), "{record}: {told}");
    }
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

#[tokio::test]
async fn who_may_looks_across_tenants_where_the_object_lets_them() {
    let tenancy = |cross: bool| {
        format!(
            "tenancy: {{ enabled: true, strategy: shared, tenantField: organization_id, crossTenantAccess: {cross} }}"
        )
    };
    let object =
        |name: &str, cross: bool| format!("name: {name}\nfields: {{ name: {{ type: text }} }}\n{}", tenancy(cross));
    let (deal, note) = (object("deal", true), object("note", false));
    let world = World::new(&[("deal.object.yml", &deal), ("note.object.yml", &note)]).await;
    let (ann, bob) = (
        principal("ann", PrincipalKind::User, Some("org-1")),
        principal("bob", PrincipalKind::User, Some("org-2")),
    );
    for object in ["deal", "note"] {
        for operation in [Operation::Read, Operation::Create, Operation::Update, Operation::Delete] {
            for user in ["ann", "bob"] {
                world
                    .permissions
                    .allow(user, object, operation, plan(None, None, &[], &[]));
            }
        }
        let record = fields(json!({ "id": format!("{object}1"), "name": "of bob" }));
        world.engine.create(&bob, object, record).await.unwrap();
    }
    assert_eq!(world.query_as(&ann, "deal", json!({})).await.unwrap()["total"], 0);
    world.permissions.held.lock().push("ann cross_tenant_access".to_owned());
    assert_eq!(world.query_as(&ann, "deal", json!({})).await.unwrap()["total"], 1);
    assert_eq!(world.query_as(&ann, "note", json!({})).await.unwrap()["total"], 0);
    assert_eq!(
        world.get_as(&ann, "note", "note1").await.unwrap_err().code(),
        "record_not_found"
    );
    // What is changed across the border stays where it belongs.
    let changed = world
        .engine
        .update(&ann, "deal", "deal1", fields(json!({ "name": "of ann" })), None)
        .await
        .unwrap();
    let changed: Value = serde_json::from_slice(&changed.record).unwrap();
    assert_eq!(
        (&changed["name"], &changed["organization_id"]),
        (&json!("of ann"), &json!("org-2"))
    );
    let own = world
        .engine
        .create(&ann, "deal", fields(json!({ "name": "own" })))
        .await
        .unwrap();
    let own: Value = serde_json::from_slice(&own.record).unwrap();
    assert_eq!(own["organization_id"], "org-1");
    world.permissions.held.lock().clear();
    assert_eq!(world.query_as(&ann, "deal", json!({})).await.unwrap()["total"], 1);
}

const SHARES: (&str, &str) = (
    "share.object.yml",
    "name: share\nsoftDelete: { enabled: true }\nfields:\n  record: { type: text }\n  user: { type: text }\n  level: { type: text }\n",
);

/// Deals that are owned or shared; a share at level `edit` lets change them.
async fn shared_world() -> (World, Context) {
    let world = World::new(&[FILES[0], FILES[1], SHARES]).await;
    for (object, record) in [
        ("deal", json!({ "id": "own", "name": "own", "owner_id": "ann" })),
        ("deal", json!({ "id": "seen", "name": "seen", "owner_id": "bob" })),
        ("deal", json!({ "id": "edited", "name": "edited", "owner_id": "bob" })),
        ("deal", json!({ "id": "hidden", "name": "hidden", "owner_id": "bob" })),
        (
            "share",
            json!({ "id": "s1", "record": "seen", "user": "ann", "level": "read" }),
        ),
        (
            "share",
            json!({ "id": "s2", "record": "edited", "user": "ann", "level": "edit" }),
        ),
        (
            "share",
            json!({ "id": "s3", "record": "hidden", "user": "eve", "level": "edit" }),
        ),
        ("share", json!({ "id": "s4", "user": "ann", "level": "edit" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    let shared = |level: Value| {
        json!({ "$or": [
            { "owner_id": "ann" },
            { "id": { "$inRecords": { "object": "share", "field": "record", "where": { "user": "ann", "level": level } } } },
        ] })
    };
    let seen = shared(json!({ "$in": ["read", "edit"] }));
    let edited = shared(json!("edit"));
    world
        .permissions
        .allow("ann", "deal", Operation::Read, plan(Some(seen), None, &[], &[]));
    for operation in [Operation::Update, Operation::Delete] {
        world.permissions.allow(
            "ann",
            "deal",
            operation,
            plan(Some(edited.clone()), Some(edited.clone()), &[], &[]),
        );
    }
    // Nobody gave ann any right on the shares themselves.
    let ann = principal("ann", PrincipalKind::User, None);
    (world, ann)
}

async fn seen(world: &World, ann: &Context) -> Vec<String> {
    let query = json!({ "orderBy": "id", "fields": ["id"] });
    let found = world.query_as(ann, "deal", query).await.unwrap();
    let records = found["records"].as_array().unwrap();
    assert_eq!(found["total"], records.len());
    records
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_plan_looks_shares_up_in_the_query_itself() {
    let (world, ann) = shared_world().await;
    assert_eq!(seen(&world, &ann).await, ["edited", "own", "seen"]);
    // What is shared or withdrawn now is seen or hidden now.
    let share = json!({ "id": "s5", "record": "hidden", "user": "ann", "level": "read" });
    world.create("share", share).await.unwrap();
    assert_eq!(seen(&world, &ann).await, ["edited", "hidden", "own", "seen"]);
    world.engine.delete(&world.local, "share", "s5").await.unwrap();
    world.engine.delete(&world.local, "share", "s1").await.unwrap();
    assert_eq!(seen(&world, &ann).await, ["edited", "own"]);
    assert_eq!(failure(world.get_as(&ann, "deal", "seen").await).0, "record_not_found");
    let count = json!({ "aggregations": [{ "function": "count", "alias": "n" }] });
    assert_eq!(
        world.query_as(&ann, "deal", count).await.unwrap()["records"],
        json!([{ "n": 2 }])
    );
}

#[tokio::test]
async fn a_record_that_can_be_seen_but_not_changed_is_refused_by_name() {
    let (world, ann) = shared_world().await;
    let change = || fields(json!({ "name": "x" }));
    world
        .engine
        .update(&ann, "deal", "edited", change(), None)
        .await
        .unwrap();
    assert_eq!(
        failure(world.engine.update(&ann, "deal", "seen", change(), None).await).0,
        "record_not_accessible"
    );
    assert_eq!(
        failure(world.engine.delete(&ann, "deal", "seen").await).0,
        "record_not_accessible"
    );
    // One that is hidden answers to the last byte as one that is not there.
    for (hidden, missing) in [
        (
            world
                .engine
                .update(&ann, "deal", "hidden", change(), None)
                .await
                .map(drop),
            world
                .engine
                .update(&ann, "deal", "nobody", change(), None)
                .await
                .map(drop),
        ),
        (
            world.engine.delete(&ann, "deal", "hidden").await,
            world.engine.delete(&ann, "deal", "nobody").await,
        ),
        (
            world.get_as(&ann, "deal", "hidden").await.map(drop),
            world.get_as(&ann, "deal", "nobody").await.map(drop),
        ),
    ] {
        let (hidden, missing) = (hidden.unwrap_err(), missing.unwrap_err());
        assert_eq!(hidden.code(), "record_not_found");
        assert_eq!(hidden.to_string().replace("hidden", "nobody"), missing.to_string());
        assert_eq!(
            hidden.details().to_string().replace("hidden", "nobody"),
            missing.details().to_string()
        );
    }
    assert_eq!(
        *world.permissions.refused.lock(),
        [
            "ann update deal record_not_accessible",
            "ann delete deal record_not_accessible",
        ]
    );
}

#[tokio::test]
async fn a_lookup_leads_over_relations_and_further_lookups() {
    let (world, ann) = shared_world().await;
    world
        .create("team", json!({ "id": "t1", "name": "red" }))
        .await
        .unwrap();
    world.update("deal", "hidden", json!({ "team": "t1" })).await.unwrap();
    world
        .create(
            "share",
            json!({ "id": "m1", "record": "red", "user": "ann", "level": "member" }),
        )
        .await
        .unwrap();
    let members = json!({ "$inRecords": { "object": "share", "field": "record", "where": { "user": "ann", "level": "member" } } });
    let allow = |filter: Value| {
        world
            .permissions
            .allow("ann", "deal", Operation::Read, plan(Some(filter), None, &[], &[]));
    };
    allow(json!({ "team.name": members }));
    assert_eq!(seen(&world, &ann).await, ["hidden"]);
    let teams = json!({ "$inRecords": { "object": "team", "field": "id", "where": { "name": members } } });
    allow(json!({ "team": teams }));
    assert_eq!(seen(&world, &ann).await, ["hidden"]);
    // A deal without a team is in no team, so it is outside.
    allow(json!({ "$not": { "team": teams } }));
    assert_eq!(seen(&world, &ann).await, ["edited", "own", "seen"]);
    allow(json!({ "team": { "$not": teams } }));
    assert_eq!(seen(&world, &ann).await, ["edited", "own", "seen"]);
}

#[tokio::test]
async fn lookups_are_for_plans_alone_and_wrong_ones_refuse() {
    let (world, ann) = shared_world().await;
    let lookup = json!({ "$inRecords": { "object": "share", "field": "record" } });
    for query in [
        json!({ "where": { "id": lookup } }),
        json!({ "where": { "$or": [{ "id": { "$not": lookup } }] } }),
        json!({ "where": [{ "id": lookup }] }),
    ] {
        assert_eq!(
            failure(world.query_as(&ann, "deal", query.clone()).await).0,
            "invalid_filter",
            "{query}"
        );
    }
    for wrong in [
        json!({ "object": "nothing", "field": "record" }),
        json!({ "object": "share", "field": "nothing" }),
        json!({ "object": "share", "field": "created_at" }),
    ] {
        let filter = json!({ "id": { "$inRecords": wrong } });
        world
            .permissions
            .allow("ann", "deal", Operation::Read, plan(Some(filter), None, &[], &[]));
        // Neither widened nor told.
        let (code, message) = failure(world.query_as(&ann, "deal", json!({})).await);
        assert_eq!(
            (code.as_str(), message.contains("nothing")),
            ("internal_error", false),
            "{wrong}"
        );
    }
    for wrong in [
        json!({ "object": "share" }),
        json!({ "object": "share", "field": "record", "limit": 1 }),
        json!("share"),
    ] {
        let plan = AccessPlan {
            allowed: true,
            filter: Some(json!({ "id": { "$inRecords": wrong } })),
            ..AccessPlan::default()
        };
        assert!(Plan::read(plan).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_written_record_is_held_against_lookups_as_well() {
    let (world, ann) = shared_world().await;
    let check = json!({ "amount": { "$null": true } });
    let teams =
        json!({ "team": { "$inRecords": { "object": "share", "field": "record", "where": { "user": "ann" } } } });
    world.permissions.allow(
        "ann",
        "deal",
        Operation::Create,
        plan(None, Some(json!({ "$and": [check, teams] })), &[], &[]),
    );
    for team in ["t1", "t2"] {
        world.create("team", json!({ "id": team, "name": team })).await.unwrap();
    }
    world
        .create("share", json!({ "record": "t1", "user": "ann" }))
        .await
        .unwrap();
    let create = async |record: Value| world.engine.create(&ann, "deal", fields(record)).await;
    create(json!({ "name": "a", "team": "t1" })).await.unwrap();
    assert_eq!(
        failure(create(json!({ "name": "b", "team": "t2" })).await).0,
        "record_not_accessible"
    );
}

#[tokio::test]
async fn a_record_is_given_away_by_those_who_may() {
    let (world, ann) = world().await;
    let anything = || plan(None, None, &["salary"], &[]);
    world.permissions.allow("ann", "deal", Operation::Update, anything());
    let own = Some(json!({ "owner_id": "ann", "amount": { "$lt": 2 } }));
    let to_bob = Some(json!({ "owner_id": { "$in": ["ann", "bob"] } }));
    world
        .permissions
        .allow("ann", "deal", Operation::Transfer, plan(own, to_bob, &[], &[]));
    let give = async |id: &str, to: &str| {
        let change = fields(json!({ "owner_id": to }));
        world.engine.update(&ann, "deal", id, change, None).await
    };
    assert_eq!(failure(give("d1", "eve").await).0, "record_not_accessible");
    assert_eq!(failure(give("d2", "bob").await).0, "record_not_accessible");
    // The same owner again is no transfer.
    give("d2", "ann").await.unwrap();
    give("d1", "bob").await.unwrap();
    let bob = principal("bob", PrincipalKind::User, None);
    world.permissions.allow("bob", "deal", Operation::Update, anything());
    let refused = world
        .engine
        .update(&bob, "deal", "d1", fields(json!({ "owner_id": "ann" })), None)
        .await;
    assert_eq!(failure(refused).0, "permission_denied");
}

#[tokio::test]
async fn a_field_that_cannot_be_read_does_not_tell_when_it_is_guessed() {
    let (world, ann) = world().await;
    let own = Some(json!({ "owner_id": "ann" }));
    world.permissions.allow(
        "ann",
        "deal",
        Operation::Update,
        plan(own, None, &["salary"], &["salary"]),
    );
    for guess in [100, 101] {
        let change = fields(json!({ "salary": guess }));
        let error = world.engine.update(&ann, "deal", "d1", change, None).await.unwrap_err();
        assert_eq!(error.code(), "field_not_accessible", "{guess}");
    }
    assert_eq!(world.permissions.refused.lock().len(), 2);
}

#[tokio::test]
async fn refusals_are_told_of_and_hidden_records_are_not() {
    let (world, ann) = world().await;
    let bob = principal("bob", PrincipalKind::User, None);
    drop(world.query_as(&bob, "deal", json!({})).await.unwrap_err());
    drop(world.get_as(&bob, "deal", "d1").await.unwrap_err());
    drop(world.get_as(&ann, "deal", "d3").await.unwrap_err());
    drop(world.engine.create(&bob, "deal", fields(json!({}))).await.unwrap_err());
    // What is left out of an expansion is no refusal.
    let deals = json!({ "fields": ["id"], "expand": { "team": {} } });
    world
        .permissions
        .allow("bob", "deal", Operation::Read, plan(None, None, &[], &[]));
    world.query_as(&bob, "deal", deals).await.unwrap();
    assert_eq!(
        *world.permissions.refused.lock(),
        [
            "bob use deal permission_denied",
            "bob use deal permission_denied",
            "bob use deal permission_denied",
        ]
    );
}

/// What a refusal cannot hide is that a value or an id is taken; it names nothing that the caller neither reads nor writes.
#[tokio::test]
async fn what_is_taken_is_told_without_what_is_hidden() {
    const SEAT: &str = "name: seat\nfields:\n  row: { type: text }\n  code: { type: text }\n  secret: { type: text, defaultValue: s }\nindexes:\n  - { fields: [row, secret], unique: true }\n  - { fields: [code], unique: true }\n";
    const LAMP: &str = "name: lamp\nfields:\n  secret: { type: text, defaultValue: s }\nindexes:\n  - { fields: [secret], unique: true }\n";
    let world = World::new(&[("seat.object.yml", SEAT), ("lamp.object.yml", LAMP)]).await;
    let taken = json!({ "id": "s1", "row": "a", "code": "c", "secret": "s" });
    world.create("seat", taken).await.unwrap();
    world.create("lamp", json!({})).await.unwrap();
    let own = Some(json!({ "owner_id": "ann" }));
    let check = async |object: &str, plans: [(Operation, Access); 2], record: Value, expected: Value| {
        for (operation, plan) in plans {
            world.permissions.allow("ann", object, operation, plan);
        }
        let ann = principal("ann", PrincipalKind::User, None);
        let error = world.engine.create(&ann, object, fields(record)).await.unwrap_err();
        assert_eq!(error.code(), "duplicate_value", "{error}");
        let told: Vec<Value> = error.details()["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["field"].clone())
            .collect();
        assert_eq!(json!(told), expected, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    };
    let sees = |hidden: &[&str], closed: &[&str]| {
        let read = plan(own.clone(), None, hidden, &[]);
        [
            (Operation::Read, read),
            (Operation::Create, plan(None, None, hidden, closed)),
        ]
    };
    let mine = sees(&["secret"], &["secret"]);
    check("seat", mine.clone(), json!({ "id": "s1", "row": "b" }), json!(["id"])).await;
    check("seat", mine.clone(), json!({ "row": "a" }), json!(["row"])).await;
    // Nothing of what is taken is known.
    check("lamp", mine, json!({}), json!([])).await;
    // Who may write a field without reading it knows its name.
    let writes = sees(&["row", "code", "secret"], &["secret"]);
    check("seat", writes, json!({ "code": "c", "row": "x" }), json!(["code"])).await;
}

#[tokio::test]
async fn a_list_that_comes_again_follows_its_caller_the_rules_and_the_moment() {
    let (world, ann) = world().await;
    let bob = principal("bob", PrincipalKind::User, None);
    let own = |who: &str| plan(Some(json!({ "owner_id": who })), None, &[], &[]);
    world.permissions.allow("bob", "deal", Operation::Read, own("bob"));
    world
        .permissions
        .allow("bob", "team", Operation::Read, plan(None, None, &[], &[]));
    let check = async |caller: &Context, query: &Value, expected: Value| {
        // The third time it was certainly kept, if it may be.
        for _ in 0..3 {
            let found = world.query_as(caller, "deal", query.clone()).await.unwrap();
            let names: Vec<&Value> = found["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| &record["name"])
                .collect();
            assert_eq!(json!(names), expected, "{query}");
            assert_eq!(found["total"], names.len(), "{query}");
        }
    };
    let all = json!({ "orderBy": "id", "limit": 1000 });
    let related = json!({ "orderBy": "id", "where": { "team.name": "open" }, "limit": 1000 });
    check(&ann, &all, json!(["mine", "mine too"])).await;
    check(&bob, &all, json!(["theirs"])).await;
    check(&world.local, &all, json!(["mine", "mine too", "theirs"])).await;
    check(&ann, &related, json!(["mine"])).await;
    check(&bob, &related, json!(["theirs"])).await;
    world.permissions.allow(
        "bob",
        "team",
        Operation::Read,
        plan(Some(json!({ "name": "none" })), None, &[], &[]),
    );
    check(&bob, &related, json!([])).await;
    world
        .permissions
        .allow("bob", "team", Operation::Read, plan(None, None, &[], &[]));
    check(&bob, &related, json!(["theirs"])).await;
    world.permissions.allow("ann", "deal", Operation::Read, own("bob"));
    check(&ann, &all, json!(["theirs"])).await;
    // Another value is another list, and new records are in it.
    for (least, expected) in [(2, json!(["mine too", "theirs"])), (3, json!(["theirs"]))] {
        let query = json!({ "orderBy": "id", "where": { "amount": { "$gte": least } } });
        check(&world.local, &query, expected).await;
    }
    world
        .create("deal", json!({ "id": "d4", "name": "new", "amount": 9 }))
        .await
        .unwrap();
    check(&world.local, &all, json!(["mine", "mine too", "theirs", "new"])).await;
}
