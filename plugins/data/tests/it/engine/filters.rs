//! What filters mean, in every form they are written in, nulls included.

use objectos_data::query::from_query_string;
use serde_json::{Value, json};

use crate::world::{World, failure};

const THING: &str = "
name: thing
fields:
  name: { type: text }
  note: { type: text, searchable: true }
  size: { type: number }
  other: { type: number }
  price: { type: currency, scale: 2 }
  done: { type: boolean }
  day: { type: date }
  at: { type: datetime }
  clock: { type: time }
  stage: { type: select, options: [{ label: Open, value: open_it }, { label: Shut, value: shut_it }] }
  tags: { type: tags }
  place: { type: location }
";

async fn world() -> World {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let records = [
        json!({ "id": "1", "name": "a", "note": "100% Wool", "size": 1, "other": 2, "price": 9.99, "done": true, "day": "2026-01-01",
                "at": "2026-01-01T10:00:00Z", "clock": "09:30", "stage": "open_it", "tags": ["red", "blue"] }),
        json!({ "id": "2", "name": "b", "note": "100 wool", "size": 2, "other": 2, "price": 20, "done": false, "day": "2026-02-01",
                "at": "2026-02-01T10:00:00Z", "clock": "10:30", "stage": "shut_it", "tags": ["red"] }),
        json!({ "id": "3", "name": "c", "note": "a_b", "size": 3, "other": 1, "price": 20.5, "done": false, "day": "2026-03-01",
                "at": "2026-03-01T10:00:00Z", "clock": "11:30", "stage": "open_it", "tags": [] }),
        json!({ "id": "4", "name": "n", "place": { "latitude": 1, "longitude": 2 } }),
    ];
    for record in records {
        world.create("thing", record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn operators() {
    let world = world().await;
    let cases = [
        (json!({ "size": 2 }), "b"),
        (json!({ "size": { "$eq": 2 } }), "b"),
        (json!({ "size": "2" }), "b"),
        (json!({ "size": null }), "n"),
        (json!({ "size": { "$eq": null } }), "n"),
        (json!({ "size": { "$ne": null } }), "a b c"),
        (json!({ "size": { "$ne": 2 } }), "a c n"),
        (json!({ "size": { "$gt": 1 } }), "b c"),
        (json!({ "size": { "$gte": 2 } }), "b c"),
        (json!({ "size": { "$lt": 2 } }), "a"),
        (json!({ "size": { "$lte": 2, "$gt": 1 } }), "b"),
        (json!({ "size": { "$gt": null } }), ""),
        (json!({ "size": { "$in": [1, 3, 99] } }), "a c"),
        (json!({ "size": { "$in": [1, null] } }), "a n"),
        (json!({ "size": { "$in": [] } }), ""),
        (json!({ "size": { "$nin": [1, 3] } }), "b n"),
        (json!({ "size": { "$nin": [1, null] } }), "b c"),
        (json!({ "size": { "$nin": [] } }), "a b c n"),
        (json!({ "size": { "$between": [2, 3] } }), "b c"),
        (json!({ "size": { "$between": [null, 1] } }), "a"),
        (json!({ "size": { "$null": true } }), "n"),
        (json!({ "size": { "$null": false } }), "a b c"),
        (json!({ "size": { "$exists": true } }), "a b c"),
        (json!({ "size": { "$exists": false } }), "n"),
        (json!({ "note": { "$contains": "wool" } }), "b"),
        (json!({ "note": { "$contains": "%" } }), "a"),
        (json!({ "note": { "$contains": "_" } }), "c"),
        (json!({ "note": { "$icontains": "WOOL" } }), "a b"),
        (json!({ "note": { "$notContains": "wool" } }), "a c n"),
        (json!({ "note": { "$startsWith": "100" } }), "a b"),
        (json!({ "note": { "$startsWith": "a" } }), "c"),
        (json!({ "note": { "$endsWith": "ool" } }), "a b"),
        (json!({ "note": { "$endsWith": "Wool" } }), "a"),
        (json!({ "note": { "$like": "100%wool" } }), "b"),
        (json!({ "note": { "$like": "a\\_b" } }), "c"),
        (json!({ "note": { "$like": "_\\__" } }), "c"),
        (json!({ "note": { "$ilike": "%WOOL" } }), "a b"),
        (json!({ "note": { "$empty": true } }), "n"),
        (json!({ "note": { "$empty": false } }), "a b c"),
        (json!({ "$not": { "size": 2 } }), "a c n"),
        (json!({ "$not": { "size": { "$gt": 1 } } }), "a n"),
        (json!({ "size": { "$not": { "$gt": 1 } } }), "a n"),
        (json!({ "$or": [{ "size": 1 }, { "size": 3 }] }), "a c"),
        (
            json!({ "$and": [{ "size": { "$gt": 1 } }, { "done": false }], "stage": "open_it" }),
            "c",
        ),
        (json!({ "$nor": [{ "size": 1 }, { "size": 3 }] }), "b n"),
        (json!({ "size": { "$gt": { "$field": "other" } } }), "c"),
        (json!({ "size": { "$eq": { "$field": "other" } } }), "b n"),
        (json!({ "size": { "$ne": { "$field": "other" } } }), "a c"),
        (json!({ "price": 9.99 }), "a"),
        (json!({ "price": { "$gte": 20, "$lt": 20.5 } }), "b"),
        (json!({ "done": true }), "a"),
        (json!({ "done": "false" }), "b c"),
        (json!({ "done": 0 }), "b c"),
        (json!({ "day": "2026-02-01" }), "b"),
        (json!({ "day": { "$gt": "2026-01-15" } }), "b c"),
        (json!({ "at": { "$gte": "2026-02-01T11:00:00+01:00" } }), "b c"),
        (json!({ "at": { "$between": ["2026-01-01", "2026-01-31"] } }), "a"),
        (json!({ "clock": { "$lt": "10:30:00" } }), "a"),
        (json!({ "stage": { "$in": ["open_it"] } }), "a c"),
        (json!({ "tags": "red" }), "a b"),
        (json!({ "tags": { "$contains": "blue" } }), "a"),
        (json!({ "tags": { "$in": ["blue", "green"] } }), "a"),
        (json!({ "tags": { "$notContains": "blue" } }), "b c n"),
        (json!({ "tags": { "$in": [null] } }), "n"),
        (json!({ "tags": { "$in": ["blue", null] } }), "a n"),
        (json!({ "tags": { "$nin": ["blue"] } }), "b c n"),
        (json!({ "tags": { "$nin": ["blue", null] } }), "b c"),
        (json!({ "tags": { "$nin": [null] } }), "a b c"),
        (json!({ "tags": ["red"] }), "b"),
        (json!({ "tags": { "$empty": true } }), "c n"),
        (json!({ "place": { "$exists": true } }), "n"),
        (json!({ "createdAt": { "$gt": "2020-01-01" } }), "a b c n"),
        (json!({}), "a b c n"),
        (json!([]), "a b c n"),
        (json!(["size", "=", 2]), "b"),
        (json!(["size", "!=", 2]), "a c n"),
        (json!(["size", ">=", "2"]), "b c"),
        (json!(["size", "IN", [1, 2]]), "a b"),
        (json!(["size", "not in", [1, 2]]), "c n"),
        (json!(["size", "between", 2, 3]), "b c"),
        (json!(["size", "is_null"]), "n"),
        (json!(["size", "is_not_null"]), "a b c"),
        (json!(["size", "is_null", false]), "a b c"),
        (json!(["note", "like", "%wool"]), "b"),
        (json!(["note", "is_not_empty"]), "a b c"),
        (json!(["note", "starts_with", "100"]), "a b"),
        (json!(["and", ["size", ">", 1], ["done", "=", false]]), "b c"),
        (json!(["or", ["size", "=", 1], ["size", "=", 3]]), "a c"),
        (json!(["not", ["size", "=", 1]]), "b c n"),
        (json!([["size", ">", 1], ["stage", "=", "open_it"]]), "c"),
        (
            json!([["size", "=", 1], "or", ["size", "=", 3], "and", ["done", "=", true]]),
            "a",
        ),
        (json!([{ "size": 1 }, "or", ["size", "=", 2]]), "a b"),
        (json!(["day", "after", "2026-02-01"]), "c"),
    ];
    for (filter, expected) in cases {
        let found = world
            .names("thing", filter.clone())
            .await
            .unwrap_or_else(|error| panic!("{filter}: {error}"));
        assert_eq!(found.join(" "), expected, "{filter}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_the_right_code() {
    let world = world().await;
    let cases = [
        (json!({ "sise": 1 }), "invalid_field", "did you mean 'size'"),
        (json!({ "size": { "$gtt": 1 } }), "invalid_filter", "did you mean '$gt'"),
        (json!({ "$all": [] }), "invalid_filter", "unknown operator '$all'"),
        (json!({ "$or": {} }), "invalid_filter", "$or takes a list"),
        (json!({ "size": "abc" }), "invalid_filter", "'size' is a number"),
        (json!({ "size": [1, 2] }), "invalid_filter", "use $in for a list"),
        (
            json!({ "size": { "$contains": "1" } }),
            "invalid_filter",
            "$contains does not work on 'size'",
        ),
        (json!({ "done": "perhaps" }), "invalid_filter", "true or false"),
        (json!({ "day": "soon" }), "invalid_filter", "a date"),
        (
            json!({ "place": { "$gt": 1 } }),
            "invalid_filter",
            "does not work on 'place'",
        ),
        (
            json!({ "size": { "$gt": { "$field": "name" } } }),
            "invalid_filter",
            "cannot be compared",
        ),
        (json!({ "size": { "$null": "x" } }), "invalid_filter", "true or false"),
        (
            json!(["size", "greater", 1]),
            "invalid_filter",
            "unknown operator 'greater'",
        ),
        (json!(["size", "="]), "invalid_filter", "does not take 0 values"),
        (json!("size = 1"), "invalid_filter", "an object or a list"),
        (
            json!([["size", "=", 1], "xor", ["size", "=", 2]]),
            "invalid_filter",
            "'xor'",
        ),
        (json!({ "name.size": 1 }), "invalid_field", "name.size"),
    ];
    for (filter, code, part) in cases {
        let (found, message) = failure(world.names("thing", filter.clone()).await);
        assert_eq!(found, code, "{filter}: {message}");
        assert!(message.contains(part), "{filter}: {message}");
    }
}

#[tokio::test]
async fn query_strings() {
    let world = world().await;
    let names = async |query: &str| -> Result<String, String> {
        let input = from_query_string(query).map_err(|error| error.code().to_owned())?;
        let found = world
            .engine
            .find(&world.local, "thing", input)
            .await
            .map_err(|error| error.code().to_owned())?;
        let records: Vec<Value> = serde_json::from_slice(&found.records).unwrap();
        Ok(records
            .iter()
            .map(|record| record["name"].as_str().unwrap_or("-").to_owned())
            .collect::<Vec<_>>()
            .join(" "))
    };
    let cases = [
        ("", Ok("a b c n")),
        ("size=2", Ok("b")),
        ("done=false&stage=open_it", Ok("c")),
        ("top=2&sort=-size", Ok("c b")),
        ("limit=1&skip=1&orderBy=size%20desc", Ok("b")),
        ("$top=1&$orderby=name", Ok("a")),
        (
            "sort=%5B%7B%22field%22%3A%22size%22%2C%22order%22%3A%22desc%22%7D%5D&top=1",
            Ok("c"),
        ),
        ("sort=size", Ok("n a b c")),
        ("filter=%5B%22size%22%2C%22%3E%22%2C1%5D", Ok("b c")),
        ("filters=%5B%22size%22%2C%22%3E%22%2C1%5D", Ok("b c")),
        ("where=%7B%22size%22%3A1%7D&size=2", Ok("a")),
        ("note=100+wool", Ok("b")),
        ("tags=red", Ok("a b")),
        ("search=WOOL", Ok("a b")),
        ("top=0", Ok("")),
        ("filter=%7Bbroken", Err("invalid_filter")),
        ("filter=%5B%22size%22%2C%22~%22%2C1%5D", Err("invalid_filter")),
        ("colour=red", Err("invalid_field")),
        ("sort=colour", Err("invalid_sort")),
        ("sort=size%20down", Err("invalid_sort")),
        ("sort=place", Err("invalid_sort")),
        ("top=x", Err("invalid_query")),
        ("$tup=1", Err("invalid_query")),
        ("select=name,colour", Err("invalid_field")),
        ("note=%ff", Err("invalid_query")),
    ];
    for (query, expected) in cases {
        let found = names(query).await;
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{query}");
    }
}

#[tokio::test]
async fn limits_on_depth_and_size() {
    let world = world().await;
    let mut deep = json!({ "size": 1 });
    for _ in 0..40 {
        deep = json!({ "$and": [deep] });
    }
    assert_eq!(failure(world.names("thing", deep).await).0, "invalid_filter");
    let wide = json!({ "$or": vec![json!({ "size": 1 }); 600] });
    assert_eq!(failure(world.names("thing", wide).await).0, "invalid_filter");
    let long = json!({ "size": { "$in": vec![1; 1_001] } });
    assert_eq!(failure(world.names("thing", long).await).0, "invalid_filter");
    for operator in ["$like", "$ilike"] {
        let longest = format!("{}%", "a".repeat(49_999));
        let filter = json!({ "name": { operator: longest } });
        assert_eq!(world.names("thing", filter).await.unwrap(), [""; 0], "{operator}");
        // Some characters are written as three.
        for pattern in ["a".repeat(50_001), "*".repeat(17_000)] {
            let filter = json!({ "name": { operator: pattern } });
            let (code, message) = failure(world.names("thing", filter).await);
            assert_eq!(code, "invalid_filter", "{message}");
            assert!(message.contains("longer than 50000 bytes"), "{message}");
        }
    }
    let whole = json!({ "name": "a".repeat(60_000) });
    assert_eq!(world.names("thing", whole).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn words_are_searched_in_searchable_fields() {
    let world = world().await;
    let count = async |search: Value| {
        world
            .query("thing", json!({ "search": search }))
            .await
            .map(|found| found["total"].clone())
    };
    assert_eq!(count(json!("wool")).await.unwrap(), 2);
    // Marks are no part of a word.
    assert_eq!(
        count(json!({ "query": "100% wool", "operator": "and" })).await.unwrap(),
        2
    );
    assert_eq!(
        count(json!({ "query": "wool a_b", "operator": "or" })).await.unwrap(),
        3
    );
    assert_eq!(count(json!({ "query": "a", "fields": ["name"] })).await.unwrap(), 1);
    assert_eq!(
        failure(count(json!({ "query": "a", "fields": ["nome"] })).await).0,
        "invalid_field"
    );
    assert_eq!(
        failure(count(json!({ "query": "a", "fields": ["size"] })).await).0,
        "invalid_query"
    );
    let many = vec!["word"; 40].join(" ");
    assert_eq!(failure(count(json!(many)).await).0, "invalid_query");
}

/// Every spelling of the array form, one by one, against the object form.
#[tokio::test]
async fn spellings_of_the_array_form() {
    let world = world().await;
    let spellings = [
        ("= == === eq equals equal is", json!({ "size": 2 }), json!(2)),
        (
            "!= !== <> ne neq not_equals not_equal notequals is_not",
            json!({ "size": { "$ne": 2 } }),
            json!(2),
        ),
        (
            "> gt greater_than greaterthan after",
            json!({ "size": { "$gt": 2 } }),
            json!(2),
        ),
        (
            ">= gte ge greater_than_or_equal greater_or_equal on_or_after",
            json!({ "size": { "$gte": 2 } }),
            json!(2),
        ),
        (
            "< lt less_than lessthan before",
            json!({ "size": { "$lt": 2 } }),
            json!(2),
        ),
        (
            "<= lte le less_than_or_equal less_or_equal on_or_before",
            json!({ "size": { "$lte": 2 } }),
            json!(2),
        ),
        ("in any_of", json!({ "size": { "$in": [1, 2] } }), json!([1, 2])),
        (
            "nin not_in notin none_of",
            json!({ "size": { "$nin": [1, 2] } }),
            json!([1, 2]),
        ),
        ("between", json!({ "size": { "$between": [1, 2] } }), json!([1, 2])),
        (
            "contains includes",
            json!({ "note": { "$contains": "00" } }),
            json!("00"),
        ),
        (
            "notcontains not_contains does_not_contain",
            json!({ "note": { "$notContains": "00" } }),
            json!("00"),
        ),
        ("icontains", json!({ "note": { "$icontains": "WOOL" } }), json!("WOOL")),
        (
            "startswith starts_with begins_with",
            json!({ "note": { "$startsWith": "100" } }),
            json!("100"),
        ),
        (
            "endswith ends_with",
            json!({ "note": { "$endsWith": "wool" } }),
            json!("wool"),
        ),
        ("like", json!({ "note": { "$like": "100%" } }), json!("100%")),
        ("ilike", json!({ "note": { "$ilike": "%WOOL" } }), json!("%WOOL")),
        ("is_null isnull null", json!({ "note": null }), Value::Null),
        (
            "is_not_null isnotnull not_null notnull exists",
            json!({ "note": { "$ne": null } }),
            Value::Null,
        ),
        (
            "is_empty isempty empty",
            json!({ "note": { "$empty": true } }),
            Value::Null,
        ),
        (
            "is_not_empty isnotempty not_empty",
            json!({ "note": { "$empty": false } }),
            Value::Null,
        ),
    ];
    let mut count = 0;
    for (names, object, value) in spellings {
        let field = object.as_object().unwrap().keys().next().unwrap().clone();
        let expected = world.names("thing", object.clone()).await.unwrap();
        for name in names.split(' ') {
            for spelling in [name.to_owned(), name.to_ascii_uppercase(), name.replace('_', " ")] {
                let array = json!([field, spelling, value]);
                assert_eq!(
                    world.names("thing", array.clone()).await.unwrap(),
                    expected,
                    "{array} and {object}"
                );
            }
            count += 1;
        }
    }
    assert!(count >= 53, "{count} spellings");
}

#[tokio::test]
async fn parts_of_documents() {
    const SITE: &str = "
name: site
fields:
  name: { type: text }
  home: { type: address }
  place: { type: location }
  plan: { type: file }
  data: { type: json }
  size: { type: composite, fields: { width: { type: number }, built: { type: date }, open: { type: boolean } } }
  near: { type: lookup, reference: site }
";
    let world = World::new(&[("site.object.yml", SITE)]).await;
    for record in [
        json!({ "id": "a", "name": "a", "home": { "city": "Berlin", "postalCode": "10115" }, "place": { "latitude": 52.5, "longitude": 13.4 },
                "plan": { "name": "a.pdf", "size": 10 }, "data": { "k": "x", "deep": { "n": 1 } },
                "size": { "width": 3, "built": "2026-01-01", "open": true } }),
        json!({ "id": "b", "name": "b", "home": { "city": "aachen" }, "place": { "latitude": 50, "longitude": 6 }, "near": "a",
                "plan": { "name": "b.pdf", "size": 9 }, "data": { "k": 5, "deep": { "n": 2.5 } },
                "size": { "width": 20, "built": "2025-01-01", "open": false } }),
        json!({ "id": "c", "name": "c", "home": { "street": "x" }, "data": { "k": true, "list": ["x"] } }),
        json!({ "id": "d", "name": "d", "data": ["k"] }),
    ] {
        world.create("site", record).await.unwrap();
    }
    for (filter, expected) in [
        (json!({ "home.city": "Berlin" }), "a"),
        (json!({ "home.city": { "$ne": "Berlin" } }), "b c d"),
        (json!({ "home.city": { "$in": ["Berlin", "aachen"] } }), "a b"),
        (json!({ "home.city": { "$icontains": "BER" } }), "a"),
        (json!({ "home.city": { "$startsWith": "aa" } }), "b"),
        (json!({ "home.city": null }), "c d"),
        (json!({ "home.postalCode": { "$exists": true } }), "a"),
        (json!({ "near.home.city": "Berlin" }), "b"),
        (json!({ "place.latitude": { "$gt": 51 } }), "a"),
        (json!({ "place.latitude": { "$between": [50, 51] } }), "b"),
        (json!({ "plan.size": { "$lt": 10 } }), "b"),
        (json!({ "plan.name": "a.pdf" }), "a"),
        (json!({ "data.k": "x" }), "a"),
        (json!({ "data.k": 5 }), "b"),
        (json!({ "data.k": "5" }), ""),
        (json!({ "data.k": true }), "c"),
        (json!({ "data.k": { "$in": ["x", "y"] } }), "a"),
        (json!({ "data.k": { "$exists": true } }), "a b c"),
        (json!({ "data.k": null }), "d"),
        (json!({ "data.deep.n": { "$gte": 1 } }), "a b"),
        (json!({ "data.deep.n": 2.5 }), "b"),
        (json!({ "data.list": { "$exists": true } }), "c"),
        (json!({ "size.width": { "$gt": 3 } }), "b"),
        (json!({ "size.built": { "$lt": "2026-01-01" } }), "b"),
        (json!({ "size.open": false }), "b"),
    ] {
        assert_eq!(
            world.names("site", filter.clone()).await.unwrap().join(" "),
            expected,
            "{filter}"
        );
    }
    for (order, expected) in [
        ("home.city", json!(["c", "d", "a", "b"])),
        ("-place.latitude", json!(["a", "b", "d", "c"])),
        ("size.width", json!(["c", "d", "a", "b"])),
    ] {
        let mut names = Vec::new();
        let mut cursor = Value::Null;
        // Page by page, so that cursors over parts are tried as well.
        for _ in 0..4 {
            let query = json!({ "sort": order, "fields": ["name"], "limit": 1, "cursor": cursor });
            let found = world.query("site", query).await.unwrap();
            names.push(found["records"][0]["name"].clone());
            cursor = found["nextCursor"].clone();
        }
        assert_eq!(Value::from(names), expected, "{order}");
    }
    let query = json!({ "groupBy": ["home.city"], "aggregations": [{ "function": "max", "field": "place.latitude", "alias": "north" }] });
    let found = world.query("site", query).await.unwrap();
    assert_eq!(
        found["records"],
        json!([{ "home.city": null, "north": null }, { "home.city": "Berlin", "north": 52.5 }, { "home.city": "aachen", "north": 50 }])
    );
    let query = json!({ "fields": ["home.city", "size.open"], "distinct": true, "sort": "home.city" });
    let found = world.query("site", query).await.unwrap();
    assert_eq!(
        (&found["records"], &found["total"]),
        (
            &json!([
                { "home.city": null, "size.open": null }, { "home.city": "Berlin", "size.open": true },
                { "home.city": "aachen", "size.open": false },
            ]),
            &json!(3)
        )
    );
    for (query, code) in [
        (json!({ "where": { "home.town": "x" } }), "invalid_field"),
        (json!({ "where": { "data.0": "x" } }), "invalid_field"),
        (json!({ "where": { "data.k": { "$eq": [["x"]] } } }), "invalid_filter"),
        (json!({ "sort": "data.k" }), "invalid_sort"),
        (json!({ "groupBy": ["data.k"] }), "invalid_query"),
        (json!({ "fields": ["home.city"] }), "invalid_field"),
    ] {
        let (found, message) = failure(world.query("site", query.clone()).await);
        assert_eq!(found, code, "{query}: {message}");
    }
}
