//! Sums and means: what is answered is what filters, orders, windows and formulas look at, whatever the order of adding, and no sum
//! fails. The same on every database, so the numbers here are such that a database that adds in its own way gives others.

use serde_json::{Value, json};

use crate::world::World;

const SHOP: &str = "
name: shop
fields:
  name: { type: text }
  total: { type: summary, summaryOperations: { object: sale, field: size, function: sum } }
  mean: { type: summary, summaryOperations: { object: sale, field: size, function: avg } }
  least: { type: summary, summaryOperations: { object: sale, field: size, function: min } }
  paid: { type: summary, summaryOperations: { object: sale, field: price, function: sum } }
  counted: { type: summary, summaryOperations: { object: sale, field: whole, function: sum } }
  same: { type: summary, summaryOperations: { object: sale, field: passed, function: sum } }
  always: { type: summary, summaryOperations: { object: sale, field: large, function: min } }
  passed: { type: formula, expression: 'total' }
  exact: { type: formula, expression: 'total = 0.8' }
";
const SALE: &str = "
name: sale
fields:
  name: { type: text }
  shop: { type: master_detail, reference: shop }
  size: { type: number }
  price: { type: currency, scale: 2 }
  whole: { type: number, scale: 0 }
  passed: { type: formula, expression: 'size * 1' }
  large: { type: formula, expression: 'size > 0.5' }
";

/// Shops with sales of these sizes, which are their prices too.
async fn world(shops: &[(&str, &[f64])]) -> World {
    let world = World::new(&[("shop.object.yml", SHOP), ("sale.object.yml", SALE)]).await;
    for (shop, sizes) in shops {
        world.create("shop", json!({ "id": shop, "name": shop })).await.unwrap();
        for (number, size) in sizes.iter().enumerate() {
            let sale = json!({ "name": format!("{shop}{number}"), "shop": shop, "size": size, "price": size });
            world.create("sale", sale).await.unwrap();
        }
    }
    world
}

async fn values(world: &World, object: &str, query: Value, field: &str) -> Vec<Value> {
    let found = world
        .query(object, query.clone())
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    let records = found["records"].as_array().unwrap();
    records.iter().map(|record| record[field].clone()).collect()
}

/// 0.1 + 0.7 is a little less than 0.8 where doubles are added, and 0.8 where decimals are.
const TENTHS: [(&str, &[f64]); 4] = [("a", &[0.1, 0.7]), ("b", &[0.8]), ("c", &[0.5]), ("d", &[])];

#[tokio::test]
async fn groups_are_filtered_and_ordered_by_the_figures_that_are_answered() {
    let world = world(&TENTHS).await;
    for field in ["size", "price"] {
        let query = |having: Value| {
            json!({
                "groupBy": ["shop"], "having": having, "orderBy": "-s,shop",
                "aggregations": [{ "function": "sum", "field": field, "alias": "s" }],
            })
        };
        let (same, other) = (
            json!([{ "shop": "a", "s": 0.8 }, { "shop": "b", "s": 0.8 }]),
            json!([{ "shop": "c", "s": 0.5 }]),
        );
        for (having, expected) in [
            (json!({ "s": { "$gte": 0.8 } }), &same),
            (json!({ "s": 0.8 }), &same),
            (json!({ "s": { "$in": [0.8, 7] } }), &same),
            (json!({ "s": { "$lt": 0.8 } }), &other),
            (json!({ "s": { "$ne": 0.8 } }), &other),
        ] {
            let found = world.query("sale", query(having.clone())).await.unwrap();
            assert_eq!(found["records"], *expected, "{field} {having}");
        }
    }
}

