//! Cases of the validator.

use serde_json::{Value, json};

use super::{call, outcome};
use crate::app_support::try_load;
use crate::world::World;

/// An object with these fields and rules; makes a record of each value and compares what is wrong with it.
async fn check(definition: &str, cases: &[(Value, &str)]) {
    let world = World::new(&[("case.object.yml", definition)]).await;
    for (record, expected) in cases {
        assert_eq!(
            outcome(&world, "POST case", record.clone()).await,
            *expected,
            "{record}"
        );
    }
}

#[tokio::test]
async fn required_missing_null_and_empty() {
    check(
        "name: case\nfields:\n  name: { type: text, required: true }\n  tags: { type: tags, required: true }\n",
        &[
            (json!({}), "name: required, tags: required"),
            (json!({ "name": null, "tags": [] }), "name: required, tags: required"),
            (json!({ "name": " ", "tags": ["a"] }), "name: required"),
            (json!({ "name": "x", "tags": ["a"] }), "201"),
        ],
    )
    .await;
}

#[tokio::test]
async fn email_good_and_bad() {
    check(
        "name: case\nfields:\n  mail: { type: email }\n  other: { type: text, validation: { format: email, message: no mail } }\n",
        &[
            (json!({ "mail": "a@b.co", "other": "a@b.co" }), "201"),
            (json!({ "mail": "a@b" }), "mail: invalid_email"),
            (json!({ "other": "a@b" }), "other: invalid_format"),
        ],
    )
    .await;
}

#[tokio::test]
async fn length() {
    check(
        "name: case\nfields:\n  a: { type: text, validation: { min_length: 2, max_length: 3 } }\n  b: { type: text, max_length: 1 }\n",
        &[
            (json!({ "a": "x" }), "a: min_length"),
            (json!({ "a": "xxxx", "b": "xx" }), "a: max_length, b: max_length"),
            (json!({ "a": "xx", "b": "x" }), "201"),
        ],
    )
    .await;
}

#[tokio::test]
async fn range() {
    check(
        "name: case\nfields:\n  a: { type: number, validation: { min: 1, max: 9 } }\n  b: { type: number, min: 0 }\n",
        &[
            (json!({ "a": 0, "b": -1 }), "a: min_value, b: min_value"),
            (json!({ "a": 10 }), "a: max_value"),
            (json!({ "a": 9, "b": 0 }), "201"),
        ],
    )
    .await;
}

#[tokio::test]
async fn pattern_and_broken_pattern() {
    check(
        "name: case\nfields:\n  a: { type: text, validation: { pattern: '^[A-Z]{3}$' } }\n  b: { type: text, regex: '^x' }\n",
        &[
            (json!({ "a": "abc", "b": "y" }), "a: invalid_format, b: invalid_format"),
            (json!({ "a": "ABC", "b": "xy" }), "201"),
        ],
    )
    .await;
    let problems = try_load(&[(
        "case.object.yml",
        "name: case\nfields:\n  a: { type: text, regex: '[' }\n",
    )])
    .err()
    .unwrap();
    assert!(problems[0].contains("the pattern cannot be used"), "{problems:?}");
}

#[tokio::test]
async fn url_and_its_protocols() {
    check(
        "name: case\nfields:\n  a: { type: url }\n  b: { type: url, validation: { format: url, protocols: [ftp] } }\n  c: { type: text, validation: { format: url, protocols: [ftp, sftp] } }\n",
        &[
            (json!({ "a": "https://x.de", "b": "ftp://x.de", "c": "SFTP://x.de" }), "201"),
            (json!({ "a": "ftp://x.de" }), "a: invalid_url"),
            (json!({ "b": "https://x.de", "c": "https://x.de" }), "b: invalid_url, c: invalid_format"),
        ],
    )
    .await;
}

