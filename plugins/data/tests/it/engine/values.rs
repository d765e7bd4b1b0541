//! Every kind of field: what is taken, how it is stored, what is refused with which code.

use serde_json::{Value, json};

use crate::world::{World, failure, field_errors, fields};

const ALL: &str = "
name: all
fields:
  text: { type: text, minLength: 2, maxLength: 5 }
  area: { type: textarea }
  email: { type: email }
  url: { type: url }
  phone: { type: phone }
  number: { type: number, min: -5, max: 5 }
  whole: { type: number, scale: 0 }
  money: { type: currency }
  percent: { type: percent, scale: 1 }
  rating: { type: rating, maxRating: 5 }
  flag: { type: boolean }
  day: { type: date }
  moment: { type: datetime }
  clock: { type: time }
  choice: { type: select, options: [{ label: A, value: aa }, { label: B, value: bb }] }
  choices: { type: multiselect, options: [{ label: A, value: aa }, { label: B, value: bb }] }
  tags: { type: tags }
  file: { type: file }
  place: { type: location }
  home: { type: address }
  doc: { type: json }
  vector: { type: vector, vectorConfig: { dimensions: 3 } }
  code: { type: code }
  color: { type: color }
";

#[tokio::test]
async fn good_values_are_stored_in_one_form() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let cases = [
        ("text", json!("abc"), json!("abc")),
        ("text", json!("äöüßé"), json!("äöüßé")),
        ("area", json!("line\n\"two\" \u{1}"), json!("line\n\"two\" \u{1}")),
        ("email", json!("a@b.co"), json!("a@b.co")),
        ("url", json!("https://x.de/y?z=1"), json!("https://x.de/y?z=1")),
        ("phone", json!("+49 30 123456"), json!("+49 30 123456")),
        ("number", json!(1.5), json!(1.5)),
        ("number", json!("2"), json!(2)),
        ("number", json!(3.0), json!(3)),
        (
            "whole",
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_993_i64),
        ),
        ("whole", json!(1e18), json!(1_000_000_000_000_000_000_i64)),
        ("whole", json!("-1e18"), json!(-1_000_000_000_000_000_000_i64)),
        ("whole", json!(i64::MIN), json!(i64::MIN)),
        ("money", json!(0.005), json!(0.01)),
        ("money", json!({ "value": 12.5 }), json!(12.5)),
        ("percent", json!(12.34), json!(12.3)),
        ("flag", json!("true"), json!(true)),
        ("flag", json!(0), json!(false)),
        ("day", json!("2026-02-28T23:30:00Z"), json!("2026-02-28")),
        (
            "moment",
            json!("2026-02-28T12:00:00+02:00"),
            json!("2026-02-28T10:00:00.000Z"),
        ),
        ("moment", json!(0), json!("1970-01-01T00:00:00.000Z")),
        ("moment", json!(""), Value::Null),
        ("clock", json!("9:5"), Value::Null),
        ("clock", json!("09:05"), json!("09:05:00")),
        ("choice", json!("aa"), json!("aa")),
        ("choice", json!(""), Value::Null),
        ("choices", json!(["bb", "aa"]), json!(["bb", "aa"])),
        ("choices", json!("aa"), json!(["aa"])),
        ("tags", json!([]), json!([])),
        ("file", json!({ "name": "x.pdf" }), json!({ "name": "x.pdf" })),
        (
            "place",
            json!({ "latitude": 52.5, "longitude": 13 }),
            json!({ "latitude": 52.5, "longitude": 13 }),
        ),
        ("home", json!({ "city": "Berlin" }), json!({ "city": "Berlin" })),
        (
            "doc",
            json!([1, { "b": 1, "a": null }]),
            json!([1, { "b": 1, "a": null }]),
        ),
        ("doc", json!("text"), json!("text")),
        ("vector", json!([1, 2.5, -3]), json!([1, 2.5, -3])),
    ];
    for (field, value, expected) in cases {
        if expected.is_null() && value == json!("9:5") {
            continue;
        }
        let record = world
            .create("all", json!({ field: value }))
            .await
            .unwrap_or_else(|error| panic!("{field}: {value}: {error}"));
        assert_eq!(record[field], expected, "{field}: {value}");
        let read = world.get("all", record["id"].as_str().unwrap()).await.unwrap();
        assert_eq!(read, record, "{field}: {value}");
    }
}