#[tokio::test]
async fn equal_figures_share_a_place() {
    let world = world(&TENTHS).await;
    for field in ["size", "price"] {
        let query = json!({
            "groupBy": ["shop"], "orderBy": "shop",
            "aggregations": [{ "function": "sum", "field": field, "alias": "s" }],
            "windowFunctions": [
                { "function": "rank", "alias": "place", "over": { "orderBy": [{ "field": "s", "order": "desc" }] } },
                { "function": "sum", "field": "s", "alias": "all" },
            ],
        });
        assert_eq!(
            values(&world, "sale", query.clone(), "place").await,
            [1, 1, 3],
            "{field}"
        );
        assert_eq!(values(&world, "sale", query, "all").await, [2.1, 2.1, 2.1], "{field}");
    }
    let query = json!({
        "fields": ["name"], "orderBy": "name",
        "windowFunctions": [{ "function": "rank", "alias": "place", "over": { "orderBy": [{ "field": "total" }] } }],
    });
    assert_eq!(values(&world, "shop", query, "place").await, [3, 3, 2, 1]);
}

#[tokio::test]
async fn records_are_found_and_computed_by_the_figures_that_are_answered() {
    let world = world(&TENTHS).await;
    for field in ["total", "paid", "passed"] {
        for (filter, expected) in [
            (json!({ field: 0.8 }), "a b"),
            (json!({ field: { "$gte": 0.8 } }), "a b"),
            (json!({ field: { "$gt": 0.8 } }), ""),
            (json!({ field: { "$between": [0.5, 0.79] } }), "c"),
            (json!({ field: null }), "d"),
        ] {
            assert_eq!(
                world.names("shop", filter.clone()).await.unwrap().join(" "),
                expected,
                "{filter}"
            );
        }
    }
    // The evaluator reads the figure that the database compares.
    let query = json!({ "fields": ["total", "exact"], "orderBy": "name" });
    let exact = values(&world, "shop", query.clone(), "exact").await;
    assert_eq!(exact, [json!(true), json!(true), json!(false), Value::Null]);
    assert_eq!(world.names("shop", json!({ "exact": true })).await.unwrap(), ["a", "b"]);
    let totals = values(&world, "shop", query, "total").await;
    assert_eq!(totals, [json!(0.8), json!(0.8), json!(0.5), Value::Null]);
}

#[tokio::test]
async fn means_and_digits_without_end() {
    let world = world(&[
        ("a", &[0.333_333_333_333_333_3, 66_666_666.666_666_67]),
        ("b", &[1.0, 0.0, 0.0]),
    ])
    .await;
    let query = json!({ "fields": ["total", "mean", "least"], "orderBy": "name" });
    let totals = values(&world, "shop", query.clone(), "total").await;
    assert_eq!(totals, [json!(66_666_667), json!(1)]);
    let means = values(&world, "shop", query.clone(), "mean").await;
    assert_eq!(means, [json!(33_333_333.5), json!(0.333_333_333_333_333)]);
    // The least value is one of them, with all of its digits.
    let least = values(&world, "shop", query, "least").await;
    assert_eq!(least, [json!(0.333_333_333_333_333_3), json!(0)]);
    let filters = [
        (json!({ "total": 66_666_667 }), "a"),
        (json!({ "mean": 0.333_333_333_333_333 }), "b"),
        (json!({ "least": 0.333_333_333_333_333_3 }), "a"),
    ];
    for (filter, expected) in filters {
        assert_eq!(
            world.names("shop", filter.clone()).await.unwrap(),
            [expected],
            "{filter}"
        );
    }
    let query = json!({
        "groupBy": ["shop"], "having": { "m": { "$gte": 0.333_333_333_333_333, "$lt": 1 } },
        "aggregations": [{ "function": "avg", "field": "size", "alias": "m" }],
    });
    assert_eq!(values(&world, "sale", query, "shop").await, ["b"]);
}

#[tokio::test]
async fn what_is_calculated_adds_up_whatever_the_order() {
    // Doubles that are added one after the other lose the first of the ones, or both.
    let world = world(&[("a", &[1e16, 1.0, -1e16, 1.0])]).await;
    for field in ["size", "passed"] {
        let query = json!({ "aggregations": [
            { "function": "sum", "field": field, "alias": "s" },
            { "function": "avg", "field": field, "alias": "m" },
            { "function": "sum", "field": field, "distinct": true, "alias": "d" },
        ] });
        let found = world.query("sale", query).await.unwrap();
        assert_eq!(found["records"], json!([{ "s": 2, "m": 0.5, "d": 1 }]), "{field}");
        let query = json!({
            "fields": ["name"], "limit": 1,
            "windowFunctions": [{ "function": "sum", "field": field, "alias": "s" }],
        });
        assert_eq!(values(&world, "sale", query, "s").await, [2], "{field}");
    }
    let query = json!({ "fields": ["total", "same"] });
    let found = world.query("shop", query).await.unwrap();
    assert_eq!(found["records"], json!([{ "total": 2, "same": 2 }]));
}

