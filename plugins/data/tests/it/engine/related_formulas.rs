//! Formulas that read formulas of related records which no database can compute: they are answered wherever a record is, and
//! bounded only where a query filters or orders by them.

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, Engine};
use objectos_data::query::QueryInput;
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, fields, principal};

const FILES: [(&str, &str); 3] = [
    (
        "account.object.yml",
        "
name: account
fields:
  name: { type: text, searchable: true }
  employees: { type: number }
  parent: { type: lookup, reference: account }
  label: { type: formula, expression: \"UPPER(name) & ' #' & employees\" }
  full: { type: formula, expression: \"parent.label & ' > ' & label\" }
  place: { type: vector, vectorConfig: { dimensions: 2, distanceMetric: euclidean } }
",
    ),
    (
        "contact.object.yml",
        "
name: contact
fields:
  name: { type: text, searchable: true }
  account: { type: lookup, reference: account }
  tag: { type: formula, expression: \"account.label & '!'\" }
  far: { type: formula, expression: \"account.full & '?'\" }
",
    ),
    (
        "visit.object.yml",
        "name: visit\nfields:\n  name: { type: text }\n  contact: { type: lookup, reference: contact }\n  about: { type: formula, expression: \"contact.tag & contact.account.label\" }\n",
    ),
];

pub(super) async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        (
            "account",
            json!({ "id": "a1", "name": "acme", "employees": 5, "place": [0, 0] }),
        ),
        (
            "account",
            json!({ "id": "a2", "name": "beta", "employees": 7, "parent": "a1", "place": [1, 1] }),
        ),
        (
            "account",
            json!({ "id": "a3", "name": "gamma", "employees": 9, "place": [5, 5] }),
        ),
        ("contact", json!({ "id": "c1", "name": "ann", "account": "a1" })),
        ("contact", json!({ "id": "c2", "name": "bob", "account": "a2" })),
        ("contact", json!({ "id": "c3", "name": "cid", "account": "a3" })),
        ("visit", json!({ "id": "v1", "name": "one", "contact": "c2" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn they_are_computed_in_every_answer() {
    let world = world().await;
    let made = world
        .create("contact", json!({ "id": "c4", "name": "dan", "account": "a2" }))
        .await
        .unwrap();
    let expected = (&json!("BETA #7!"), &json!("ACME #5 > BETA #7?"));
    assert_eq!((&made["tag"], &made["far"]), expected);
    // Twice, since the plan is kept.
    for _ in 0..2 {
        let read = world.get("contact", "c4").await.unwrap();
        assert_eq!((&read["tag"], &read["far"]), expected);
    }
    let changed = world.update("contact", "c4", json!({ "account": "a3" })).await.unwrap();
    assert_eq!(changed["tag"], "GAMMA #9!");
    let item = BatchItem {
        id: Some("c5".to_owned()),
        data: fields(json!({ "name": "eve", "account": "a1" })),
        ..BatchItem::default()
    };
    let options = BatchOptions {
        return_records: true,
        ..BatchOptions::default()
    };
    let answer = world
        .engine
        .batch(&world.local, "contact", BatchOperation::Create, vec![item], options)
        .await
        .unwrap()
        .to_json();
    assert_eq!(
        (&answer["succeeded"], &answer["results"][0]["data"]["tag"]),
        (&json!(1), &json!("ACME #5!")),
        "{answer}"
    );
    let listed = world
        .query(
            "contact",
            json!({ "fields": ["tag", "account.name"], "orderBy": "id", "limit": 2 }),
        )
        .await
        .unwrap();
    assert_eq!(
        listed["records"],
        json!([
            { "tag": "ACME #5!", "account.name": "acme" },
            { "tag": "BETA #7!", "account.name": "beta" },
        ])
    );
    let visit = world.get("visit", "v1").await.unwrap();
    assert_eq!(visit["about"], "BETA #7!BETA #7");
}

#[tokio::test]
async fn what_is_not_there_is_the_same_everywhere() {
    let world = world().await;
    let made = world
        .create("contact", json!({ "id": "c9", "name": "zoe" }))
        .await
        .unwrap();
    assert_eq!(world.get("contact", "c9").await.unwrap()["tag"], made["tag"]);
    let found = world.names("contact", json!({ "tag": made["tag"] })).await.unwrap();
    assert_eq!(found, ["zoe"]);
}

#[tokio::test]
async fn expanded_records_have_them_and_are_chosen_by_them() {
    let world = world().await;
    for (nested, expected) in [
        (json!({ "fields": ["tag"] }), json!({ "tag": "BETA #7!" })),
        (
            json!({ "fields": ["name"], "where": { "tag": "BETA #7!" } }),
            json!({ "name": "bob" }),
        ),
        (
            json!({ "fields": ["name"], "where": { "tag": "ACME #5!" } }),
            Value::Null,
        ),
    ] {
        let query = json!({ "fields": ["id"], "expand": { "contact": nested } });
        let found = world.query("visit", query.clone()).await.unwrap();
        assert_eq!(
            found["records"],
            json!([{ "id": "v1", "contact": expected }]),
            "{query}"
        );
    }
    let query =
        json!({ "fields": ["id"], "where": { "id": "a2" }, "expand": { "parent": { "where": { "label": "x" } } } });
    assert_eq!(
        world.query("account", query).await.unwrap()["records"],
        json!([{ "id": "a2", "parent": null }])
    );
}

#[tokio::test]
async fn searches_and_neighbours_are_narrowed_by_them() {
    let world = world().await;
    let fuzzy =
        json!({ "search": { "query": "bob", "fuzzy": true }, "where": { "tag": "BETA #7!" }, "fields": ["id"] });
    let found = world.query("contact", fuzzy).await.unwrap();
    assert_eq!(found["total"], 1, "{found}");
    let near = json!({
        "where": { "place": { "$near": { "vector": [0, 0], "k": 1 } }, "label": { "$ne": "ACME #5" } },
        "fields": ["name"],
    });
    let found = world.query("account", near).await.unwrap();
    assert_eq!(found["records"][0]["name"], "beta", "{found}");
}

#[tokio::test]
async fn a_list_computes_what_it_answers_and_no_more() {
    let world = world().await;
    let mut parts = world.engine.parts().clone();
    parts.limits.formula_records_max = 1;
    let engine = Engine::new(parts);
    let find = async |query: Value| {
        let query = QueryInput::from_map(&fields(query)).unwrap();
        engine.find(&world.local, "contact", query).await
    };
    assert_eq!(find(json!({})).await.unwrap().count, 3);
    // Only what the records that are left lead to is looked at.
    for query in [
        json!({ "where": { "id": "c2", "account.label": "BETA #7" } }),
        json!({ "where": { "id": "c2", "tag": "BETA #7!" } }),
        json!({ "where": { "id": "c2" }, "orderBy": "account.label" }),
    ] {
        assert_eq!(find(query.clone()).await.unwrap().count, 1, "{query}");
    }
    let (code, message) = failure(find(json!({ "where": { "account.label": "BETA #7" } })).await);
    assert_eq!(code, "invalid_query");
    assert!(message.contains("limits.formulaRecordsMax"), "{message}");
}

#[tokio::test]
async fn they_tell_nothing_that_the_caller_may_not_read() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let all = || plan(None, None, &[], &[]);
    world.permissions.allow("ann", "contact", Operation::Read, all());
    for (accounts, secrets) in [
        (plan(None, None, &["employees"], &[]), ["BETA", "7"]),
        (plan(Some(json!({ "name": "acme" })), None, &[], &[]), ["BETA", "7"]),
    ] {
        world.permissions.allow("ann", "account", Operation::Read, accounts);
        let record = world.get_as(&ann, "contact", "c2").await.unwrap().to_string();
        for secret in secrets {
            assert!(!record.contains(secret), "{record}");
        }
    }
    world.permissions.allow("ann", "account", Operation::Read, all());
    assert_eq!(world.get_as(&ann, "contact", "c2").await.unwrap()["tag"], "BETA #7!");
}
