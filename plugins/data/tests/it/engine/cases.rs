//! Cases that the object engine's forerunner was tested for: formulas, filters, pages, figures. Each by its name there.

use serde_json::{Value, json};

use crate::app_support::try_load;
use crate::world::{World, failure};

/// A formula over one record: what is read, and, where SQL has it, what a filter finds.
async fn formula(expression: &str, record: Value, expected: Value) {
    let text = format!(
        "name: thing\nfields:\n  name: {{ type: text }}\n  first: {{ type: text }}\n  last: {{ type: text }}\n  a: {{ type: number }}\n  b: {{ type: number }}\n  \
         flag: {{ type: boolean }}\n  day: {{ type: date }}\n  at: {{ type: datetime }}\n  owner: {{ type: lookup, reference: thing }}\n  \
         result: {{ type: formula, expression: {} }}\n",
        json!(expression)
    );
    let world = World::new(&[("thing.object.yml", &text)]).await;
    world
        .create("thing", json!({ "id": "boss", "name": "Boss", "a": 7 }))
        .await
        .unwrap();
    let mut fields = record;
    fields["id"] = json!("1");
    let made = world
        .create("thing", fields)
        .await
        .unwrap_or_else(|error| panic!("{expression}: {error}"));
    assert_eq!(made["result"], expected, "{expression}");
    let filter = json!({ "where": { "id": "1", "result": expected }, "fields": ["id"] });
    match world.query("thing", filter).await {
        Ok(found) => assert_eq!(found["total"], 1, "{expression} in a filter"),
        // What has no form in SQL and no type before it is computed says so.
        Err(error) => assert_eq!(error.code(), "not_implemented", "{expression}: {error}"),
    }
}

#[tokio::test]
async fn formulas() {
    let none = json!({});
    let ab = json!({ "a": 10, "b": 3 });
    let named = json!({ "first": "Ada", "last": "Lovelace" });
    let dated = json!({ "day": "2026-02-28", "at": "2026-02-28T13:45:50Z" });
    let cases = [
        ("a + b * 2 - 1", &ab, json!(15)),
        ("(a + b) * 2", &ab, json!(26)),
        ("a % b", &ab, json!(1)),
        ("a ** 2", &ab, json!(100)),
        ("a / b > 3.3 && a / b < 3.4", &ab, json!(true)),
        ("first + ' ' + last", &named, json!("Ada Lovelace")),
        ("first.toUpperCase()", &named, json!("ADA")),
        ("first.length + LEN(last)", &named, json!(11)),
        ("a >= 10 && b !== 4", &ab, json!(true)),
        ("!(a > b) || false", &ab, json!(false)),
        ("a > 5 ? 'big' : 'small'", &ab, json!("big")),
        (
            "if (a > 100) { return 'huge'; } else if (a > 5) { return 'big'; } return 'small';",
            &ab,
            json!("big"),
        ),
        ("$year * 100 + $month", &none, json!(202_602)),
        ("$today", &none, json!("2026-02-28")),
        ("$now", &none, json!("2026-02-28T12:00:00.000Z")),
        ("$current_user.id", &none, json!("local")),
        ("USER()", &none, json!("local")),
        ("$is_new", &none, json!(false)),
        ("Math.round(a / b)", &ab, json!(3)),
        ("Math.max(a, b) + Math.min(a, b) + Math.abs(-1)", &ab, json!(14)),
        (
            "YEAR(day) * 10000 + MONTH(day) * 100 + DAY(day)",
            &dated,
            json!(20_260_228),
        ),
        ("HOUR(at) * 100 + MINUTE(at)", &dated, json!(1_345)),
        ("day + 1", &dated, json!("2026-03-01")),
        ("DAYS_BETWEEN(day, '2026-03-10')", &dated, json!(10)),
        // Null and undefined.
        ("a + 1", &none, Value::Null),
        ("first & 'x'", &none, Value::Null),
        ("first ?? 'nobody'", &none, json!("nobody")),
        ("ISBLANK(first)", &none, json!(true)),
        ("a > 1", &none, Value::Null),
        ("IF(a > 1, 'yes', 'no')", &none, json!("no")),
        // Division by zero is nothing, not an error and not infinity.
        ("a / 0", &ab, Value::Null),
        ("a % 0", &ab, Value::Null),
        // Over a relation.
        ("owner.name", &json!({ "owner": "boss" }), json!("Boss")),
        ("owner.a * 2", &json!({ "owner": "boss" }), json!(14)),
        ("owner.name", &none, Value::Null),
        // Business.
        ("IF(a > 1000, a * 0.1, a * 0.05)", &json!({ "a": 2_000 }), json!(200)),
        (
            "CASE(true, a >= 90, 'gold', a >= 50, 'silver', 'bronze')",
            &json!({ "a": 60 }),
            json!("silver"),
        ),
        (
            "MIN(100, a * 10 + IF(flag, 25, 0))",
            &json!({ "a": 5, "flag": true }),
            json!(75),
        ),
        (
            "TRIM(CONCAT(first, ' ', last))",
            &json!({ "last": "Solo" }),
            json!("Solo"),
        ),
        ("ROUND(1.005 * a, 2)", &json!({ "a": 1 }), json!(1.01)),
    ];
    for (expression, record, expected) in cases {
        formula(expression, record.clone(), expected).await;
    }
}

