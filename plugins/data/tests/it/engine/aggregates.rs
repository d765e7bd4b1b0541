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
  seen: { type: datetime }
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
            json!([{ "total": 5.3, "avg_amount": 1.76666666666667, "first": "2026-01-15", "most": 5, "known": 3, "stages": 2, "won": 2 }]),
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
async fn moments_are_cut_in_the_time_zone_that_is_asked_for() {
    let world = World::new(&[("deal.object.yml", DEAL)]).await;
    for (name, seen) in [
        ("winter", "2026-01-31T23:30:15.500Z"),
        ("before", "2026-03-29T00:59:59Z"),
        ("after", "2026-03-29T01:00:00Z"),
        ("summer", "2026-06-30T22:00:00Z"),
        ("none", ""),
    ] {
        let seen = (!seen.is_empty()).then_some(seen);
        world
            .create("deal", json!({ "name": name, "seen": seen }))
            .await
            .unwrap();
    }
    let buckets = async |unit: &str, zone: Value| -> String {
        let query = json!({
            "aggregations": [{ "function": "min", "field": "name", "alias": "n" }],
            "groupBy": [{ "field": "seen", "granularity": unit, "alias": "b", "timezone": zone }],
            "where": { "seen": { "$null": false } },
        });
        let found = world.query("deal", query).await.unwrap();
        let records = found["records"].as_array().unwrap();
        let buckets: Vec<&str> = records.iter().map(|record| record["b"].as_str().unwrap()).collect();
        buckets.join(" ")
    };
    assert_eq!(buckets("month", Value::Null).await, "2026-01 2026-03 2026-06");
    assert_eq!(
        buckets("month", json!("Europe/Berlin")).await,
        "2026-02 2026-03 2026-07"
    );
    assert_eq!(buckets("month", json!("-10:00")).await, "2026-01 2026-03 2026-06");
    // The clock went from 2 to 3 in between.
    assert_eq!(
        buckets("hour", json!("Europe/Berlin")).await,
        "2026-02-01T00 2026-03-29T01 2026-03-29T03 2026-07-01T00"
    );
    assert_eq!(
        buckets("minute", json!("UTC")).await,
        "2026-01-31T23:30 2026-03-29T00:59 2026-03-29T01:00 2026-06-30T22:00"
    );
    assert_eq!(
        buckets("second", Value::Null).await,
        "2026-01-31T23:30:15 2026-03-29T00:59:59 2026-03-29T01:00:00 2026-06-30T22:00:00"
    );
    assert_eq!(buckets("quarter", json!("Europe/Berlin")).await, "2026-Q1 2026-Q3");
    assert_eq!(buckets("week", json!("+01:00")).await, "2026-W05 2026-W13 2026-W27");
    let query = json!({ "groupBy": ["seen.month"], "timezone": "Europe/Berlin" });
    let found = world.query("deal", query).await.unwrap();
    assert_eq!(found["records"][1], json!({ "seen.month": "2026-02" }));
    let wrong = json!({ "groupBy": [{ "field": "seen", "granularity": "month", "timezone": "Europe/Atlantis" }] });
    assert_eq!(failure(world.query("deal", wrong).await).0, "invalid_query");
    let day = json!({ "groupBy": [{ "field": "closed", "granularity": "hour" }] });
    assert_eq!(failure(world.query("deal", day).await).0, "invalid_query");
}