#[tokio::test]
async fn skip_empty_optional() {
    check(
        "name: case\nfields:\n  a: { type: email }\n  b: { type: text, minLength: 3, regex: '^x' }\n  c: { type: number, min: 5 }\n  d: { type: date }\n",
        &[
            (json!({ "a": "", "b": "", "c": "", "d": "" }), "201"),
            (json!({ "a": null, "b": null, "c": null, "d": null }), "201"),
        ],
    )
    .await;
}

#[tokio::test]
async fn cross_field_with_compare_to_and_fixed_values() {
    check(
        "
name: case
fields:
  start: { type: date }
  end: { type: date }
  amount: { type: number }
validation:
  rules:
    - { name: dates, type: cross_field, message: wrong, rule: { field: end, operator: '>=', compare_to: start } }
    - { name: amounts, type: cross_field, message: wrong, rule: { field: amount, operator: '<', value: 1000 } }
",
        &[
            (
                json!({ "start": "2026-02-02", "end": "2026-02-01" }),
                "end: rule_violation, start: rule_violation",
            ),
            (
                json!({ "start": "2026-02-02", "end": "2026-02-02", "amount": 999 }),
                "201",
            ),
            (json!({ "amount": 1000 }), "amount: rule_violation"),
        ],
    )
    .await;
}

const STATES: &str = "
name: case
fields:
  name: { type: text }
  status: { type: select, options: [draft, sent, done] }
validation:
  rules:
    - { name: states, type: state_machine, field: status, error_message: { en: no way, de: kein Weg }, initial_states: [draft], transitions: { draft: { allowed_next: [sent] }, sent: { allowed_next: [done, draft] }, done: { is_terminal: true } } }
";

#[tokio::test]
async fn state_machine_allowed_refused_unchanged() {
    let world = World::new(&[("case.object.yml", STATES)]).await;
    for (request, status, expected) in [
        ("POST case", "sent", "status: invalid_initial_state"),
        ("POST case", "draft", "201"),
        ("PATCH case/c1", "done", "status: invalid_transition"),
        ("PATCH case/c1", "draft", "200"),
        ("PATCH case/c1", "sent", "200"),
        ("PATCH case/c1", "done", "200"),
        ("PATCH case/c1", "draft", "status: invalid_transition"),
    ] {
        let record = match request {
            "POST case" => json!({ "id": "c1", "status": status }),
            _ => json!({ "status": status }),
        };
        assert_eq!(outcome(&world, request, record).await, expected, "{request} {status}");
    }
    let error = call(&world, "PATCH case/c1", json!({ "status": "sent" }))
        .await
        .unwrap_err();
    assert_eq!(error.message(), "no way");
}

#[tokio::test]
async fn trigger_filter_and_changed_field_filter() {
    let world = World::new(&[(
        "case.object.yml",
        "
name: case
fields: { a: { type: number }, b: { type: number } }
validation:
  rules:
    - { name: only_create, type: script, message: m, trigger: [create], condition: a > 5 }
    - { name: only_update, type: script, message: m, trigger: [update], condition: b > 5 }
    - { name: only_changed, type: script, message: m, fields: [b], condition: a = 3 }
",
    )])
    .await;
    for (request, record, expected) in [
        ("POST case", json!({ "a": 6 }), ": rule_violation"),
        ("POST case", json!({ "id": "c1", "a": 2, "b": 9 }), "201"),
        ("PATCH case/c1", json!({ "a": 6 }), ": rule_violation"),
        ("PATCH case/c1", json!({ "a": 3, "b": 9 }), ": rule_violation"),
        ("PATCH case/c1", json!({ "a": 3, "b": 1 }), ": rule_violation"),
        ("PATCH case/c1", json!({ "a": 4, "b": 1 }), "200"),
        ("PATCH case/c1", json!({ "a": 3 }), "200"),
    ] {
        assert_eq!(
            outcome(&world, request, record.clone()).await,
            expected,
            "{request} {record}"
        );
    }
}

