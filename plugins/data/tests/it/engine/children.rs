//! From parents to children: expanded with a page of each, and filtered by what is true of some, of every one, of none.

use std::sync::atomic::Ordering;

use objectos_data::access::{Access, Plan};
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use serde_json::{Value, json};

use crate::world::{World, failure, principal};

const FILES: [(&str, &str); 3] = [
    ("company.object.yml", "name: company\nfields:\n  name: { type: text }\n"),
    (
        "person.object.yml",
        "name: person\nfields:\n  name: { type: text }\n  age: { type: number }\n  company: { type: lookup, reference: company }\n",
    ),
    (
        "task.object.yml",
        "name: task\nfields:\n  name: { type: text }\n  done: { type: boolean }\n  who: { type: lookup, reference: person }\n  checker: { type: lookup, reference: person }\n  helpers: { type: lookup, reference: person, multiple: true }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("company", json!({ "id": "c1", "name": "Acme" })),
        ("company", json!({ "id": "c2", "name": "Beta" })),
        ("company", json!({ "id": "c3", "name": "Empty" })),
        (
            "person",
            json!({ "id": "p1", "name": "Ann", "age": 30, "company": "c1" }),
        ),
        (
            "person",
            json!({ "id": "p2", "name": "Bob", "age": 40, "company": "c1" }),
        ),
        (
            "person",
            json!({ "id": "p3", "name": "Cid", "age": 50, "company": "c1" }),
        ),
        ("person", json!({ "id": "p4", "name": "Dan", "company": "c2" })),
        (
            "task",
            json!({ "id": "t1", "name": "one", "done": true, "who": "p1", "helpers": ["p4", "p2", "p3"] }),
        ),
        (
            "task",
            json!({ "id": "t2", "name": "two", "done": false, "who": "p1", "checker": "p2" }),
        ),
        (
            "task",
            json!({ "id": "t3", "name": "three", "done": true, "who": "p4", "helpers": [] }),
        ),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn children_stand_under_their_parents_a_page_of_each() {
    let world = world().await;
    let query = json!({
        "fields": ["name"], "orderBy": "name",
        "expand": { "person": { "fields": ["name"], "orderBy": [{ "field": "age", "order": "desc" }], "limit": 2 } },
    });
    let found = world.query("company", query).await.unwrap();
    let expected = json!([
        { "name": "Acme", "person": [{ "name": "Cid" }, { "name": "Bob" }] },
        { "name": "Beta", "person": [{ "name": "Dan" }] },
        { "name": "Empty", "person": [] },
    ]);
    assert_eq!(found["records"], expected);
    let second = json!({
        "fields": ["name"], "where": { "id": "c1" },
        "expand": { "person": { "fields": ["name"], "orderBy": "-age", "limit": 2, "offset": 2 } },
    });
    let found = world.query("company", second).await.unwrap();
    assert_eq!(found["records"][0]["person"], json!([{ "name": "Ann" }]));
    let narrowed = json!({
        "fields": ["name"], "orderBy": "name",
        "expand": { "person": { "fields": ["name"], "where": { "age": { "$gt": 35 } } } },
    });
    let found = world.query("company", narrowed).await.unwrap();
    let names = |record: &Value| record["person"].as_array().unwrap().len();
    let counts: Vec<usize> = found["records"].as_array().unwrap().iter().map(names).collect();
    assert_eq!(counts, [2, 0, 0]);
}

#[tokio::test]
async fn each_level_takes_one_statement_however_many_records() {
    let world = world().await;
    world.probe.statements.store(0, Ordering::SeqCst);
    let query = json!({
        "fields": ["name"], "orderBy": "name",
        "expand": { "person": { "fields": ["name"], "expand": { "task:who": { "fields": ["name"], "expand": { "helpers": { "fields": ["name"] } } } } } },
    });
    let found = world.query("company", query).await.unwrap();
    assert_eq!(world.probe.statements.load(Ordering::SeqCst), 4);
    let ann = &found["records"][0]["person"][0];
    assert_eq!(ann["name"], "Ann");
    assert_eq!(
        ann["task:who"],
        json!([
            { "name": "one", "helpers": [{ "name": "Dan" }, { "name": "Bob" }, { "name": "Cid" }] },
            { "name": "two", "helpers": [] },
        ])
    );
}

#[tokio::test]
async fn a_list_of_references_can_be_ordered_and_cut() {
    let world = world().await;
    let query = json!({ "fields": ["name"], "where": { "id": "t1" }, "expand": { "helpers": { "fields": ["name"], "orderBy": "name", "limit": 2 } } });
    let found = world.query("task", query).await.unwrap();
    assert_eq!(
        found["records"][0]["helpers"],
        json!([{ "name": "Bob" }, { "name": "Cid" }])
    );
}

#[tokio::test]
async fn filters_ask_for_some_every_or_none_of_the_children() {
    let world = world().await;
    for (object, filter, expected) in [
        (
            "company",
            json!({ "person": { "$some": { "age": { "$gt": 45 } } } }),
            "Acme",
        ),
        ("company", json!({ "person": { "$some": {} } }), "Acme Beta"),
        ("company", json!({ "person": { "$none": {} } }), "Empty"),
        (
            "company",
            json!({ "person": { "$every": { "age": { "$gte": 30 } } } }),
            "Acme Empty",
        ),
        (
            "company",
            json!({ "person": { "$some": { "task:who": { "$some": { "done": false } } } } }),
            "Acme",
        ),
        (
            "company",
            json!({ "$not": { "person": { "$some": { "name": "Ann" } } } }),
            "Beta Empty",
        ),
        (
            "company",
            json!({ "$or": [{ "name": "Empty" }, { "person": { "$some": { "name": "Dan" } } }] }),
            "Beta Empty",
        ),
        (
            "task",
            json!({ "helpers": { "$some": { "company.name": "Beta" } } }),
            "one",
        ),
        (
            "task",
            json!({ "helpers": { "$none": { "name": "Bob" } } }),
            "two three",
        ),
        (
            "task",
            json!({ "who.company.person": { "$some": { "name": "Dan" } } }),
            "three",
        ),
        ("person", json!({ "task:checker": { "$some": {} } }), "Bob"),
    ] {
        assert_eq!(
            world.names(object, filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
    // Two references, and nobody said which.
    assert_eq!(
        failure(world.names("person", json!({ "task": { "$some": {} } })).await).0,
        "invalid_field"
    );
    assert_eq!(
        failure(world.names("company", json!({ "persn": { "$some": {} } })).await).0,
        "invalid_field"
    );
    assert_eq!(
        failure(world.query("person", json!({ "expand": ["task"] })).await).0,
        "invalid_field"
    );
    let figures = json!({ "expand": { "person": { "aggregations": [{ "function": "count" }] } } });
    assert_eq!(failure(world.query("company", figures).await).0, "invalid_query");
}

#[tokio::test]
async fn what_may_not_be_seen_is_neither_expanded_nor_filtered_by() {
    let world = world().await;
    let plan = |filter: Option<Value>, readable: FieldAccess| {
        let plan = AccessPlan {
            allowed: true,
            filter,
            readable,
            ..AccessPlan::default()
        };
        Access::Planned(std::sync::Arc::new(Plan::read(plan).unwrap()))
    };
    let allow =
        |user: &str, object: &str, access: Access| world.permissions.allow(user, object, Operation::Read, access);
    allow("eve", "company", plan(None, FieldAccess::All));
    allow(
        "eve",
        "person",
        plan(Some(json!({ "age": { "$lt": 45 } })), FieldAccess::All),
    );
    let eve = principal("eve", PrincipalKind::User, None);
    let query = json!({ "fields": ["name"], "where": { "id": "c1" }, "expand": { "person": { "fields": ["name"] } } });
    let found = world.query_as(&eve, "company", query.clone()).await.unwrap();
    assert_eq!(
        found["records"][0]["person"],
        json!([{ "name": "Ann" }, { "name": "Bob" }])
    );
    let older = json!({ "where": { "person": { "$some": { "age": { "$gt": 45 } } } } });
    assert_eq!(world.query_as(&eve, "company", older).await.unwrap()["total"], 0);
    // Nobody, of an object that may not be read at all.
    allow("mallory", "company", plan(None, FieldAccess::All));
    let mallory = principal("mallory", PrincipalKind::User, None);
    let found = world.query_as(&mallory, "company", query.clone()).await.unwrap();
    assert_eq!(found["records"][0]["person"], json!([]));
    let some = json!({ "where": { "person": { "$some": {} } } });
    assert_eq!(
        failure(world.query_as(&mallory, "company", some).await).0,
        "invalid_field"
    );
    // A reference that may not be read leads nowhere.
    allow("trudy", "company", plan(None, FieldAccess::All));
    allow(
        "trudy",
        "person",
        plan(None, FieldAccess::Except(vec!["company".to_owned()])),
    );
    let trudy = principal("trudy", PrincipalKind::User, None);
    assert_eq!(
        failure(world.query_as(&trudy, "company", query).await).0,
        "invalid_field"
    );
}