#[tokio::test]
async fn groups_over_relations_and_figures_over_distinct_values() {
    let files = [
        ("team.object.yml", "name: team\nfields:\n  name: { type: text }\n"),
        (
            "deal.object.yml",
            "name: deal\nfields:\n  name: { type: text }\n  size: { type: number }\n  team: { type: lookup, reference: team }\n",
        ),
    ];
    let world = World::new(&files).await;
    for (object, record) in [
        ("team", json!({ "id": "t1", "name": "North" })),
        ("deal", json!({ "name": "b", "size": 1, "team": "t1" })),
        ("deal", json!({ "name": "a", "size": 1, "team": "t1" })),
        ("deal", json!({ "name": "c", "size": 2 })),
    ] {
        world.create(object, record).await.unwrap();
    }
    let query = json!({
        "groupBy": ["team.name"],
        "aggregations": [
            { "function": "count", "alias": "n" },
            { "function": "sum", "field": "size", "distinct": true, "alias": "sum" },
            { "function": "array_agg", "field": "name", "alias": "names" },
            { "function": "string_agg", "field": "name", "alias": "text" },
        ],
        "having": { "$or": [{ "n": { "$gte": 2 } }, { "team.name": null }] },
        "orderBy": [{ "field": "n", "order": "desc" }],
    });
    let found = world.query("deal", query).await.unwrap();
    let mut records = found["records"].clone();
    for record in records.as_array_mut().unwrap() {
        record["names"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    assert_eq!(records[0]["names"], json!(["a", "b"]));
    assert_eq!(
        (&records[0]["team.name"], &records[0]["sum"]),
        (&json!("North"), &json!(1))
    );
    assert_eq!(records[1]["text"], "c");
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

#[tokio::test]
async fn lists_of_values_are_the_same_everywhere() {
    const THING: &str = "
name: thing
fields:
  name: { type: text }
  open: { type: boolean }
  whole: { type: number, scale: 0 }
  real: { type: number }
  tags: { type: tags }
  data: { type: json }
";
    let world = World::new(&[("thing.object.yml", THING)]).await;
    for record in [
        json!({ "name": "a", "open": true, "whole": 10, "real": 2.5, "tags": ["x"] }),
        json!({ "name": "b", "open": false, "whole": 1, "real": 1.0, "tags": ["x"] }),
        json!({ "name": "c", "open": true, "real": 2.5, "data": { "k": 1 } }),
    ] {
        world.create("thing", record).await.unwrap();
    }
    let figure = |function: &str, field: &str, distinct: bool| json!({ "aggregations": [{ "function": function, "field": field, "distinct": distinct, "alias": "v" }] });
    for (function, field, distinct, expected) in [
        ("array_agg", "open", false, json!([false, true, true])),
        ("array_agg", "open", true, json!([false, true])),
        ("array_agg", "real", false, json!([1, 2.5, 2.5])),
        ("string_agg", "whole", false, json!("1,10")),
        ("string_agg", "name", false, json!("a,b,c")),
    ] {
        let found = world.query("thing", figure(function, field, distinct)).await.unwrap();
        assert_eq!(found["records"][0]["v"], expected, "{function} of {field}");
    }
    let some = json!({ "aggregations": [{ "function": "array_agg", "field": "open", "alias": "v", "filter": { "name": "b" } }] });
    let found = world.query("thing", some).await.unwrap();
    assert_eq!(found["records"][0]["v"], json!([false]));
    for query in [
        figure("array_agg", "tags", false),
        figure("string_agg", "tags", false),
        figure("string_agg", "real", false),
        figure("string_agg", "open", false),
        json!({ "groupBy": ["tags"] }),
        json!({ "groupBy": ["data"] }),
    ] {
        let (code, message) = failure(world.query("thing", query.clone()).await);
        assert_eq!(code, "invalid_query", "{query}: {message}");
    }
}

/// A list holds every value, so it is measured before it is made: over all groups, not over those of the page.
#[tokio::test]
async fn lists_of_values_are_bounded() {
    let world = World::new(&[(
        "thing.object.yml",
        "name: thing\nfields:\n  name: { type: text }\n  kind: { type: text }\n",
    )])
    .await;
    for (id, kind) in [("t1", "x"), ("t2", "x"), ("t3", "y"), ("t4", "y")] {
        let record = json!({ "id": id, "name": "ä".repeat(300), "kind": kind });
        world.create("thing", record).await.unwrap();
    }
    let mut parts = world.engine.parts().clone();
    parts.limits.list_values_max = 3;
    parts.limits.list_bytes_max = 1_500;
    let engine = objectos_data::engine::Engine::new(parts);
    let figure = |function: &str, field: &str, more: Value| {
        let mut figure = json!({ "function": function, "field": field, "alias": "v" });
        figure.as_object_mut().unwrap().extend(crate::world::fields(more));
        figure
    };
    let cases = [
        (
            json!({ "aggregations": [figure("array_agg", "kind", json!({}))] }),
            "limits.listValuesMax",
        ),
        (
            json!({ "aggregations": [figure("string_agg", "kind", json!({}))], "groupBy": ["kind"], "limit": 1 }),
            "limits.listValuesMax",
        ),
        (
            json!({ "aggregations": [figure("array_agg", "name", json!({}))], "where": { "id": { "$ne": "t1" } } }),
            "limits.listBytesMax",
        ),
        (
            json!({ "aggregations": [figure("array_agg", "kind", json!({ "distinct": true }))] }),
            "",
        ),
        (
            json!({ "aggregations": [figure("string_agg", "name", json!({ "filter": { "kind": "x" } }))] }),
            "",
        ),
        (json!({ "aggregations": [{ "function": "count", "alias": "v" }] }), ""),
    ];
    for (query, key) in cases {
        let asked = objectos_data::query::QueryInput::from_map(&crate::world::fields(query.clone())).unwrap();
        let found = engine.find(&world.local, "thing", asked).await;
        if key.is_empty() {
            found.unwrap_or_else(|error| panic!("{query}: {error}"));
            continue;
        }
        let (code, message) = failure(found);
        assert_eq!(code, "invalid_query", "{query}");
        assert!(message.contains(key), "{query}: {message}");
    }
}