#[tokio::test]
async fn severities() {
    let world = World::new(&[(
        "case.object.yml",
        "
name: case
fields: { a: { type: number } }
validations:
  - { name: bad, type: script, message: bad, condition: a > 30 }
  - { name: odd, type: script, severity: warning, message: odd, condition: a > 20 }
  - { name: fyi, type: script, severity: info, message: fyi, condition: a > 10 }
",
    )])
    .await;
    let (status, answer) = call(&world, "POST case", json!({ "a": 25 })).await.unwrap();
    let told: Vec<&str> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["rule"].as_str().unwrap())
        .collect();
    assert_eq!((status, told), (201, vec!["odd", "fyi"]));
    assert_eq!(
        outcome(&world, "POST case", json!({ "a": 31 })).await,
        ": rule_violation"
    );
    let (_, answer) = call(&world, "POST case", json!({ "a": 1 })).await.unwrap();
    assert_eq!(answer.get("warnings"), None);
    let (_, answer) = call(&world, "POST case/createMany", json!([{ "a": 1 }, { "a": 11 }]))
        .await
        .unwrap();
    assert_eq!(
        (&answer["count"], &answer["warnings"][0]["rule"]),
        (&json!(2), &json!("fyi"))
    );
    let batch = json!({ "operation": "create", "records": [{ "data": { "a": 11 } }, { "data": { "a": 1 } }] });
    let (_, answer) = call(&world, "POST case/batch", batch).await.unwrap();
    assert_eq!(
        (
            &answer["results"][0]["warnings"][0]["rule"],
            answer["results"][1].get("warnings")
        ),
        (&json!("fyi"), None)
    );
}

#[tokio::test]
async fn unique_single_composite_excluding_self_skipping_null() {
    let world = World::new(&[(
        "case.object.yml",
        "
name: case
fields: { a: { type: text, unique: true }, b: { type: text }, c: { type: text } }
validations:
  - { name: both, type: unique, message: taken, fields: [b, c] }
",
    )])
    .await;
    for (request, record, expected) in [
        ("POST case", json!({ "id": "c1", "a": "x", "b": "1", "c": "1" }), "201"),
        ("POST case", json!({ "a": "x" }), "a: duplicate_value"),
        (
            "POST case",
            json!({ "b": "1", "c": "1" }),
            "b: duplicate_value, c: duplicate_value",
        ),
        ("POST case", json!({ "b": "1", "c": "2" }), "201"),
        ("PATCH case/c1", json!({ "a": "x", "b": "1" }), "200"),
        (
            "PATCH case/c1",
            json!({ "c": "2" }),
            "b: duplicate_value, c: duplicate_value",
        ),
        ("POST case", json!({ "b": "1" }), "201"),
        ("POST case", json!({ "b": "1" }), "201"),
    ] {
        assert_eq!(
            outcome(&world, request, record.clone()).await,
            expected,
            "{request} {record}"
        );
    }
}

#[tokio::test]
async fn business_rule_all_of_any_of_then_require() {
    check(
        "
name: case
fields: { kind: { type: text }, amount: { type: number }, approver: { type: text }, note: { type: text } }
validation:
  rules:
    - { name: big, type: business_rule, message: m, constraint: { all_of: [{ field: kind, operator: =, value: order }, { field: amount, operator: '>', value: 100 }], then_require: [approver] } }
    - { name: odd, type: business_rule, message: m, constraint: { any_of: [{ field: kind, operator: =, value: gift }, { field: amount, operator: '>', value: 5000 }], then_require: [{ field: note, operator: '!=', value: null }] } }
",
        &[
            (json!({ "kind": "order", "amount": 101 }), "approver: rule_violation"),
            (json!({ "kind": "order", "amount": 101, "approver": "ann" }), "201"),
            (json!({ "kind": "order", "amount": 100 }), "201"),
            (json!({ "kind": "gift" }), "note: rule_violation"),
            (json!({ "kind": "gift", "note": "x" }), "201"),
            (json!({ "amount": 5001 }), "note: rule_violation"),
        ],
    )
    .await;
}
