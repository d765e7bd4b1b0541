//! The title of a record, for whoever names `_title`: as `titleFormat` says, and as a search tells it.

use std::sync::atomic::Ordering;

use objectos_data::engine::{ExportFormat, SearchRequest};
use objectos_data::query::{SearchInput, from_query_string};
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, principal};

const FILES: [(&str, &str); 4] = [
    (
        "firm.object.yml",
        "name: firm\ntitleFormat: '{name} of {city}'\nfields:\n  name: { type: text }\n  city: { type: text }\n  size: { type: number }\n  label: { type: formula, expression: \"UPPER(name) & ' #' & size\" }\n",
    ),
    (
        "desk.object.yml",
        "name: desk\ntitleFormat: '{number} ({firm.name})'\nfields:\n  number: { type: text, searchable: true }\n  title: { type: text }\n  firm: { type: lookup, reference: firm }\n",
    ),
    // Of calculations, masked values, figures and nothing.
    (
        "plate.object.yml",
        "name: plate\ntitleFormat: '{double}: {firm.label}, {iban}'\nfields:\n  amount: { type: number }\n  iban: { type: text, maskingRule: { field: iban, strategy: substitute, pattern: '***', exemptRoles: [super_admin] } }\n  double: { type: formula, expression: 'amount * 2' }\n  firm: { type: lookup, reference: firm }\n",
    ),
    ("blank.object.yml", "name: blank\nfields:\n  name: { type: text }\n"),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("firm", json!({ "id": "f1", "name": "Acme", "city": "Bonn", "size": 5 })),
        (
            "desk",
            json!({ "id": "d1", "number": "seven", "title": "a field", "firm": "f1" }),
        ),
        ("desk", json!({ "id": "d2", "number": "seven b" })),
        (
            "plate",
            json!({ "id": "p1", "amount": 2.5, "iban": "DE1", "firm": "f1" }),
        ),
        ("blank", json!({ "id": "x1", "name": " " })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

async fn titles(world: &World, object: &str) -> Value {
    let query = json!({ "fields": ["_title"], "orderBy": "id" });
    world.query(object, query).await.unwrap()["records"].take()
}

#[tokio::test]
async fn a_title_is_told_wherever_a_record_is() {
    let world = world().await;
    let expected = json!([{ "_title": "seven (Acme)" }, { "_title": "seven b ()" }]);
    assert_eq!(titles(&world, "desk").await, expected);
    assert_eq!(titles(&world, "blank").await, json!([{ "_title": "x1" }]));
    for (object, query, expected) in [
        // Beside fields, under another key, and of the record that a reference points to.
        (
            "desk",
            json!({ "where": { "id": "d1" }, "fields": ["title", "_title", "firm._title"] }),
            json!({ "title": "a field", "_title": "seven (Acme)", "firm._title": "Acme of Bonn" }),
        ),
        (
            "desk",
            json!({ "where": { "id": "d2" }, "fields": [{ "field": "_title", "alias": "called" }, "firm._title"] }),
            json!({ "called": "seven b ()", "firm._title": null }),
        ),
        (
            "desk",
            json!({ "where": { "id": "d1" }, "fields": ["id"], "expand": { "firm": { "fields": ["_title"] } } }),
            json!({ "id": "d1", "firm": { "_title": "Acme of Bonn" } }),
        ),
        (
            "firm",
            json!({ "fields": ["id"], "expand": { "desk": { "fields": ["_title"] } } }),
            json!({ "id": "f1", "desk": [{ "_title": "seven (Acme)" }] }),
        ),
        // What no database computes is computed for it, and a mask stays on.
        (
            "plate",
            json!({ "fields": ["_title"] }),
            json!({ "_title": "5: ACME #5, DE1" }),
        ),
    ] {
        let found = world.query(object, query.clone()).await.unwrap();
        assert_eq!(found["records"], json!([expected]), "{query}");
    }
    let wanted = from_query_string("select=id,_title").unwrap();
    let answer = world.engine.get(&world.local, "desk", "d1", &wanted).await.unwrap();
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    assert_eq!(record, json!({ "id": "d1", "_title": "seven (Acme)" }));
    let (parts, _) = world.export("desk", wanted, ExportFormat::Csv).await.unwrap();
    let table = String::from_utf8(parts.concat()).unwrap();
    assert_eq!(table, "id,_title\r\nd1,seven (Acme)\r\nd2,seven b ()\r\n");
}

#[tokio::test]
async fn a_title_is_told_to_whoever_asks_for_it_and_takes_no_statement() {
    let world = world().await;
    world.probe.calls.store(0, Ordering::SeqCst);
    titles(&world, "desk").await;
    assert_eq!(world.probe.calls.load(Ordering::SeqCst), 1);
    for found in [
        world.query("desk", json!({})).await.unwrap()["records"][0].take(),
        world.get("desk", "d1").await.unwrap(),
    ] {
        assert!(found.get("_title").is_none() && found["title"] == "a field", "{found}");
    }
}

#[tokio::test]
async fn what_the_caller_may_not_read_is_left_out_as_a_search_does() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let search = SearchRequest {
        search: SearchInput {
            query: "seven".to_owned(),
            ..SearchInput::default()
        },
        limit: 20,
        ..SearchRequest::default()
    };
    let query = json!({ "fields": ["id", "_title"], "orderBy": "id" });
    let pairs = |records: &Value, title: &str| {
        let records = records.as_array().unwrap().iter();
        let mut pairs: Vec<Value> = records.map(|record| json!([record["id"], record[title]])).collect();
        pairs.sort_by_key(ToString::to_string);
        pairs
    };
    for (desks, firms, expected) in [
        (plan(None, None, &[], &[]), None, ["seven ()", "seven b ()"]),
        (
            plan(None, None, &[], &[]),
            Some(plan(None, None, &[], &[])),
            ["seven (Acme)", "seven b ()"],
        ),
        (
            plan(None, None, &[], &[]),
            Some(plan(None, None, &["name"], &[])),
            ["seven ()", "seven b ()"],
        ),
        (
            plan(None, None, &[], &[]),
            Some(plan(Some(json!({ "city": "Ulm" })), None, &[], &[])),
            ["seven ()", "seven b ()"],
        ),
        (
            plan(None, None, &["firm"], &[]),
            Some(plan(None, None, &[], &[])),
            ["seven ()", "seven b ()"],
        ),
    ] {
        let world = World::new(&FILES).await;
        for (object, record) in [
            ("firm", json!({ "id": "f1", "name": "Acme", "city": "Bonn" })),
            ("desk", json!({ "id": "d1", "number": "seven", "firm": "f1" })),
            ("desk", json!({ "id": "d2", "number": "seven b" })),
        ] {
            world.create(object, record).await.unwrap();
        }
        world.permissions.allow("ann", "desk", Operation::Read, desks);
        if let Some(firms) = firms {
            world.permissions.allow("ann", "firm", Operation::Read, firms);
        }
        let listed = world.query_as(&ann, "desk", query.clone()).await.unwrap();
        let expected = vec![json!(["d1", expected[0]]), json!(["d2", expected[1]])];
        assert_eq!(pairs(&listed["records"], "_title"), expected);
        let found = world.engine.search(&ann, &search).await.unwrap();
        assert_eq!(pairs(&found["hits"], "title"), expected);
    }
    // A mask stays on, and a formula over what is hidden says nothing.
    world
        .permissions
        .allow("ann", "plate", Operation::Read, plan(None, None, &["amount"], &[]));
    let found = world
        .query_as(&ann, "plate", json!({ "fields": ["_title", "firm._title"] }))
        .await;
    assert_eq!(
        found.unwrap()["records"],
        json!([{ "_title": ": , ***", "firm._title": null }])
    );
}

#[tokio::test]
async fn a_title_is_no_field() {
    let world = world().await;
    for (query, code) in [
        (json!({ "where": { "_title": "a field" } }), "invalid_field"),
        (json!({ "orderBy": "_title" }), "invalid_sort"),
        (
            json!({ "groupBy": ["_title"], "aggregations": [{ "function": "count", "alias": "n" }] }),
            "invalid_field",
        ),
        (json!({ "fields": ["_title"], "distinct": true }), "invalid_query"),
        (json!({ "fields": ["number._title"] }), "invalid_field"),
        (json!({ "fields": ["nobody._title"] }), "invalid_field"),
    ] {
        assert_eq!(failure(world.query("desk", query.clone()).await).0, code, "{query}");
    }
}
