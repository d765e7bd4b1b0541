//! Window functions: figures over the neighbours of each record, and of each group.

use serde_json::{Value, json};

use crate::world::{World, failure};

const DEAL: &str = "
name: deal
fields:
  name: { type: text }
  stage: { type: text }
  amount: { type: currency, scale: 2 }
  closed: { type: date }
";

async fn world() -> World {
    let world = World::new(&[("deal.object.yml", DEAL)]).await;
    for (name, stage, amount, closed) in [
        ("a", "won", json!(10), "2026-01-15"),
        ("b", "won", json!(30), "2026-01-20"),
        ("c", "lost", json!(5), "2026-02-01"),
        ("d", "won", json!(30), "2026-02-10"),
        ("e", "lost", Value::Null, "2026-03-01"),
    ] {
        let deal = json!({ "id": name, "name": name, "stage": stage, "amount": amount, "closed": closed });
        world.create("deal", deal).await.unwrap();
    }
    world
}

/// Values of the window for each record, in the order of names.
async fn values(world: &World, window: Value) -> Vec<Value> {
    let mut window = window;
    window["alias"] = json!("w");
    let query = json!({ "fields": ["name"], "orderBy": "name", "windowFunctions": [window] });
    let found = world
        .query("deal", query.clone())
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    let records = found["records"].as_array().unwrap();
    records.iter().map(|record| record["w"].clone()).collect()
}

#[tokio::test]
async fn every_function() {
    let world = world().await;
    let by_amount = json!({ "partitionBy": ["stage"], "orderBy": [{ "field": "amount", "order": "desc" }] });
    let by_date = json!({ "partitionBy": ["stage"], "orderBy": [{ "field": "closed" }] });
    let cases = [
        (
            json!({ "function": "row_number", "over": by_amount }),
            json!([3, 1, 1, 2, 2]),
        ),
        (json!({ "function": "rank", "over": by_amount }), json!([3, 1, 1, 1, 2])),
        (
            json!({ "function": "dense_rank", "over": by_amount }),
            json!([2, 1, 1, 1, 2]),
        ),
        (
            json!({ "function": "percent_rank", "over": by_amount }),
            json!([1, 0, 0, 0, 1]),
        ),
        (
            json!({ "function": "lag", "field": "amount", "over": by_date }),
            json!([null, 10, null, 30, 5]),
        ),
        (
            json!({ "function": "lead", "field": "name", "over": by_date }),
            json!(["b", "d", "e", null, null]),
        ),
        (
            json!({ "function": "lag", "field": "name", "offset": 2, "over": by_date }),
            json!([null, null, null, "a", null]),
        ),
        (
            json!({ "function": "first_value", "field": "name", "over": by_date }),
            json!(["a", "a", "c", "a", "c"]),
        ),
        // That of the window, not of the record itself.
        (
            json!({ "function": "last_value", "field": "name", "over": by_date }),
            json!(["d", "d", "e", "d", "e"]),
        ),
        (
            json!({ "function": "sum", "field": "amount", "over": by_date }),
            json!([10, 40, 5, 70, 5]),
        ),
        (
            json!({ "function": "sum", "field": "amount" }),
            json!([75, 75, 75, 75, 75]),
        ),
        (
            json!({ "function": "avg", "field": "amount", "over": { "partitionBy": "stage" } }),
            json!([23.333_333_333_333_3, 23.333_333_333_333_3, 5, 23.333_333_333_333_3, 5]),
        ),
        (
            json!({ "function": "count", "over": { "partitionBy": ["stage"] } }),
            json!([3, 3, 2, 3, 2]),
        ),
        (
            json!({ "function": "count", "field": "amount", "over": { "partitionBy": ["stage"] } }),
            json!([3, 3, 1, 3, 1]),
        ),
        (
            json!({ "function": "min", "field": "closed", "over": { "partitionBy": ["stage"] } }),
            json!(["2026-01-15", "2026-01-15", "2026-02-01", "2026-01-15", "2026-02-01"]),
        ),
        (
            json!({ "function": "max", "field": "amount", "over": {} }),
            json!([30, 30, 30, 30, 30]),
        ),
        (
            json!({ "function": "sum", "field": "amount", "over": { "orderBy": ["name"], "frame": { "type": "rows", "start": "1 PRECEDING", "end": "1 FOLLOWING" } } }),
            json!([40, 45, 65, 35, 30]),
        ),
        (
            json!({ "function": "sum", "field": "amount", "over": { "orderBy": ["stage"], "frame": { "type": "range", "start": "UNBOUNDED PRECEDING", "end": "CURRENT ROW" } } }),
            json!([75, 75, 5, 75, 5]),
        ),
    ];
    for (window, expected) in cases {
        assert_eq!(json!(values(&world, window.clone()).await), expected, "{window}");
    }
}