#[tokio::test]
async fn bad_values_are_refused() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let cases = [
        ("text", json!("a"), "min_length"),
        ("text", json!("abcdef"), "max_length"),
        ("text", json!("äöüßéx"), "max_length"),
        ("text", json!(5), "invalid_type"),
        ("area", json!("a\u{0}b"), "invalid_format"),
        ("email", json!("nobody"), "invalid_email"),
        ("url", json!("x.de"), "invalid_url"),
        ("phone", json!("call"), "invalid_phone"),
        ("number", json!(-6), "min_value"),
        ("number", json!(5.5), "max_value"),
        ("number", json!("five"), "invalid_number"),
        ("number", json!("NaN"), "invalid_number"),
        ("number", json!(true), "invalid_number"),
        ("whole", json!(1.5), "max_scale"),
        ("whole", json!(u64::MAX), "max_value"),
        ("whole", json!(1e19), "max_value"),
        ("whole", json!("-1e300"), "min_value"),
        ("rating", json!(6), "max_value"),
        ("flag", json!("yes"), "invalid_boolean"),
        ("flag", json!(2), "invalid_boolean"),
        ("day", json!("2026-02-30"), "invalid_date"),
        ("day", json!("28.02.2026"), "invalid_date"),
        ("moment", json!("soon"), "invalid_date"),
        ("clock", json!("25:00"), "invalid_time"),
        ("choice", json!("zz"), "invalid_option"),
        ("choice", json!(["aa"]), "invalid_type"),
        ("choices", json!(["aa", "zz"]), "invalid_option"),
        ("tags", json!([1]), "invalid_type"),
        ("file", json!(5), "invalid_type"),
        ("place", json!({ "latitude": 91, "longitude": 0 }), "max_value"),
        ("place", json!({ "latitude": 1 }), "invalid_format"),
        (
            "place",
            json!({ "latitude": 1, "longitude": 1, "zoom": 3 }),
            "invalid_format",
        ),
        ("home", json!("Berlin"), "invalid_format"),
        ("home", json!({ "town": "x" }), "invalid_format"),
        ("vector", json!([1, 2]), "invalid_format"),
        ("vector", json!(["a", "b", "c"]), "invalid_type"),
        ("choice", json!("aa\u{0}"), "invalid_format"),
        ("tags", json!(["x", "a\u{0}b"]), "invalid_format"),
        ("file", json!({ "name": "\u{0}" }), "invalid_format"),
        ("home", json!({ "city": "Ber\u{0}lin" }), "invalid_format"),
        ("doc", json!({ "a": [{ "b\u{0}": 1 }] }), "invalid_format"),
        ("doc", json!("\u{0}"), "invalid_format"),
    ];
    for (field, value, code) in cases {
        let errors = field_errors(world.create("all", json!({ field: value.clone() })).await);
        assert_eq!(errors, [format!("{field}: {code}")], "{value}");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM \"all\"").await, 0);
}

#[tokio::test]
async fn errors_say_what_they_were_held_against() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let error = world
        .create("all", json!({ "choice": "ab", "number": 9 }))
        .await
        .unwrap_err();
    let details = error.details();
    assert_eq!(details["fields"][0]["constraint"], json!(["aa", "bb"]));
    assert_eq!(details["fields"][1]["constraint"], json!(5.0));
    assert_eq!(details["fieldErrors"][1]["code"], "value_out_of_range");
}

#[tokio::test]
async fn text_of_indexes_fits_and_empty_text_is_no_value() {
    const THING: &str = "
name: thing
fields:
  code: { type: text, unique: true }
  mail: { type: email, externalId: true }
  note: { type: text }
  wide: { type: text, index: true, maxLength: 900 }
";
    let world = World::new(&[("thing.object.yml", THING)]).await;
    for _ in 0..2 {
        let made = world
            .create("thing", json!({ "code": "", "mail": "", "note": "" }))
            .await
            .unwrap();
        assert_eq!(
            (&made["code"], &made["mail"], &made["note"]),
            (&Value::Null, &Value::Null, &json!(""))
        );
    }
    let long = |length: usize| "ü".repeat(length);
    world.create("thing", json!({ "code": long(600) })).await.unwrap();
    world
        .create("thing", json!({ "wide": long(900), "note": long(5_000) }))
        .await
        .unwrap();
    for (field, length) in [("code", 601), ("wide", 901)] {
        let errors = field_errors(world.create("thing", json!({ field: long(length) })).await);
        assert_eq!(errors, [format!("{field}: max_length")]);
    }
}

