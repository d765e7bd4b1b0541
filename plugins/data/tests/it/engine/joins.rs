//! Joins of the query that are relations, and those that are not.

use serde_json::{Value, json};

use crate::world::{World, failure};

const FILES: [(&str, &str); 2] = [
    (
        "customer.object.yml",
        "name: customer\nfields:\n  name: { type: text }\n  country: { type: text }\n",
    ),
    (
        "order.object.yml",
        "name: order\nfields:\n  name: { type: text }\n  amount: { type: number }\n  customer: { type: lookup, reference: customer }\n  note: { type: text }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("customer", json!({ "id": "c1", "name": "Acme", "country": "DE" })),
        ("customer", json!({ "id": "c2", "name": "Beta", "country": "FR" })),
        (
            "order",
            json!({ "id": "o1", "name": "one", "amount": 5, "customer": "c1" }),
        ),
        (
            "order",
            json!({ "id": "o2", "name": "two", "amount": 7, "customer": "c2" }),
        ),
        ("order", json!({ "id": "o3", "name": "three", "amount": 9 })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

fn join(kind: &str, on: Value) -> Value {
    json!({
        "object": "order", "fields": ["name", "c.name"], "orderBy": [{ "field": "order.name" }],
        "joins": [{ "type": kind, "object": "customer", "alias": "c", "on": on }],
    })
}

#[tokio::test]
async fn a_join_over_a_reference_is_a_path() {
    let world = world().await;
    let ons = [
        json!({ "customer": { "$eq": { "$field": "c.id" } } }),
        json!({ "order.customer": { "$field": "c.id" } }),
        json!({ "c.id": { "$field": "order.customer" } }),
        json!(["order.customer", "=", "c.id"]),
    ];
    for on in ons {
        let found = world.query("order", join("inner", on.clone())).await.unwrap();
        let expected = json!([{ "name": "one", "c.name": "Acme" }, { "name": "two", "c.name": "Beta" }]);
        assert_eq!((&found["records"], &found["total"]), (&expected, &json!(2)), "{on}");
        let found = world.query("order", join("left", on)).await.unwrap();
        assert_eq!(found["total"], 3);
        assert_eq!(found["records"][1], json!({ "name": "three", "c.name": null }));
    }
}

#[tokio::test]
async fn figures_and_filters_use_the_alias() {
    let world = world().await;
    let query = json!({
        "joins": [{ "type": "inner", "object": "customer", "alias": "c", "on": { "customer": { "$field": "c.id" } },
                    "subquery": { "object": "customer", "where": { "country": { "$ne": "FR" } } } }],
        "aggregations": [{ "function": "sum", "field": "amount", "alias": "sum" }],
        "groupBy": ["c.country"],
    });
    let found = world.query("order", query).await.unwrap();
    assert_eq!(found["records"], json!([{ "c.country": "DE", "sum": 5 }]));
}

#[tokio::test]
async fn every_other_join_is_refused_with_what_to_do() {
    let world = world().await;
    let cases = [
        (
            join("right", json!({ "customer": { "$field": "c.id" } })),
            "its type is 'right'",
        ),
        (
            join("full", json!({ "customer": { "$field": "c.id" } })),
            "its type is 'full'",
        ),
        (
            join("inner", json!({ "name": { "$field": "c.name" } })),
            "does not pair a reference",
        ),
        (
            join("inner", json!({ "customer": { "$gt": { "$field": "c.id" } } })),
            "does not pair a reference",
        ),
        (
            join("inner", json!({ "note": { "$field": "c.id" } })),
            "'note' is no reference to it",
        ),
    ];
    for (query, part) in cases {
        let (code, message) = failure(world.query("order", query.clone()).await);
        assert_eq!(code, "not_implemented", "{query}: {message}");
        assert!(message.contains(part), "{query}: {message}");
    }
    let (code, _) = failure(world.query("order", join("cross", json!({}))).await);
    assert_eq!(code, "invalid_query");
}
