//! Figures over records.

use serde_json::{Value, json};

use crate::world::{World, failure};

const DEAL: &str = "
name: deal
fields:
  name: { type: text }
  stage: { type: text }
  amount: { type: currency, scale: 2 }
  open: { type: boolean }
  closed: { type: date }
";

async fn world() -> World {
    let world = World::new(&[("deal.object.yml", DEAL)]).await;
    let deals = [
        json!({ "name": "a", "stage": "won", "amount": 0.1, "open": false, "closed": "2026-01-15" }),
        json!({ "name": "b", "stage": "won", "amount": 0.2, "open": false, "closed": "2026-01-20" }),
        json!({ "name": "c", "stage": "lost", "amount": 5, "open": false, "closed": "2026-05-01" }),
        json!({ "name": "d", "amount": null, "open": true }),
    ];
    for deal in deals {
        world.create("deal", deal).await.unwrap();
    }
    world
}

#[tokio::test]
async fn figures_and_groups() {
    let world = world().await;
    let cases = [
        (
            json!({ "aggregations": [{ "function": "count", "alias": "n" }] }),
            json!([{ "n": 4 }]),
        ),
        (
            json!({ "aggregations": [
                { "function": "sum", "field": "amount", "alias": "total" },
                { "function": "avg", "field": "amount" },
                { "function": "min", "field": "closed", "alias": "first" },
                { "function": "max", "field": "amount", "alias": "most" },
                { "function": "count", "field": "amount", "alias": "known" },
                { "function": "count_distinct", "field": "stage", "alias": "stages" },
                { "function": "count", "alias": "won", "filter": { "stage": "won" } },
            ] }),
            json!([{ "total": 5.3, "avg_amount": 1.7666666666666666, "first": "2026-01-15", "most": 5, "known": 3, "stages": 2, "won": 2 }]),
        ),
        (
            json!({ "aggregations": [{ "function": "sum", "field": "amount", "alias": "total" }], "groupBy": ["stage"] }),
            json!([{ "stage": null, "total": null }, { "stage": "lost", "total": 5 }, { "stage": "won", "total": 0.3 }]),
        ),
        (
            json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": ["stage"], "having": { "n": { "$gt": 1 } } }),
            json!([{ "stage": "won", "n": 2 }]),
        ),
        (
            json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": ["open"], "orderBy": [{ "field": "n", "order": "desc" }] }),
            json!([{ "open": false, "n": 3 }, { "open": true, "n": 1 }]),
        ),
        (
            json!({ "aggregations": [{ "function": "count", "alias": "n" }], "where": { "closed": { "$null": false } },
                    "groupBy": [{ "field": "closed", "dateGranularity": "quarter", "alias": "quarter" }] }),
            json!([{ "quarter": "2026-Q1", "n": 2 }, { "quarter": "2026-Q2", "n": 1 }]),
        ),
        (
            json!({ "aggregations": [{ "function": "array_agg", "field": "name", "alias": "names" }], "where": { "stage": "won" } }),
            json!([{ "names": ["a", "b"] }]),
        ),
    ];
    for (query, expected) in cases {
        let found = world
            .query("deal", query.clone())
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(found["records"], expected, "{query}");
        assert_eq!(found["total"], expected.as_array().unwrap().len(), "{query}");
    }
}

#[tokio::test]
async fn buckets() {
    let world = world().await;
    let bucket = async |granularity: &str| -> Value {
        let query = json!({
            "aggregations": [{ "function": "count", "alias": "n" }], "where": { "stage": "lost" },
            "groupBy": [{ "field": "closed", "granularity": granularity, "alias": "b" }],
        });
        world.query("deal", query).await.unwrap()["records"][0]["b"].clone()
    };
    assert_eq!(bucket("year").await, "2026");
    assert_eq!(bucket("month").await, "2026-05");
    assert_eq!(bucket("week").await, "2026-W18");
    assert_eq!(bucket("day").await, "2026-05-01");
}

#[tokio::test]
async fn groups_have_pages() {
    let world = world().await;
    let query = json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": ["stage"], "limit": 2 });
    let found = world.query("deal", query).await.unwrap();
    assert_eq!(
        (
            found["records"].as_array().unwrap().len(),
            &found["total"],
            &found["hasMore"]
        ),
        (2, &json!(3), &json!(true))
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = world().await;
    let cases = [
        (
            json!({ "aggregations": [{ "function": "median", "field": "amount" }] }),
            "invalid_query",
        ),
        (
            json!({ "aggregations": [{ "function": "sum", "field": "name" }] }),
            "invalid_query",
        ),
        (json!({ "aggregations": [{ "function": "sum" }] }), "invalid_query"),
        (
            json!({ "aggregations": [{ "function": "sum", "field": "amout" }] }),
            "invalid_field",
        ),
        (
            json!({ "groupBy": [{ "field": "name", "granularity": "month" }] }),
            "invalid_query",
        ),
        (
            json!({ "groupBy": [{ "field": "closed", "granularity": "fortnight" }] }),
            "invalid_query",
        ),
        (json!({ "groupBy": ["stage"], "having": { "n": 1 } }), "invalid_filter"),
        (json!({ "groupBy": ["stage"], "orderBy": "amount" }), "invalid_sort"),
    ];
    for (query, code) in cases {
        assert_eq!(failure(world.query("deal", query.clone()).await).0, code, "{query}");
    }
}