#[test]
fn formulas_that_are_none_are_refused_on_load_with_place_and_suggestion() {
    let problems = |expression: &str| -> String {
        let text = format!(
            "name: thing\nfields:\n  amount: {{ type: number }}\n  result: {{ type: formula, expression: {} }}\n",
            json!(expression)
        );
        try_load(&[("thing.object.yml", &text)])
            .err()
            .unwrap_or_default()
            .join("\n")
    };
    for (expression, part) in [
        ("amount +", "thing.object.yml:4"),
        ("amuont + 1", "did you mean `amount`?"),
        ("amount + 'x' * 2", "text"),
        ("amount.name.first", "amount"),
        ("eval('1')", "eval"),
        ("constructor('x')", "constructor"),
        ("require('fs')", "require"),
        ("process.exit()", "unknown method `exit`"),
        ("while (true) {}", "thing.object.yml:4"),
        ("RUOND(amount)", "did you mean `ROUND`?"),
        ("ROUND()", "ROUND"),
        ("$yaer", "did you mean `$year`?"),
        ("", "expression"),
    ] {
        let found = problems(expression);
        assert!(found.contains(part), "{expression}: {found}");
    }
    assert_eq!(problems("amount * 2"), "");
}

const ITEM: &str = "
name: item
fields:
  name: { type: text }
  kind: { type: text }
  price: { type: number }
  stock: { type: number }
";

