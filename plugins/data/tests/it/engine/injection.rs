//! Names and values can never become SQL: random and wicked texts everywhere, and the tables stay as they are.

use objectos_data::query::from_query_string;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::world::World;

const THING: &str = "name: thing\nfields:\n  name: { type: text, searchable: true }\n  size: { type: number }\n  tags: { type: tags }\n";

const WICKED: [&str; 14] = [
    "'",
    "\"",
    "''",
    "\"\"",
    "'; DROP TABLE thing; --",
    "\" OR 1=1 --",
    "x') OR ('1'='1",
    "?",
    "$1",
    "%",
    "_",
    "\\",
    "name\" = \"name",
    "/* */",
];

fn seed() -> u64 {
    let seed = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_260_228);
    println!("OBJECTOS_TEST_SEED={seed}");
    seed
}

fn text(random: &mut SmallRng) -> String {
    const PARTS: &[&str] = &[
        "'",
        "\"",
        ";",
        "--",
        " ",
        "OR",
        "1=1",
        ")",
        "(",
        "\\",
        "%",
        "_",
        "?",
        "a",
        "ü",
        "\u{1F600}",
        "\n",
        "*",
        "[",
        "]",
        "$field",
        ".",
    ];
    (0..random.random_range(1..8))
        .map(|_| PARTS[random.random_range(0..PARTS.len())])
        .collect()
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let mut random = SmallRng::seed_from_u64(seed());
    let mut texts: Vec<String> = WICKED.iter().map(|&text| text.to_owned()).collect();
    texts.extend((0..100).map(|_| text(&mut random)));
    for text in &texts {
        let record = world
            .create("thing", json!({ "name": text, "tags": [text] }))
            .await
            .unwrap();
        assert_eq!(record["name"], *text);
        for filter in [
            json!({ "name": text }),
            json!({ "name": { "$in": [text] } }),
            json!({ "name": { "$contains": text } }),
            json!({ "name": { "$startsWith": text } }),
            json!({ "name": { "$endsWith": text } }),
            json!({ "tags": text }),
            json!(["name", "=", text]),
        ] {
            let found = world
                .query("thing", json!({ "where": filter, "limit": 1_000 }))
                .await
                .unwrap();
            let found = found["records"]
                .as_array()
                .unwrap()
                .iter()
                .any(|found| found["id"] == record["id"]);
            assert!(found, "{text:?} by {filter}");
        }
        // A pattern is what it is, but never SQL.
        world
            .query(
                "thing",
                json!({ "where": { "name": { "$like": text } }, "search": text }),
            )
            .await
            .unwrap();
    }
    assert_eq!(
        usize::try_from(world.number("SELECT COUNT(*) FROM thing").await).unwrap(),
        texts.len()
    );
}

#[tokio::test]
async fn names_are_looked_up_and_not_written() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    world.create("thing", json!({ "name": "a" })).await.unwrap();
    let mut random = SmallRng::seed_from_u64(seed());
    let mut texts: Vec<String> = WICKED.iter().map(|&text| text.to_owned()).collect();
    texts.extend((0..200).map(|_| text(&mut random)));
    for text in &texts {
        for query in [
            json!({ "where": { text: 1 } }),
            json!({ "where": [text, "=", 1] }),
            json!({ "where": ["name", text, 1] }),
            json!({ "where": { "name": { format!("${text}"): 1 } } }),
            json!({ "where": { "name": { "$gt": { "$field": text } } } }),
            json!({ "orderBy": [{ "field": text }] }),
            json!({ "orderBy": [{ "field": "name", "order": text }] }),
            json!({ "fields": [text] }),
            json!({ "expand": { text: {} } }),
            json!({ "groupBy": [text] }),
            json!({ "aggregations": [{ "function": text, "field": "size", "alias": "x" }] }),
            json!({ "aggregations": [{ "function": "sum", "field": text, "alias": "x" }] }),
            json!({ "cursor": text }),
            json!({ "where": { text: { "$some": {} } } }),
            json!({ "groupBy": [{ "field": "created_at", "granularity": text }] }),
            json!({ "groupBy": [{ "field": "created_at", "granularity": "day", "timezone": format!("x{text}") }] }),
            json!({ "windowFunctions": [{ "function": text, "alias": "x" }] }),
            json!({ "windowFunctions": [{ "function": "sum", "field": text, "alias": "x" }] }),
            json!({ "windowFunctions": [{ "function": "rank", "alias": "x", "over": { "partitionBy": [text] } }] }),
            json!({ "windowFunctions": [{ "function": "sum", "field": "size", "alias": "x", "over": { "frame": { "start": text } } }] }),
            json!({ "joins": [{ "type": "inner", "object": text, "on": { "name": { "$field": format!("{text}.id") } } }] }),
            json!({ "search": { "query": "a", "fields": [text] } }),
        ] {
            let error = match world.query("thing", query.clone()).await {
                Ok(found) => panic!("{query}: {found}"),
                Err(error) => error,
            };
            assert!(
                !matches!(error.code(), "database_error" | "internal_error"),
                "{query}: {error}"
            );
        }
        let alias = json!({ "aggregations": [{ "function": "count", "alias": text }], "groupBy": [{ "field": "name", "alias": format!("g{text}") }] });
        let found: Value = world.query("thing", alias).await.unwrap();
        let window = json!({ "fields": ["name"], "windowFunctions": [{ "function": "row_number", "alias": text }] });
        let windows: Value = world.query("thing", window).await.unwrap();
        assert_eq!(windows["records"][0][text.as_str()], 1, "{text:?}");
        assert_eq!(found["records"][0][text.as_str()], 1, "{text:?}");
        assert!(world.create(text, json!({ "name": "x" })).await.is_err());
        assert!(world.create("thing", json!({ text.as_str(): "x" })).await.is_err());
        assert!(world.get("thing", text).await.is_err());
        // A query string of rubbish is an error of the query, not of the database.
        if let Ok(query) = from_query_string(text)
            && let Err(error) = world.engine.find(&world.local, "thing", query).await
        {
            assert!(
                !matches!(error.code(), "database_error" | "internal_error"),
                "{text:?}: {error}"
            );
        }
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
}
