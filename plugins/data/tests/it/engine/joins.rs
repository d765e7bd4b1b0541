//! Joins of the query that are relations, and those that are not.

use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use super::access::plan;
use crate::world::{World, allowed, failure, principal};

const FILES: [(&str, &str); 2] = [
    (
        "customer.object.yml",
        "name: customer\nfields:\n  name: { type: text }\n  country: { type: text }\nsoftDelete: { enabled: true }\n",
    ),
    (
        "order.object.yml",
        "name: order\nfields:\n  name: { type: text, searchable: true }\n  amount: { type: number }\n  customer: { type: lookup, reference: customer }\n  note: { type: text, searchable: true }\n  size: { type: formula, expression: \"IF(amount > 6, 'big', 'small')\" }\n",
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
async fn the_on_of_an_inner_join_may_ask_for_more() {
    let world = world().await;
    for on in [
        json!({ "customer": { "$field": "c.id" }, "c.country": "DE" }),
        json!({ "$and": [{ "amount": { "$lt": 6 } }, { "c.id": { "$field": "customer" } }] }),
        json!(["and", ["order.customer", "=", "c.id"], ["c.name", "=", "Acme"]]),
    ] {
        let found = world.query("order", join("inner", on.clone())).await.unwrap();
        assert_eq!(found["records"], json!([{ "name": "one", "c.name": "Acme" }]), "{on}");
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

/// With customers that nobody ordered from: one that is there, and one in the bin.
async fn wider_world() -> World {
    let world = world().await;
    for (id, name) in [("c3", "Gamma"), ("c4", "Delta")] {
        let customer = json!({ "id": id, "name": name, "country": "ES" });
        world.create("customer", customer).await.unwrap();
    }
    world.engine.delete(&world.local, "customer", "c4").await.unwrap();
    world
}

fn on() -> Value {
    json!({ "customer": { "$field": "c.id" } })
}

/// `order/customer` of every record of an answer.
fn pairs(found: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let records = found["records"].as_array().unwrap().iter();
    let pairs: Vec<String> = records
        .map(|record| format!("{}/{}", text(&record["name"]), text(&record["c.name"])))
        .collect();
    pairs.join(" ")
}

#[tokio::test]
async fn records_that_nobody_points_to_come_by_themselves() {
    let world = wider_world().await;
    for (kind, expected) in [
        ("right", "-/Gamma one/Acme two/Beta"),
        ("full", "-/Gamma one/Acme three/- two/Beta"),
    ] {
        let found = world.query("order", join(kind, on())).await.unwrap();
        assert_eq!(pairs(&found), expected);
        // Page by page.
        let (mut walked, mut query) = (Vec::new(), join(kind, on()));
        query["limit"] = json!(1);
        for _ in expected.split(' ') {
            let found = world.query("order", query.clone()).await.unwrap();
            assert_eq!(found["total"], expected.split(' ').count());
            walked.push(pairs(&found));
            query["cursor"] = found["nextCursor"].clone();
        }
        assert_eq!(
            (walked.join(" "), &query["cursor"]),
            (expected.to_owned(), &Value::Null)
        );
    }
    // What is computed of an order that is not there is not there either.
    let mut query = join("right", on());
    query["fields"] = json!(["name", "c.name", "size"]);
    let found = world.query("order", query.clone()).await.unwrap();
    assert_eq!(
        found["records"][0],
        json!({ "name": null, "c.name": "Gamma", "size": null })
    );
    query["where"] = json!({ "size": "small" });
    assert_eq!(pairs(&world.query("order", query).await.unwrap()), "one/Acme");
    let figures = json!({
        "joins": [{ "type": "full", "object": "customer", "alias": "c", "on": on() }],
        "aggregations": [{ "function": "count", "field": "id", "alias": "orders" }], "groupBy": ["c.country"],
    });
    let found = world.query("order", figures).await.unwrap();
    let expected = json!([
        { "c.country": null, "orders": 1 }, { "c.country": "DE", "orders": 1 },
        { "c.country": "ES", "orders": 0 }, { "c.country": "FR", "orders": 1 },
    ]);
    assert_eq!(found["records"], expected);
}

#[tokio::test]
async fn a_search_finds_the_words_of_records_that_are_joined() {
    let world = wider_world().await;
    world
        .update("order", "o1", json!({ "note": "before two" }))
        .await
        .unwrap();
    for (kind, search, expected) in [
        ("right", json!("tw"), "one/Acme two/Beta"),
        ("full", json!("two three"), "one/Acme three/- two/Beta"),
        ("right", json!("three"), ""),
        ("full", json!({ "query": "two", "fields": ["name"] }), "two/Beta"),
        (
            "full",
            json!({ "query": "\"before two\"", "fields": ["note"] }),
            "one/Acme",
        ),
        ("right", json!({ "query": "two", "minScore": 0.1 }), "one/Acme two/Beta"),
        ("left", json!("three"), "three/-"),
    ] {
        let mut query = join(kind, on());
        query["search"] = search.clone();
        let found = world.query("order", query.clone()).await.unwrap();
        assert_eq!(pairs(&found), expected, "{kind} {search}");
        query["fields"] = Value::Null;
        query["orderBy"] = Value::Null;
        query["aggregations"] = json!([{ "function": "count", "alias": "number" }]);
        let counted = world.query("order", query).await.unwrap();
        let records = found["records"].as_array().unwrap().len();
        assert_eq!(counted["records"], json!([{ "number": records }]), "{kind} {search}");
    }
}

#[tokio::test]
async fn what_may_not_be_seen_of_either_side_is_absent() {
    let world = wider_world().await;
    let may = |who: &str, object: &str, filter: Value| {
        let access = plan(Some(filter), None, &[], &[]);
        world.permissions.allow(who, object, Operation::Read, access);
    };
    let ann = principal("ann", PrincipalKind::User, None);
    may("ann", "order", json!({ "name": { "$ne": "one" } }));
    may("ann", "customer", json!({ "country": { "$ne": "FR" } }));
    for (kind, expected) in [
        ("right", "-/Acme -/Gamma"),
        ("full", "-/Acme -/Gamma three/- two/-"),
        ("left", "three/- two/-"),
    ] {
        let found = world.query_as(&ann, "order", join(kind, on())).await.unwrap();
        assert_eq!(pairs(&found), expected);
        assert_eq!(found["total"], expected.split(' ').count());
    }
    // Who may not see a customer at all has none of them, and who may not see the reference cannot ask by it.
    let bob = principal("bob", PrincipalKind::User, None);
    world.permissions.allow("bob", "order", Operation::Read, allowed(None));
    let mut query = join("full", on());
    query["fields"] = json!(["name"]);
    let found = world.query_as(&bob, "order", query.clone()).await.unwrap();
    assert_eq!(pairs(&found), "one/- three/- two/-");
    let eve = principal("eve", PrincipalKind::User, None);
    let blind = plan(None, None, &["customer"], &[]);
    world.permissions.allow("eve", "order", Operation::Read, blind);
    world
        .permissions
        .allow("eve", "customer", Operation::Read, allowed(None));
    assert_eq!(failure(world.query_as(&eve, "order", query).await).0, "invalid_field");
}

#[tokio::test]
async fn every_other_join_is_refused_with_what_to_do() {
    let world = world().await;
    let cases = [
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
    let further = join("left", json!({ "customer": { "$field": "c.id" }, "c.country": "DE" }));
    let further = (further, "only the 'on' of an inner join says more");
    let mut two = join("full", on());
    let inner =
        json!({ "type": "inner", "object": "customer", "alias": "d", "on": { "customer": { "$field": "d.id" } } });
    two["joins"].as_array_mut().unwrap().push(inner);
    let two = (two, "there are only left ones");
    for (query, part) in cases.into_iter().chain([two, further]) {
        let (code, message) = failure(world.query("order", query.clone()).await);
        assert_eq!(code, "not_implemented", "{query}: {message}");
        assert!(message.contains(part), "{query}: {message}");
    }
    let (code, _) = failure(world.query("order", join("cross", json!({}))).await);
    assert_eq!(code, "invalid_query");
}
