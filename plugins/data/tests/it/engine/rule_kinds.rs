//! Each kind of rule, one case after the other: what breaks it, at which field, with which code.

use objectos_plugin_api::ErrorKind;
use serde_json::{Value, json};

use crate::driver::{Driver, driver};
use crate::world::{World, failure, field_errors};

const CASE: &str = "
name: case
fields:
  name: { type: text }
  begin: { type: date }
  end: { type: date }
  amount: { type: number }
  region: { type: text }
  stage: { type: select, options: [{ label: N, value: new_one }, { label: O, value: open }, { label: C, value: closed }] }
  data: { type: json }
  site: { type: text }
  kind: { type: text }
  number: { type: text }
validations:
";

async fn world(rules: &str) -> World {
    World::new(&[("case.object.yml", &format!("{CASE}{rules}"))]).await
}

/// Creates a record with each of the values and compares what is wrong.
async fn check(rules: &str, cases: &[(Value, &[&str])]) {
    let world = world(rules).await;
    for (record, expected) in cases {
        let result = world.create("case", record.clone()).await;
        match expected {
            [] => drop(result.unwrap_or_else(|error| panic!("{record}: {error}"))),
            expected => assert_eq!(field_errors(result), *expected, "{record}"),
        }
    }
}

#[tokio::test]
async fn cross_field_is_broken_when_true() {
    check(
        "  - { type: cross_field, name: r, message: m, condition: end < begin, fields: [begin, end] }\n",
        &[
            (
                json!({ "begin": "2026-02-02", "end": "2026-02-01" }),
                &["begin: rule_violation", "end: rule_violation"],
            ),
            (json!({ "begin": "2026-02-02", "end": "2026-02-02" }), &[]),
            (json!({ "begin": "2026-02-02" }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn older_comparisons_say_what_must_hold() {
    let rule = |rule: &str| format!("  - {{ type: cross_field, name: r, message: m, rule: {rule} }}\n");
    check(
        &rule("{ field: end, operator: '>', compare_to: begin }"),
        &[
            (
                json!({ "begin": "2026-02-02", "end": "2026-02-01" }),
                &["begin: rule_violation", "end: rule_violation"],
            ),
            (json!({ "begin": "2026-02-02", "end": "2026-02-03" }), &[]),
        ],
    )
    .await;
    check(
        &rule("{ field: amount, operator: '<=', value: 100 }"),
        &[
            (json!({ "amount": 101 }), &["amount: rule_violation"]),
            (json!({ "amount": 100 }), &[]),
        ],
    )
    .await;
    check(
        &rule("{ field: region, operator: in, value: [north, south] }"),
        &[
            (json!({ "region": "east" }), &["region: rule_violation"]),
            (json!({ "region": "north" }), &[]),
        ],
    )
    .await;
    check(
        &rule("{ field: region, operator: starts_with, value: no }"),
        &[
            (json!({ "region": "east" }), &["region: rule_violation"]),
            (json!({ "region": "north" }), &[]),
        ],
    )
    .await;
    check(
        &rule("{ all_of: [{ field: amount, operator: '>', value: 1 }, { field: amount, operator: '<', value: 9 }] }"),
        &[
            (json!({ "amount": 9 }), &["amount: rule_violation"]),
            (json!({ "amount": 5 }), &[]),
        ],
    )
    .await;
    check(
        &rule("{ any_of: [{ field: amount, operator: '<', value: 1 }, { field: amount, operator: '>', value: 9 }] }"),
        &[
            (json!({ "amount": 5 }), &["amount: rule_violation"]),
            (json!({ "amount": 10 }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn business_rules_of_older_files() {
    check(
        "  - { type: business_rule, name: r, message: m, constraint: { all_of: [{ field: kind, operator: =, value: vip }], then_require: [region, amount] } }\n",
        &[
            (json!({ "kind": "vip" }), &["amount: rule_violation", "region: rule_violation"]),
            (json!({ "kind": "vip", "region": "north", "amount": 1 }), &[]),
            (json!({ "kind": "plain" }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_rule_that_applies_only_when() {
    check(
        "  - { type: cross_field, name: r, message: m, apply_when: { field: kind, operator: =, value: vip }, rule: { field: amount, operator: '>', value: 9 } }\n",
        &[
            (json!({ "kind": "vip", "amount": 5 }), &["amount: rule_violation"]),
            (json!({ "kind": "plain", "amount": 5 }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn format_takes_a_pattern_and_a_form() {
    check(
        "  - { type: format, name: r, message: m, field: site, format: url, regex: 'example' }\n",
        &[
            (json!({ "site": "https://example.com" }), &[]),
            (json!({ "site": "https://other.com" }), &["site: invalid_format"]),
            (json!({ "site": "example" }), &["site: invalid_format"]),
            (json!({ "site": "" }), &[]),
        ],
    )
    .await;
    check(
        "  - { type: format, name: r, message: m, field: site, format: json }\n",
        &[
            (json!({ "site": "{\"a\":1}" }), &[]),
            (json!({ "site": "{" }), &["site: invalid_format"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_schema_says_what_does_not_fit() {
    let world = world(
        "  - { type: json_schema, name: r, message: m, field: data, schema: { type: object, properties: { n: { type: integer } }, required: [n] } }\n",
    )
    .await;
    world.create("case", json!({ "data": { "n": 1 } })).await.unwrap();
    let error = world.create("case", json!({ "data": { "n": "x" } })).await.unwrap_err();
    let field = &error.details()["fields"][0];
    assert_eq!(
        (&field["code"], &field["field"]),
        (&json!("invalid_json"), &json!("data"))
    );
    assert_eq!(field["constraint"], "/n: \"x\" is not of type \"integer\"");
}

#[tokio::test]
async fn states_begin_and_go_on_as_the_rule_says() {
    let world = world(
        "  - { type: state_machine, name: r, message: 'not from {{stage}}', field: stage, initialStates: [new_one], transitions: { new_one: [open], open: [closed] } }\n",
    )
    .await;
    assert_eq!(
        field_errors(world.create("case", json!({ "stage": "open" })).await),
        ["stage: invalid_initial_state"]
    );
    world.create("case", json!({ "id": "c0" })).await.unwrap();
    world
        .create("case", json!({ "id": "c1", "stage": "new_one" }))
        .await
        .unwrap();
    assert_eq!(
        field_errors(world.update("case", "c1", json!({ "stage": "closed" })).await),
        ["stage: invalid_transition"]
    );
    assert_eq!(
        field_errors(world.update("case", "c1", json!({ "stage": null })).await),
        ["stage: invalid_transition"]
    );
    // The same state is no transition.
    world
        .update("case", "c1", json!({ "stage": "new_one", "name": "a" }))
        .await
        .unwrap();
    world.update("case", "c1", json!({ "stage": "open" })).await.unwrap();
    world.update("case", "c1", json!({ "stage": "closed" })).await.unwrap();
    // Nothing follows a state without an entry.
    let (_, message) = failure(world.update("case", "c1", json!({ "stage": "open" })).await);
    assert_eq!(message, "not from open");
}

#[tokio::test]
async fn uniqueness_within_a_scope() {
    let world = world(
        "  - { type: unique, name: r, message: m, fields: [number, region], scope: \"stage <> 'closed'\", caseSensitive: false }\n",
    )
    .await;
    let case =
        |id: &str, stage: &str, region: &str| json!({ "id": id, "number": "N1", "region": region, "stage": stage });
    world.create("case", case("c1", "open", "north")).await.unwrap();
    assert_eq!(
        failure(world.create("case", case("c2", "open", "NORTH")).await).0,
        "duplicate_value"
    );
    world.create("case", case("c3", "open", "south")).await.unwrap();
    // A closed one is not compared, neither as the new record nor as the old.
    world.create("case", case("c4", "closed", "north")).await.unwrap();
    world.update("case", "c1", json!({ "stage": "closed" })).await.unwrap();
    world.create("case", case("c5", "open", "north")).await.unwrap();
    assert_eq!(
        failure(world.update("case", "c1", json!({ "stage": "open" })).await).0,
        "duplicate_value"
    );
    // Nothing is equal to nothing, and a record is not in its own way.
    world
        .create("case", json!({ "number": "N1", "stage": "open" }))
        .await
        .unwrap();
    world
        .create("case", json!({ "number": "N1", "stage": "open" }))
        .await
        .unwrap();
    world.update("case", "c5", json!({ "region": "North" })).await.unwrap();
}

/// Each write looks for another record with its values, so they are found without reading all of them; and the index that does so
/// is made once.
#[tokio::test]
async fn uniqueness_has_an_index() {
    let rule = "  - { type: unique, name: r, message: m, fields: [number, region], caseSensitive: false }\n";
    let world = world(rule).await;
    let catalogue = world.engine.parts().catalogue.snapshot();
    let left = objectos_data::schema::plan(&catalogue, &world.store.shape().await.unwrap());
    assert!(left.is_empty(), "{left}");
    // With so few records PostgreSQL rightly reads all of them.
    if driver() == Driver::Sqlite {
        let taken = "EXPLAIN QUERY PLAN SELECT 1 FROM \"case\" t WHERE t.\"number\" = 'n' COLLATE NOCASE \
            AND t.\"region\" = 'r' COLLATE NOCASE LIMIT 1";
        let mut steps = Vec::new();
        let mut reader = world.store.reader().await.unwrap();
        reader
            .read(&objectos_data::store::Statement::new(taken, Vec::new()), &mut |row| {
                steps.push(row.cell(3).as_text().unwrap_or_default().to_owned());
            })
            .await
            .unwrap();
        assert!(
            steps[0].contains("ix_case_number_region_any_case (number=? AND region=?)"),
            "{steps:?}"
        );
    }
}

#[tokio::test]
async fn conditions_nest() {
    check(
        "  - { type: conditional, name: r, message: m, when: amount > 100, then: { type: conditional, name: r2, message: m, when: \"region = 'north'\", then: { type: script, name: r3, message: far, condition: ISBLANK(site) }, otherwise: { type: format, name: r4, message: m, field: number, regex: '^S' } }, otherwise: { type: script, name: r5, message: m, active: false, condition: 'true' } }\n",
        &[
            (json!({ "amount": 101, "region": "north" }), &[": rule_violation"]),
            (json!({ "amount": 101, "region": "north", "site": "x" }), &[]),
            (json!({ "amount": 101, "region": "south", "number": "N" }), &["number: invalid_format"]),
            (json!({ "amount": 101, "region": "south", "number": "S" }), &[]),
            (json!({ "amount": 1 }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn events_and_inactive_rules() {
    let world = world(
        "
  - { type: script, name: on_insert, message: m, events: [insert], condition: \"name = 'i'\" }
  - { type: script, name: on_update, message: m, events: [update], condition: \"name = 'u'\" }
  - { type: script, name: on_delete, message: 'keep {{name}}', events: [delete], condition: \"name = 'd'\" }
  - { type: script, name: off, message: m, active: false, condition: 'true' }
",
    )
    .await;
    assert_eq!(
        field_errors(world.create("case", json!({ "name": "i" })).await),
        [": rule_violation"]
    );
    world.create("case", json!({ "id": "c1", "name": "u" })).await.unwrap();
    assert_eq!(
        field_errors(world.update("case", "c1", json!({ "amount": 1 })).await),
        [": rule_violation"]
    );
    world.update("case", "c1", json!({ "name": "d" })).await.unwrap();
    let (code, message) = failure(world.engine.delete(&world.local, "case", "c1").await);
    assert_eq!((code.as_str(), message.as_str()), ("validation_error", "keep d"));
}

#[tokio::test]
async fn what_only_tells_comes_with_the_answer() {
    let world = world(
        "
  - { type: script, name: much, severity: warning, message: 'that is {{amount}}', condition: amount > 10 }
  - { type: cross_field, name: note, severity: info, message: n, condition: amount > 20, fields: [amount, region] }
  - { type: unique, name: twice, severity: warning, message: t, fields: [number] }
  - { type: format, name: form, message: f, field: number, regex: '^N' }
",
    )
    .await;
    let warnings = |answer: &objectos_data::engine::RecordAnswer| -> Value {
        let answer: Value = serde_json::from_slice(&answer.to_json()).unwrap();
        answer.get("warnings").cloned().unwrap_or_default()
    };
    let create = |record: Value| world.engine.create(&world.local, "case", crate::world::fields(record));
    assert_eq!(
        warnings(&create(json!({ "amount": 1, "number": "N1" })).await.unwrap()),
        Value::Null
    );
    let answer = create(json!({ "amount": 21, "number": "N1" })).await.unwrap();
    assert_eq!(
        warnings(&answer),
        json!([
            { "field": "", "code": "rule_violation", "message": "that is 21", "rule": "much", "severity": "warning" },
            { "field": "amount", "code": "rule_violation", "message": "n", "rule": "note", "severity": "info" },
            { "field": "region", "code": "rule_violation", "message": "n", "rule": "note", "severity": "info" },
            { "field": "number", "code": "duplicate_value", "message": "t", "rule": "twice", "severity": "warning" },
        ])
    );
    // An error is an error, and the warnings do not come with it.
    assert_eq!(
        field_errors(create(json!({ "amount": 21, "number": "X" })).await),
        ["number: invalid_format"]
    );
}

const REMOTE: &str = "  - { type: async, name: known, message: 'not known', field: number, validatorUrl: 'https://check.example/n', params: { country: DE }, timeout: 700 }\n";

#[tokio::test]
async fn a_server_decides() {
    let world = world(REMOTE).await;
    world.outside.answers(200, json!({ "valid": true }));
    world
        .create("case", json!({ "id": "c1", "number": "a b" }))
        .await
        .unwrap();
    world.outside.answers(422, json!({ "message": "no such number" }));
    let error = world.create("case", json!({ "number": "x" })).await.unwrap_err();
    assert_eq!(error.details()["fields"][0]["message"], "no such number");
    world.outside.answers(200, json!(false));
    let error = world.create("case", json!({ "number": "y" })).await.unwrap_err();
    assert_eq!(
        error.details()["fields"],
        json!([{ "field": "number", "code": "rule_violation", "message": "not known", "rule": "known" }])
    );
    // A value that did not change is not asked about again, nor is one that is not there.
    world.update("case", "c1", json!({ "name": "again" })).await.unwrap();
    world.create("case", json!({ "name": "without" })).await.unwrap();
    let asked: Vec<String> = world.outside.asked.lock().iter().map(|(url, _)| url.clone()).collect();
    let address = |value: &str| format!("https://check.example/n?object=case&field=number&value={value}&country=DE");
    assert_eq!(asked, [address("a%20b"), address("x"), address("y")]);
}

#[tokio::test]
async fn a_server_that_does_not_answer_refuses_the_write() {
    let world = world(REMOTE).await;
    for answer in [None, Some((500, json!("oops"))), Some((200, json!({ "fine": 1 })))] {
        *world.outside.answer.lock() = answer.clone().map(|(status, body)| (status, body.to_string()));
        let error = world.create("case", json!({ "number": "x" })).await.unwrap_err();
        assert_eq!(
            (error.code(), error.kind()),
            ("external_service_error", ErrorKind::External),
            "{answer:?}"
        );
        assert!(
            error.to_string().starts_with("the rule 'known' could not be checked: "),
            "{error}"
        );
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM \"case\"").await, 0);
    // It hides nothing of what is wrong anyway, and is not asked of a value that is refused.
    world.outside.asked.lock().clear();
    assert_eq!(
        field_errors(world.create("case", json!({ "number": "x", "amount": "much" })).await),
        ["amount: invalid_number"]
    );
    assert_eq!(world.outside.asked.lock().len(), 1);
    assert_eq!(
        field_errors(world.create("case", json!({ "number": [1] })).await),
        ["number: invalid_type"]
    );
    assert_eq!(world.outside.asked.lock().len(), 1);
}

#[tokio::test]
async fn a_server_whose_rule_only_tells_refuses_nothing() {
    let world = world(
        "  - { type: async, name: known, severity: warning, message: m, field: number, method: POST, validatorUrl: 'https://check.example/n' }\n",
    )
    .await;
    let record = crate::world::fields(json!({ "number": "x" }));
    let answer = world.engine.create(&world.local, "case", record).await.unwrap();
    assert_eq!(answer.warnings.len(), 1);
    assert_eq!(
        answer.warnings[0].error.message,
        "the rule 'known' could not be checked: nobody is there; try again"
    );
    let (url, body) = world.outside.asked.lock()[0].clone();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((url.as_str(), &body["value"]), ("https://check.example/n", &json!("x")));
}

#[tokio::test]
async fn a_plugin_decides() {
    let world = world(
        "  - { type: custom, name: tax, message: wrong tax, handler: 'validator.tax:check', params: { rate: 19 } }\n",
    )
    .await;
    world.outside.answers(0, json!({ "valid": true }));
    world.create("case", json!({ "id": "c1", "amount": 5 })).await.unwrap();
    let (whom, question) = world.outside.asked.lock()[0].clone();
    let question: Value = serde_json::from_str(&question).unwrap();
    assert_eq!(whom, "validator.tax:check");
    assert_eq!(
        json!([
            question["object"],
            question["event"],
            question["record"]["amount"],
            question["params"]
        ]),
        json!(["case", "insert", 5, { "rate": 19 }])
    );
    let no = json!({ "valid": false, "errors": [{ "field": "amount", "message": "too little" }, { "message": "and more" }] });
    world.outside.answers(0, no);
    let result = world.update("case", "c1", json!({ "amount": 6 })).await;
    assert_eq!(field_errors(result), [": rule_violation", "amount: rule_violation"]);
    *world.outside.answer.lock() = None;
    let (code, _) = failure(world.update("case", "c1", json!({ "amount": 6 })).await);
    assert_eq!(code, "external_service_error");
}

#[tokio::test]
async fn state_machines_are_kept() {
    const DEAL: &str = "
name: deal
fields:
  stage: { type: select, options: [draft, sent, won, lost, archived] }
stateMachines:
  lifecycle:
    id: lifecycle
    initial: draft
    states:
      draft: { on: { SEND: sent } }
      sent: { on: { ANSWER: [{ target: won }, { target: closed }] } }
      won: { type: final }
      closed:
        initial: lost
        states: { lost: { on: { WIN: '#lifecycle.won' } } }
        on: { AGAIN: { target: draft } }
      archived: {}
    on: { ARCHIVE: archived }
";
    let world = World::new(&[("deal.object.yml", DEAL)]).await;
    let refused = field_errors(world.create("deal", json!({ "stage": "won" })).await);
    assert_eq!(refused, ["stage: invalid_initial_state"]);
    let moves: [(&[&str], &str, bool); 9] = [
        (&[], "sent", true),
        (&[], "won", false),
        (&["sent"], "won", true),
        (&["sent"], "lost", true),
        (&["sent"], "draft", false),
        (&["sent", "lost"], "draft", true),
        (&["sent", "lost"], "won", true),
        (&["sent", "won"], "draft", false),
        (&["sent", "won"], "archived", true),
    ];
    for (way, last, open) in moves {
        let deal = world.create("deal", json!({ "stage": "draft" })).await.unwrap();
        let id = deal["id"].as_str().unwrap();
        for stage in way {
            world.update("deal", id, json!({ "stage": stage })).await.unwrap();
        }
        let moved = world.update("deal", id, json!({ "stage": last })).await;
        if open {
            assert!(moved.is_ok(), "{way:?} to {last}: {moved:?}");
        } else {
            assert_eq!(field_errors(moved), ["stage: invalid_transition"], "{way:?} to {last}");
        }
    }
}