async fn items() -> World {
    let world = World::new(&[("item.object.yml", ITEM)]).await;
    for (name, kind, price, stock) in [
        ("laptop", Some("tech"), 1_000, json!(5)),
        ("mouse", Some("tech"), 25, json!(100)),
        ("desk", Some("furniture"), 300, json!(10)),
        ("chair", Some("furniture"), 150, Value::Null),
        ("gift", None, 0, json!(0)),
    ] {
        let record = json!({ "id": name, "name": name, "kind": kind, "price": price, "stock": stock });
        world.create("item", record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn filters_of_the_driver() {
    let world = items().await;
    for (filter, expected) in [
        (json!({ "kind": "tech" }), "laptop mouse"),
        (json!([["kind", "=", "tech"]]), "laptop mouse"),
        (json!([["price", ">", 100]]), "chair desk laptop"),
        (json!([["price", ">=", 150], "and", ["price", "<=", 300]]), "chair desk"),
        (json!([["price", ">", 100], ["kind", "=", "tech"]]), "laptop"),
        (
            json!([["price", "<", 30], "or", ["price", ">", 900]]),
            "gift laptop mouse",
        ),
        (
            json!([
                [["kind", "=", "tech"], "or", ["kind", "=", "furniture"]],
                "and",
                ["price", "<", 200]
            ]),
            "chair mouse",
        ),
        // `and` binds tighter than `or`, on every database.
        (
            json!([
                ["price", "<", 30],
                "and",
                ["kind", "=", "tech"],
                "or",
                ["name", "=", "desk"]
            ]),
            "desk mouse",
        ),
        (
            json!([
                ["name", "=", "desk"],
                "or",
                ["kind", "=", "tech"],
                "and",
                ["price", "<", 30]
            ]),
            "desk mouse",
        ),
        (json!([["name", "contains", "a"]]), "chair laptop"),
        (json!([["name", "contains", "A"]]), ""),
        (json!([["kind", "in", ["tech", "food"]]]), "laptop mouse"),
        (json!([["kind", "in", []]]), ""),
        (json!([["kind", "nin", ["tech"]]]), "chair desk gift"),
        (json!([["kind", "!=", "tech"]]), "chair desk gift"),
        (json!([["stock", "=", null]]), "chair"),
        (json!([["stock", "!=", null]]), "desk gift laptop mouse"),
        (json!({ "stock": 0 }), "gift"),
        (
            json!({ "$and": [{ "$or": [{ "kind": "tech" }, { "$and": [{ "kind": "furniture" }, { "price": { "$gt": 200 } }] }] }, { "$not": { "name": "mouse" } }] }),
            "desk laptop",
        ),
    ] {
        assert_eq!(
            world.names("item", filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn pages_and_orders_of_the_driver() {
    let world = items().await;
    let names = async |query: Value| -> String {
        let found = world.query("item", query).await.unwrap();
        let records = found["records"].as_array().unwrap();
        let names: Vec<&str> = records.iter().map(|record| record["name"].as_str().unwrap()).collect();
        names.join(" ")
    };
    assert_eq!(
        names(json!({ "sort": [["price", "desc"]], "limit": 2 })).await,
        "laptop desk"
    );
    assert_eq!(
        names(json!({ "sort": { "price": 1 }, "skip": 1, "limit": 2 })).await,
        "mouse chair"
    );
    assert_eq!(
        names(json!({ "orderBy": [["kind", "asc"], ["price", "desc"]] })).await,
        "gift desk chair laptop mouse"
    );
    assert_eq!(names(json!({ "orderBy": "price", "skip": 100, "limit": 10 })).await, "");
    assert_eq!(names(json!({ "limit": 0 })).await, "");
    assert_eq!(names(json!({ "orderBy": "createdAt,name", "limit": 1 })).await, "chair");
    assert_eq!(
        failure(world.query("item", json!({ "skip": -1 })).await).0,
        "invalid_query"
    );
}

#[tokio::test]
async fn figures_of_the_driver() {
    let world = items().await;
    let query = json!({
        "where": [["price", ">", 0]], "groupBy": ["kind"],
        "aggregations": [
            { "function": "count", "alias": "n" }, { "function": "sum", "field": "price", "alias": "sum" },
            { "function": "avg", "field": "price", "alias": "avg" }, { "function": "min", "field": "price", "alias": "min" },
            { "function": "max", "field": "price", "alias": "max" }, { "function": "count", "field": "stock", "alias": "stocked" },
        ],
    });
    let found = world.query("item", query).await.unwrap();
    assert_eq!(
        found["records"],
        json!([
            { "kind": "furniture", "n": 2, "sum": 450, "avg": 225, "min": 150, "max": 300, "stocked": 1 },
            { "kind": "tech", "n": 2, "sum": 1025, "avg": 512.5, "min": 25, "max": 1000, "stocked": 2 },
        ])
    );
    let distinct = json!({ "fields": ["kind"], "distinct": true, "orderBy": "kind" });
    let found = world.query("item", distinct).await.unwrap();
    assert_eq!(
        found["records"],
        json!([{ "kind": null }, { "kind": "furniture" }, { "kind": "tech" }])
    );
    assert_eq!(found["total"], 3);
}