#[tokio::test]
async fn whole_numbers_add_up_beyond_what_one_of_them_can_be() {
    let world = World::new(&[("shop.object.yml", SHOP), ("sale.object.yml", SALE)]).await;
    for shop in ["large", "middle", "small"] {
        world.create("shop", json!({ "id": shop, "name": shop })).await.unwrap();
    }
    for (shop, whole) in [
        ("large", i64::MAX),
        ("large", i64::MAX),
        ("large", i64::MAX - 1),
        ("middle", 100_000_000_000_000_000),
        ("small", 9_007_199_254_740_000),
        ("small", 991),
    ] {
        let sale = json!({ "name": shop, "shop": shop, "whole": whole, "size": whole });
        world.create("sale", sale).await.unwrap();
    }
    let near = |value: &Value, expected: f64| {
        let found = value.as_f64().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-14, "{found} for {expected}");
    };
    let sum = 3.0 * 9_223_372_036_854_775_807.0;
    for field in ["whole", "size"] {
        let query = json!({
            "groupBy": ["shop"], "orderBy": "shop", "having": { "s": { "$gt": 0 } },
            "aggregations": [{ "function": "sum", "field": field, "alias": "s" }],
        });
        let found = values(&world, "sale", query, "s").await;
        near(&found[0], sum);
        near(&found[1], 1e17);
        // As long as every digit can be told, every digit is.
        assert_eq!(found[2], 9_007_199_254_740_991_i64, "{field}");
        let frame = json!({ "type": "rows", "start": "1 PRECEDING", "end": "CURRENT ROW" });
        let query = json!({
            "fields": ["name"], "where": { "name": "large" },
            "windowFunctions": [{ "function": "sum", "field": field, "alias": "s", "over": { "orderBy": ["id"], "frame": frame } }],
        });
        near(&values(&world, "sale", query, "s").await[2], sum / 1.5);
    }
    let query = json!({ "fields": ["counted", "total"], "orderBy": "-counted" });
    let found = world.query("shop", query).await.unwrap();
    near(&found["records"][0]["counted"], sum);
    near(&found["records"][0]["total"], sum);
    assert_eq!(found["records"][2]["counted"], 9_007_199_254_740_991_i64);
}

#[tokio::test]
async fn calculated_truth_is_told_as_truth() {
    let world = world(&TENTHS).await;
    let query = json!({
        "groupBy": ["shop"], "orderBy": "shop",
        "aggregations": [
            { "function": "min", "field": "large", "alias": "every" },
            { "function": "max", "field": "large", "alias": "some" },
        ],
    });
    let found = world.query("sale", query.clone()).await.unwrap();
    let expected = json!([
        { "shop": "a", "every": false, "some": true },
        { "shop": "b", "every": true, "some": true },
        { "shop": "c", "every": false, "some": false },
    ]);
    assert_eq!(found["records"], expected);
    let mut having = query;
    having["having"] = json!({ "every": true });
    assert_eq!(values(&world, "sale", having, "shop").await, ["b"]);
    let query = json!({
        "fields": ["name"], "orderBy": "name",
        "windowFunctions": [
            { "function": "lag", "field": "large", "alias": "before", "over": { "orderBy": [{ "field": "name" }] } },
        ],
    });
    let before = values(&world, "sale", query, "before").await;
    assert_eq!(before, [Value::Null, json!(false), json!(true), json!(true)]);
    let query = json!({ "fields": ["always"], "orderBy": "name" });
    let always = values(&world, "shop", query, "always").await;
    assert_eq!(always, [json!(false), json!(true), json!(false), Value::Null]);
    assert_eq!(world.names("shop", json!({ "always": true })).await.unwrap(), ["b"]);
}
