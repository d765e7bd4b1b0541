//! Computed fields: on read, in filters and in orders.

use objectos_data::engine::Engine;
use objectos_data::query::QueryInput;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, allowed, failure, principal};

const FILES: [(&str, &str); 2] = [
    (
        "order.object.yml",
        "
name: order
fields:
  name: { type: text }
  customer: { type: text }
  lines: { type: summary, summaryOperations: { object: line, field: id, function: count } }
  total: { type: summary, summaryOperations: { object: line, field: net, function: sum } }
  gross: { type: formula, expression: 'total * 1.19', scale: 2 }
  label: { type: formula, expression: \"customer & ' / ' & name\" }
",
    ),
    (
        "line.object.yml",
        "
name: line
fields:
  name: { type: text }
  order: { type: master_detail, reference: order }
  quantity: { type: number, required: true }
  price: { type: currency, scale: 2, required: true }
  discount: { type: percent }
  net: { type: currency, scale: 2 }
  worth: { type: formula, expression: 'quantity * price' }
  large: { type: formula, expression: 'worth > 100' }
  buyer: { type: formula, expression: 'order.customer' }
",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    world
        .create("order", json!({ "id": "o1", "name": "first", "customer": "Acme" }))
        .await
        .unwrap();
    world
        .create("order", json!({ "id": "o2", "name": "second", "customer": "Beta" }))
        .await
        .unwrap();
    for (id, order, quantity, price) in [("l1", "o1", 3, 10.5), ("l2", "o1", 10, 20.0), ("l3", "o2", 1, 7.0)] {
        let net = f64::from(quantity) * price;
        world
            .create(
                "line",
                json!({ "id": id, "name": id, "order": order, "quantity": quantity, "price": price, "net": net }),
            )
            .await
            .unwrap();
    }
    world
}

#[tokio::test]
async fn formulas_are_computed_on_read() {
    let world = world().await;
    let line = world.get("line", "l2").await.unwrap();
    assert_eq!(
        (&line["worth"], &line["large"], &line["buyer"]),
        (&json!(200), &json!(true), &json!("Acme"))
    );
    let created = world
        .create("line", json!({ "order": "o2", "quantity": 2, "price": 1.25 }))
        .await
        .unwrap();
    assert_eq!(
        (&created["worth"], &created["large"], &created["buyer"]),
        (&json!(2.5), &json!(false), &json!("Beta"))
    );
}

#[tokio::test]
async fn summaries_are_right_after_every_change() {
    let world = world().await;
    let order = async |id: &str| {
        let order = world.get("order", id).await.unwrap();
        (
            order["lines"].clone(),
            order["total"].clone(),
            order["gross"].clone(),
            order["label"].clone(),
        )
    };
    assert_eq!(
        order("o1").await,
        (json!(2), json!(231.5), json!(275.49), json!("Acme / first"))
    );
    world.update("line", "l3", json!({ "order": "o1" })).await.unwrap();
    assert_eq!(order("o1").await.1, json!(238.5));
    assert_eq!(
        order("o2").await,
        (json!(0), Value::Null, Value::Null, json!("Beta / second"))
    );
    world.engine.delete(&world.local, "line", "l2").await.unwrap();
    assert_eq!(order("o1").await.1, json!(38.5));
}

#[tokio::test]
async fn computed_fields_filter_and_sort() {
    let world = world().await;
    for (object, filter, expected) in [
        ("line", json!({ "worth": { "$gt": 30 } }), "l1 l2"),
        ("line", json!({ "large": true }), "l2"),
        ("line", json!({ "buyer": "Beta" }), "l3"),
        ("order", json!({ "lines": 2 }), "first"),
        ("order", json!({ "total": { "$lt": 100 } }), "second"),
        ("order", json!({ "label": { "$startsWith": "Acme" } }), "first"),
    ] {
        assert_eq!(
            world.names(object, filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
    let sorted = world
        .query("line", json!({ "orderBy": "-worth", "fields": ["worth"] }))
        .await
        .unwrap();
    assert_eq!(
        sorted["records"],
        json!([{ "worth": 200 }, { "worth": 31.5 }, { "worth": 7 }])
    );
    let summed = world
        .query(
            "line",
            json!({ "aggregations": [{ "function": "sum", "field": "worth", "alias": "all" }] }),
        )
        .await
        .unwrap();
    assert_eq!(summed["records"], json!([{ "all": 238.5 }]));
}

#[tokio::test]
async fn computed_fields_are_not_written() {
    let world = world().await;
    let errors = crate::world::field_errors(world.update("line", "l1", json!({ "worth": 1 })).await);
    assert_eq!(errors, ["worth: read_only"]);
}

/// Formulas that no database computes in the way of the evaluator.
const BEYOND_SQL: [(&str, &str); 1] = [(
    "thing.object.yml",
    "
name: thing
fields:
  name: { type: text }
  size: { type: number }
  kin: { type: lookup, reference: thing }
  loud: { type: formula, expression: 'UPPER(name)' }
  louder: { type: formula, expression: \"loud & '!'\" }
  square: { type: formula, expression: 'VALUE(TEXT(size)) ^ 2' }
  odd: { type: formula, expression: \"REGEX(name, '[a-c]ä?')\" }
",
)];

async fn beyond_sql() -> World {
    let world = World::new(&BEYOND_SQL).await;
    let names = ["a", "bä", "c", "d", "ää", "f"];
    for (size, name) in (1_i64..).zip(names) {
        let record = json!({ "id": format!("t{size}"), "name": name, "size": -size });
        world.create("thing", record).await.unwrap();
    }
    world.update("thing", "t3", json!({ "kin": "t5" })).await.unwrap();
    world
}

#[tokio::test]
async fn what_no_database_computes_is_computed_for_the_query() {
    let world = beyond_sql().await;
    for (filter, expected) in [
        (json!({ "loud": "BÄ" }), "bä"),
        (json!({ "loud": { "$ne": "BÄ" }, "size": { "$gt": -4 } }), "a c"),
        (json!({ "louder": { "$in": ["C!", "D!", "e!"] } }), "c d"),
        (json!({ "square": { "$gte": 16 } }), "d ää f"),
        (json!({ "$or": [{ "odd": true }, { "square": 36 }] }), "a bä c f"),
        (json!({ "$not": { "odd": true } }), "d ää f"),
        (json!({ "kin.loud": "ÄÄ" }), "c"),
        (json!({ "kin.loud": null, "odd": true }), "a bä"),
    ] {
        let found = world.names("thing", filter.clone()).await.unwrap();
        assert_eq!(found.join(" "), expected, "{filter}");
    }
    let mut query = json!({ "fields": ["name"], "orderBy": "-square", "limit": 4 });
    let first = world.query("thing", query.clone()).await.unwrap();
    assert_eq!(
        (&first["records"], &first["total"], &first["hasMore"]),
        (
            &json!([{ "name": "f" }, { "name": "ää" }, { "name": "d" }, { "name": "c" }]),
            &json!(6),
            &json!(true)
        )
    );
    query["cursor"] = first["nextCursor"].clone();
    let second = world.query("thing", query).await.unwrap();
    assert_eq!(second["records"], json!([{ "name": "bä" }, { "name": "a" }]));
    let grouped =
        json!({ "groupBy": ["odd"], "aggregations": [{ "function": "sum", "field": "square", "alias": "all" }] });
    let groups = world.query("thing", grouped).await.unwrap();
    assert_eq!(
        groups["records"],
        json!([{ "odd": false, "all": 77 }, { "odd": true, "all": 14 }])
    );
}

#[tokio::test]
async fn what_is_computed_for_a_query_is_bounded() {
    let world = beyond_sql().await;
    let mut parts = world.engine.parts().clone();
    parts.limits.formula_records_max = 3;
    let engine = Engine::new(parts);
    let find = async |filter: Value| {
        let query = QueryInput::from_map(&crate::world::fields(json!({ "where": filter }))).unwrap();
        engine.find(&world.local, "thing", query).await
    };
    let (code, message) = failure(find(json!({ "loud": "A" })).await);
    assert_eq!(code, "invalid_query");
    assert!(
        message.contains("for at most 3 records") && message.contains("plugins.objectos.data.limits.formulaRecordsMax"),
        "{message}"
    );
    // Other conditions narrow it first; one of several does not.
    assert_eq!(
        find(json!({ "loud": "A", "size": { "$gt": -4 } })).await.unwrap().count,
        1
    );
    failure(find(json!({ "$or": [{ "loud": "A" }, { "size": { "$gt": -4 } }] })).await);
}

/// Whether so many bytes are enough for a query about things.
async fn enough(world: &World, query: &Value, bytes: u64) -> bool {
    let mut parts = world.engine.parts().clone();
    parts.limits.formula_bytes_max = bytes;
    let query = QueryInput::from_map(&crate::world::fields(query.clone())).unwrap();
    let found = Engine::new(parts).find(&world.local, "thing", query).await;
    if found.is_ok() {
        return true;
    }
    let (code, message) = failure(found);
    assert_eq!(code, "invalid_query", "{message}");
    let told = format!("up to {bytes} bytes for all such fields of a query");
    assert!(
        message.contains(&told) && message.contains("limits.formulaBytesMax"),
        "{message}"
    );
    false
}

/// The least that are enough.
async fn least_bytes(world: &World, query: &Value) -> u64 {
    let (mut low, mut high) = (0, 4_096);
    while low < high {
        let middle = u64::midpoint(low, high);
        if enough(world, query, middle).await {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    assert!(low < 4_096, "{query} never has enough");
    low
}

#[tokio::test]
async fn all_values_of_a_query_have_one_bound() {
    let world = beyond_sql().await;
    let least = async |query: Value| least_bytes(&world, &query).await;
    // Six times `{"i":"t1","v":1}`.
    let square = least(json!({ "where": { "square": 36 } })).await;
    assert!(square >= 6 * 16, "{square}");
    let loud = least(json!({ "where": { "loud": "A" } })).await;
    let both = json!({ "$or": [{ "square": 36 }, { "loud": "A" }] });
    assert_eq!(least(json!({ "where": both })).await, square + loud);
    // One field is calculated once, however often it is named.
    let twice = json!({ "$or": [{ "square": 36 }, { "square": 1 }] });
    assert_eq!(least(json!({ "where": twice, "orderBy": "square" })).await, square);
    // Of a relation the records count that the page leads to, beside what the page itself needs.
    let kin = json!({ "kin": { "fields": ["name"], "where": { "loud": "ÄÄ" } } });
    let related = least(json!({ "where": { "id": "t3" }, "expand": kin })).await;
    assert!((1..loud).contains(&related), "{related} of {loud}");
    assert_eq!(
        least(json!({ "where": { "square": 9 }, "expand": kin })).await,
        square + related
    );
    // What a relation needed is let go of before the next one.
    let page = json!({ "id": { "$in": ["t3", "t5"] } });
    let things = json!({ "thing": { "fields": ["name"], "where": { "loud": "C" } } });
    let mut relations = Vec::new();
    for expand in [&kin, &things] {
        relations.push(least(json!({ "where": page, "expand": expand })).await);
    }
    let together = json!({ "kin": kin["kin"], "thing": things["thing"] });
    let together = least(json!({ "where": page, "expand": together })).await;
    assert_eq!(Some(together), relations.into_iter().max());
}

#[tokio::test]
async fn what_nobody_sees_is_neither_computed_nor_counted() {
    let world = beyond_sql().await;
    let mut parts = world.engine.parts().clone();
    parts.limits.formula_records_max = 3;
    let engine = Engine::new(parts);
    let ann = principal("ann", PrincipalKind::User, None);
    let seen = plan(Some(json!({ "size": { "$gte": -3 } })), None, &[], &[]);
    world.permissions.allow("ann", "thing", Operation::Read, seen);
    let find = async |context: &Context| {
        let query = json!({ "where": { "kin.loud": null } });
        let query = QueryInput::from_map(&crate::world::fields(query)).unwrap();
        engine.find(context, "thing", query).await
    };
    assert_eq!(find(&ann).await.unwrap().count, 3);
    // Of the related records those count that something leads to.
    for (thing, kin) in [("t1", "t4"), ("t2", "t6"), ("t4", "t1")] {
        world.update("thing", thing, json!({ "kin": kin })).await.unwrap();
    }
    assert_eq!(find(&ann).await.unwrap().count, 3);
    let (_, message) = failure(find(&world.local).await);
    assert!(message.contains("limits.formulaRecordsMax"), "{message}");
}

/// A figure counts the children that the caller sees, a formula reads the records that they see, and what would tell of a hidden
/// field is null: in records, filters, orders and figures alike.
#[tokio::test]
async fn what_is_computed_is_computed_over_what_the_caller_sees() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let hiding = |fields: &[&str]| plan(None, None, fields, &[]);
    let all = || hiding(&[]);
    let but_l2 = plan(Some(json!({ "name": { "$ne": "l2" } })), None, &[], &[]);
    // Plans of orders and of lines; lines, total, worth and buyer; the sum of all totals.
    let cases = [
        (all(), all(), json!([2, 231.5, 31.5, "Acme"]), json!(238.5)),
        (all(), but_l2, json!([1, 31.5, 31.5, "Acme"]), json!(38.5)),
        (all(), hiding(&["net"]), json!([2, null, 31.5, "Acme"]), Value::Null),
        (all(), hiding(&["order"]), json!([null, null, 31.5, null]), Value::Null),
        (all(), hiding(&["price"]), json!([2, 231.5, null, "Acme"]), json!(238.5)),
        (
            hiding(&["customer"]),
            all(),
            json!([2, 231.5, 31.5, null]),
            json!(238.5),
        ),
    ];
    for (number, (orders, lines, expected, sum)) in cases.into_iter().enumerate() {
        world.permissions.allow("ann", "order", Operation::Read, orders);
        world.permissions.allow("ann", "line", Operation::Read, lines);
        // Twice, since what was planned once is kept; and whoever sees all still does.
        for _ in 0..2 {
            let order = world.get_as(&ann, "order", "o1").await.unwrap();
            let line = world.get_as(&ann, "line", "l1").await.unwrap();
            let found = json!([order["lines"], order["total"], line["worth"], line["buyer"]]);
            assert_eq!(found, expected, "case {number}");
            assert_eq!(order["gross"].is_null(), expected[1].is_null(), "case {number}");
            assert_eq!(line["large"].is_null(), expected[2].is_null(), "case {number}");
            assert_eq!(world.get("order", "o1").await.unwrap()["total"], 231.5);
        }
        let ids = async |object: &str, query: Value| {
            let found = world.query_as(&ann, object, query).await.unwrap();
            let records = found["records"].as_array().unwrap();
            records.iter().map(|record| record["id"].clone()).collect::<Vec<_>>()
        };
        let (lines, total) = (&expected[0], &expected[1]);
        let orders = ids(
            "order",
            json!({ "where": { "lines": lines, "total": total }, "orderBy": "-total,id" }),
        )
        .await;
        assert_eq!(orders[0], "o1", "case {number}");
        let lines = ids(
            "line",
            json!({ "where": { "worth": expected[2], "buyer": expected[3] }, "orderBy": "buyer,id" }),
        )
        .await;
        assert_eq!(lines[0], "l1", "case {number}");
        let hidden = ids("order", json!({ "where": { "total": 231.5 } })).await;
        assert_eq!(hidden.len(), usize::from(*total == json!(231.5)), "case {number}");
        let sums = json!({ "aggregations": [{ "function": "sum", "field": "total", "alias": "sum" }] });
        let found = world.query_as(&ann, "order", sums).await.unwrap();
        assert_eq!(found["records"][0]["sum"], sum, "case {number}");
        let groups = json!({ "groupBy": ["total"], "aggregations": [{ "function": "count", "alias": "n" }] });
        let found = world.query_as(&ann, "order", groups).await.unwrap();
        assert_eq!(
            found["records"].as_array().unwrap().len(),
            if total.is_null() { 1 } else { 2 },
            "case {number}"
        );
    }
    // Of an order that is not seen nothing comes through, and without the right to read lines there are no figures.
    let second = plan(Some(json!({ "name": "second" })), None, &[], &[]);
    world.permissions.allow("ann", "order", Operation::Read, second);
    let lines = json!({ "fields": ["id", "buyer"], "where": { "buyer": { "$null": true } }, "orderBy": "id" });
    let found = world.query_as(&ann, "line", lines).await.unwrap();
    assert_eq!(
        found["records"],
        json!([{ "id": "l1", "buyer": null }, { "id": "l2", "buyer": null }])
    );
    let bob = principal("bob", PrincipalKind::User, None);
    world.permissions.allow("bob", "order", Operation::Read, all());
    let order = world.get_as(&bob, "order", "o1").await.unwrap();
    assert_eq!(json!([order["lines"], order["total"]]), json!([null, null]));
}

#[tokio::test]
async fn a_formula_does_not_see_through_a_mask() {
    let person = "name: person\nfields:\n  name: { type: text }\n  pay: { type: number, maskingRule: { field: pay, strategy: nullify, roles: [sales] } }\n  year: { type: formula, expression: 'pay * 12' }\n";
    let world = World::new(&[("person.object.yml", person)]).await;
    world
        .create("person", json!({ "id": "p1", "name": "ann", "pay": 10 }))
        .await
        .unwrap();
    for (role, year) in [("sales", Value::Null), ("hr", json!(120))] {
        world.permissions.allow(role, "person", Operation::Read, allowed(None));
        let someone = Principal {
            id: role.to_owned(),
            kind: PrincipalKind::User,
            roles: vec![role.to_owned()],
            ..Principal::default()
        };
        let context = Context::request("r1").with_principal(&someone);
        assert_eq!(
            world.get_as(&context, "person", "p1").await.unwrap()["year"],
            year,
            "{role}"
        );
        let found = world
            .query_as(&context, "person", json!({ "where": { "year": 120 } }))
            .await
            .unwrap();
        assert_eq!(found["total"], u64::from(!year.is_null()), "{role}");
    }
}