#[tokio::test]
async fn a_window_sees_what_the_query_sees_whatever_the_page() {
    let world = world().await;
    let query = json!({
        "fields": ["name"], "where": { "stage": "won" }, "orderBy": "name", "limit": 1, "offset": 1,
        "windowFunctions": [{ "function": "count", "alias": "all", "over": {} }],
    });
    let found = world.query("deal", query).await.unwrap();
    assert_eq!(found["records"], json!([{ "name": "b", "all": 3 }]));
    assert_eq!(found["total"], 3);
}

#[tokio::test]
async fn windows_over_groups() {
    let world = world().await;
    let query = json!({
        "aggregations": [{ "function": "sum", "field": "amount", "alias": "sum" }],
        "groupBy": [{ "field": "closed", "granularity": "month", "alias": "month" }],
        "orderBy": [{ "field": "month" }],
        "windowFunctions": [
            { "function": "sum", "field": "sum", "alias": "so_far", "over": { "orderBy": [{ "field": "month" }] } },
            { "function": "lag", "field": "sum", "alias": "before", "over": { "orderBy": [{ "field": "month" }] } },
        ],
    });
    let found = world.query("deal", query).await.unwrap();
    let expected = json!([
        { "month": "2026-01", "sum": 40, "so_far": 40, "before": null },
        { "month": "2026-02", "sum": 35, "so_far": 75, "before": 40 },
        { "month": "2026-03", "sum": null, "so_far": 75, "before": 35 },
    ]);
    assert_eq!(found["records"], expected);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = world().await;
    let cases = [
        (json!({ "function": "ranck" }), "did you mean 'rank'"),
        (json!({ "function": "sum" }), "needs a field"),
        (json!({ "function": "sum", "field": "name" }), "does not work on 'name'"),
        (json!({ "function": "rank", "offset": 1 }), "takes no offset"),
        (
            json!({ "function": "lag", "field": "name", "over": { "sortBy": ["name"] } }),
            "does not know 'sortBy'",
        ),
        (
            json!({ "function": "sum", "field": "amount", "over": { "frame": { "start": "1 FOLLOWING", "end": "CURRENT ROW" } } }),
            "cannot go from",
        ),
        (
            json!({ "function": "sum", "field": "amount", "over": { "frame": { "type": "range", "start": "1 PRECEDING" } } }),
            "of type 'rows'",
        ),
    ];
    for (window, part) in cases {
        let (code, message) = failure(world.query("deal", json!({ "windowFunctions": [window] })).await);
        assert_eq!(code, "invalid_query", "{window}: {message}");
        assert!(message.contains(part), "{window}: {message}");
    }
    let unknown = json!({ "windowFunctions": [{ "function": "sum", "field": "amuont" }] });
    assert_eq!(failure(world.query("deal", unknown).await).0, "invalid_field");
    let page = world.query("deal", json!({ "limit": 1 })).await.unwrap();
    let both = json!({ "cursor": page["nextCursor"], "windowFunctions": [{ "function": "row_number" }] });
    assert!(failure(world.query("deal", both).await).1.contains("take no cursor"));
}
