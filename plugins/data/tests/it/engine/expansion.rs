//! Related records: expanded, filtered by, sorted by.

use std::sync::atomic::Ordering;

use objectos_data::error::Result;
use objectos_data::query::{EXPAND_DEPTH_MAX, EXPAND_RELATIONS_MAX, from_query_string};
use serde_json::{Value, json};

use crate::world::{World, failure};

const FILES: [(&str, &str); 3] = [
    (
        "company.object.yml",
        "name: company\nfields:\n  name: { type: text }\n  country: { type: text }\n",
    ),
    (
        "person.object.yml",
        "name: person\nfields:\n  name: { type: text }\n  company: { type: lookup, reference: company }\n",
    ),
    (
        "task.object.yml",
        "name: task\nfields:\n  name: { type: text }\n  who: { type: lookup, reference: person }\n  watchers: { type: lookup, reference: person, multiple: true }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("company", json!({ "id": "c1", "name": "Acme", "country": "DE" })),
        ("company", json!({ "id": "c2", "name": "Beta", "country": "FR" })),
        ("person", json!({ "id": "p1", "name": "Ann", "company": "c1" })),
        ("person", json!({ "id": "p2", "name": "Bob", "company": "c2" })),
        ("person", json!({ "id": "p3", "name": "Cid" })),
        (
            "task",
            json!({ "id": "t1", "name": "one", "who": "p1", "watchers": ["p2", "p1"] }),
        ),
        (
            "task",
            json!({ "id": "t2", "name": "two", "who": "p2", "watchers": [] }),
        ),
        ("task", json!({ "id": "t3", "name": "three", "who": "p1" })),
        ("task", json!({ "id": "t4", "name": "four" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn relations_stand_in_the_place_of_ids() {
    let world = world().await;
    let query = json!({ "fields": ["id", "who"], "expand": { "who": { "fields": ["name", "company"], "expand": { "company": { "fields": ["name"] } } } } });
    let found = world.query("task", query).await.unwrap();
    let expected = json!([
        { "id": "t1", "who": { "name": "Ann", "company": { "name": "Acme" } } },
        { "id": "t2", "who": { "name": "Bob", "company": { "name": "Beta" } } },
        { "id": "t3", "who": { "name": "Ann", "company": { "name": "Acme" } } },
        { "id": "t4", "who": null },
    ]);
    assert_eq!(found["records"], expected);
}

#[tokio::test]
async fn a_path_and_a_list_of_names_expand_as_well() {
    let world = world().await;
    let found = world
        .query(
            "task",
            json!({ "where": { "id": "t1" }, "expand": "who.company,watchers" }),
        )
        .await
        .unwrap();
    let task = &found["records"][0];
    assert_eq!(task["who"]["company"]["country"], "DE");
    let watchers: Vec<&Value> = task["watchers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|watcher| &watcher["name"])
        .collect();
    assert_eq!(watchers, ["Bob", "Ann"]);
    let nested = world
        .query(
            "task",
            json!({ "where": { "id": "t1" }, "fields": ["id", { "field": "who", "fields": ["name"] }] }),
        )
        .await
        .unwrap();
    assert_eq!(nested["records"], json!([{ "id": "t1", "who": { "name": "Ann" } }]));
}

#[tokio::test]
async fn a_page_with_a_relation_takes_two_statements() {
    let world = world().await;
    world.probe.statements.store(0, Ordering::SeqCst);
    world.query("task", json!({ "expand": { "who": {} } })).await.unwrap();
    assert_eq!(world.probe.statements.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn each_relation_of_each_level_takes_one_statement() {
    let world = world().await;
    for (object, expand, expected) in [
        // Levels.
        ("task", json!({ "who": { "expand": { "company": {} } } }), 3),
        // Several relations, to one object as well.
        ("task", json!({ "who": {}, "watchers": {} }), 3),
        // Several relations on several levels.
        (
            "task",
            json!({ "who": { "expand": { "company": {} } }, "watchers": { "expand": { "company": {} } } }),
            5,
        ),
        // Lists of references.
        ("task", json!({ "watchers": {} }), 2),
        // Children, and theirs.
        ("company", json!({ "person": {} }), 2),
        ("company", json!({ "person": { "limit": 1 } }), 2),
        (
            "company",
            json!({ "person": { "expand": { "task:who": { "expand": { "watchers": {} } } } } }),
            4,
        ),
        // There and back.
        ("person", json!({ "company": { "expand": { "person": {} } } }), 3),
    ] {
        world.probe.statements.store(0, Ordering::SeqCst);
        world.query(object, json!({ "expand": expand })).await.unwrap();
        assert_eq!(
            world.probe.statements.load(Ordering::SeqCst),
            expected,
            "{object}: {expand}"
        );
    }
    // However many records.
    for index in 0..40 {
        let task = json!({ "name": format!("more {index}"), "who": "p1", "watchers": ["p1", "p2", "p3"] });
        world.create("task", task).await.unwrap();
    }
    world.probe.statements.store(0, Ordering::SeqCst);
    let query = json!({ "expand": { "who": { "expand": { "company": {} } }, "watchers": {} } });
    world.query("task", query).await.unwrap();
    assert_eq!(world.probe.statements.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn filters_and_orders_lead_over_relations() {
    let world = world().await;
    for (filter, expected) in [
        (json!({ "who.company.country": "DE" }), "one three"),
        (json!({ "who": { "company": { "country": "FR" } } }), "two"),
        (json!({ "who.name": { "$ne": "Ann" } }), "two four"),
        (json!(["who.company.name", "contains", "et"]), "two"),
        (json!({ "watchers": "p2" }), "one"),
    ] {
        assert_eq!(
            world.names("task", filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
    let sorted = world
        .query(
            "task",
            json!({ "orderBy": "-who.name,name", "fields": ["name", "who.name"] }),
        )
        .await
        .unwrap();
    let names: Vec<&Value> = sorted["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["name"])
        .collect();
    assert_eq!(names, ["two", "one", "three", "four"]);
    assert_eq!(sorted["records"][0]["who.name"], "Bob");
}

#[tokio::test]
async fn one_record_with_its_relation() {
    let world = world().await;
    let query = from_query_string("expand=who&select=name").unwrap();
    let answer = world.engine.get(&world.local, "task", "t1", &query).await.unwrap();
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    assert_eq!(
        (&record["name"], &record["who"]["name"]),
        (&json!("one"), &json!("Ann"))
    );
}

#[tokio::test]
async fn what_is_no_relation_is_refused() {
    let world = world().await;
    assert_eq!(
        failure(world.query("task", json!({ "expand": ["name"] })).await).0,
        "invalid_query"
    );
    assert_eq!(
        failure(world.query("task", json!({ "expand": ["whom"] })).await).0,
        "invalid_field"
    );
    assert_eq!(
        failure(world.query("task", json!({ "expand": "a.b.c.d.e.f" })).await).0,
        "invalid_query"
    );
}

/// Leads to itself, so that there are as many relations as anybody asks for.
const NODE: [(&str, &str); 1] = [(
    "node.object.yml",
    "name: node\nfields:\n  name: { type: text }\n  a: { type: lookup, reference: node }\n  b: { type: lookup, reference: node }\n  c: { type: lookup, reference: node }\n",
)];

/// So many relations of a node, as deep as they may be.
fn relations(left: &mut usize, levels: usize) -> Value {
    let mut expand = serde_json::Map::new();
    for name in ["a", "b", "c"] {
        if *left == 0 || levels == 0 {
            break;
        }
        *left -= 1;
        let nested = relations(left, levels - 1);
        expand.insert(name.to_owned(), json!({ "fields": ["name"], "expand": nested }));
    }
    Value::Object(expand)
}

#[tokio::test]
async fn one_query_expands_a_number_of_relations_and_no_more() {
    let world = World::new(&NODE).await;
    world
        .create("node", json!({ "id": "n1", "name": "one" }))
        .await
        .unwrap();
    let both = json!({ "a": "n1", "b": "n1", "c": "n1" });
    let mut other = both.clone();
    other["id"] = json!("n2");
    world.create("node", other).await.unwrap();
    let back = json!({ "a": "n2", "b": "n2", "c": "n2" });
    world.update("node", "n1", back).await.unwrap();
    let query = |count: usize| {
        let mut left = count;
        let expand = relations(&mut left, EXPAND_DEPTH_MAX);
        assert_eq!(left, 0, "there are too few levels for {count}");
        json!({ "where": { "id": "n1" }, "fields": ["name"], "count": false, "expand": expand })
    };
    world.probe.statements.store(0, Ordering::SeqCst);
    world.query("node", query(EXPAND_RELATIONS_MAX)).await.unwrap();
    assert_eq!(world.probe.statements.load(Ordering::SeqCst), 65, "each is a statement");
    let refused = |found: Result<Value>| {
        let (code, message) = failure(found);
        assert_eq!(code, "invalid_query");
        assert!(
            message.contains("at most 64 relations over all levels, and this one 65: expand less"),
            "{message}"
        );
    };
    world.probe.statements.store(0, Ordering::SeqCst);
    refused(world.query("node", query(EXPAND_RELATIONS_MAX + 1)).await);
    assert_eq!(world.probe.statements.load(Ordering::SeqCst), 0);
    // Whoever says it in other words, and names nobody knows.
    let names: Vec<String> = (0..=EXPAND_RELATIONS_MAX).map(|number| format!("r{number}")).collect();
    let nodes: Vec<Value> = names
        .iter()
        .map(|name| json!({ "field": name, "fields": ["id"] }))
        .collect();
    refused(world.query("node", json!({ "populate": names })).await);
    refused(world.query("node", json!({ "include": names.join(",") })).await);
    refused(world.query("node", json!({ "fields": nodes })).await);
    let read = from_query_string(&format!("expand={}", names.join(",")));
    refused(read.map(|_| Value::Null));
}