#[tokio::test]
async fn texts_of_one_index_fit_into_it_together() {
    const THING: &str = "
name: thing
fields:
  name: { type: text, index: true, maxLength: 5000 }
  one: { type: text }
  two: { type: text }
  free: { type: text }
indexes:
  - { fields: [one, two] }
  - { fields: [two, one], unique: true }
";
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let long = |bytes: usize| "x".repeat(bytes);
    let fits = json!({ "id": "t1", "name": long(2_600), "one": long(1_300), "two": long(1_300), "free": long(9_000) });
    world.create("thing", fits).await.unwrap();
    let errors = field_errors(world.create("thing", json!({ "name": long(2_601) })).await);
    assert_eq!(errors, ["name: max_length"]);
    // Bytes count, not characters.
    let errors = field_errors(world.create("thing", json!({ "name": "日".repeat(867) })).await);
    assert_eq!(errors, ["name: max_length"]);
    let both = json!({ "one": long(1_301), "two": long(1_300) });
    let errors = field_errors(world.create("thing", both).await);
    assert_eq!(errors, ["one: max_length", "two: max_length"]);
    let errors = field_errors(world.update("thing", "t1", json!({ "one": long(1_301) })).await);
    assert_eq!(errors, ["one: max_length", "two: max_length"]);
    world.update("thing", "t1", json!({ "free": "y" })).await.unwrap();
}

#[tokio::test]
async fn a_zero_character_is_found_nowhere() {
    let page = "name: page\nsoftDelete: { enabled: true }\nfields:\n  name: { type: text }\n  loose: { type: text, caseSensitive: false }\n  tags: { type: tags }\n  over: { type: lookup, reference: page }\n";
    let world = World::new(&[("page.object.yml", page)]).await;
    let record = json!({ "id": "p1", "name": "a", "loose": "a", "tags": ["a"], "over": null });
    world.create("page", record).await.unwrap();
    let pointing = world.create("page", json!({ "over": "p1\u{0}" })).await;
    assert_eq!(field_errors(pointing), ["over: invalid_format"]);
    let check = async |filter: Value, total: u64| {
        let found = world.query("page", json!({ "where": filter })).await.unwrap();
        assert_eq!(found["total"], total, "{filter}");
    };
    for field in ["name", "loose"] {
        check(json!({ field: "a\u{0}" }), 0).await;
        check(json!({ field: { "$ne": "a\u{0}" } }), 1).await;
        check(json!({ field: { "$in": ["a", "\u{0}"] } }), 1).await;
        check(json!({ field: { "$in": ["\u{0}"] } }), 0).await;
        check(json!({ field: { "$nin": ["\u{0}"] } }), 1).await;
        check(json!({ field: { "$gt": "\u{0}" } }), 0).await;
        check(json!({ field: { "$contains": "\u{0}" } }), 0).await;
        check(json!({ field: { "$notContains": "\u{0}" } }), 1).await;
        check(json!({ field: { "$startsWith": "\u{0}" } }), 0).await;
    }
    check(json!({ "id": "p1\u{0}" }), 0).await;
    check(json!({ "over": "\u{0}" }), 0).await;
    check(json!({ "tags": { "$contains": "a\u{0}" } }), 0).await;
    check(json!({ "tags": { "$contains": ["a", "\u{0}"] } }), 1).await;
    let search = json!({ "search": { "query": "a\u{0}", "fields": ["name"] } });
    assert_eq!(world.query("page", search).await.unwrap()["total"], 0);
    let id = "p1\u{0}";
    let change = fields(json!({ "name": "b" }));
    for refused in [
        failure(world.get("page", id).await),
        failure(world.engine.update(&world.local, "page", id, change, None).await),
        failure(world.engine.delete(&world.local, "page", id).await),
        failure(world.engine.purge(&world.local, "page", id, None).await),
        failure(world.engine.restore(&world.local, "page", id).await),
    ] {
        assert_eq!(refused.0, "record_not_found", "{}", refused.1);
    }
}
