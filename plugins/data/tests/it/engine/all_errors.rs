//! All that is wrong with a record is told at once: a refused field silences only the rules that read it.

use serde_json::{Value, json};

use crate::world::{World, field_errors};

const ORDER: &str = "
name: order
fields:
  name: { type: text, required: true }
  amount: { type: number }
  tax: { type: number }
  total: { type: formula, expression: 'amount + tax' }
  begin: { type: date }
  end: { type: date }
  number: { type: text }
  site: { type: text }
  data: { type: json }
validations:
  - { type: script, name: no_loss, condition: 'tax < 0', message: a tax is not below zero }
  - { type: script, name: total_small, condition: 'total > 100', message: too much }
  - { type: cross_field, name: order_of_dates, condition: 'end < begin', fields: [begin, end], message: the end lies before the begin }
  - { type: unique, name: one_number, fields: [number], message: there is such a number }
  - { type: conditional, name: taxed, when: 'tax > 10', message: m, then: { type: script, name: needs_site, condition: 'ISBLANK(site)', message: say where } }
  - { type: conditional, name: dear, when: 'amount > 10', message: m, then: { type: script, name: dear_site, condition: 'ISBLANK(site)', message: say where } }
  - { type: json_schema, name: shape, field: data, message: m, schema: { type: object, properties: { a: { type: integer }, b: { type: string } }, required: [c] } }
";

async fn world() -> World {
    World::new(&[("order.object.yml", ORDER)]).await
}

#[tokio::test]
async fn a_refused_field_silences_only_the_rules_that_read_it() {
    let world = world().await;
    world
        .create("order", json!({ "name": "first", "number": "N1" }))
        .await
        .unwrap();
    let cases: [(Value, &[&str]); 7] = [
        (
            json!({ "amount": "much", "tax": -1 }),
            &[": rule_violation", "amount: invalid_number", "name: required"],
        ),
        // The total is computed from the refused amount.
        (
            json!({ "name": "n", "amount": "much", "tax": 200, "site": "x" }),
            &["amount: invalid_number"],
        ),
        (
            json!({ "amount": "much", "begin": "2026-02-02", "end": "2026-02-01" }),
            &[
                "amount: invalid_number",
                "begin: rule_violation",
                "end: rule_violation",
                "name: required",
            ],
        ),
        (
            json!({ "begin": "never", "end": "2026-02-01" }),
            &["begin: invalid_date", "name: required"],
        ),
        (
            json!({ "number": "N1" }),
            &["name: required", "number: duplicate_value"],
        ),
        (
            json!({ "name": "n", "amount": "much", "tax": 11 }),
            &[": rule_violation", "amount: invalid_number"],
        ),
        // Whether the amount asks for a site is not known, and the site itself is refused.
        (
            json!({ "name": "n", "amount": "much", "tax": 11, "site": [1] }),
            &["amount: invalid_number", "site: invalid_type"],
        ),
    ];
    for (record, expected) in cases {
        assert_eq!(
            field_errors(world.create("order", record.clone()).await),
            expected,
            "{record}"
        );
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM \"order\"").await, 1);
}

#[tokio::test]
async fn a_change_is_told_as_much() {
    let world = world().await;
    world
        .create("order", json!({ "id": "o1", "name": "a", "number": "N1" }))
        .await
        .unwrap();
    world.create("order", json!({ "id": "o2", "name": "b" })).await.unwrap();
    let change = json!({ "amount": "much", "tax": -1, "number": "N1", "colour": "red" });
    assert_eq!(
        field_errors(world.update("order", "o2", change).await),
        [
            ": rule_violation",
            "amount: invalid_number",
            "colour: unknown_field",
            "number: duplicate_value"
        ]
    );
}

#[tokio::test]
async fn fields_that_are_none_come_with_the_rest() {
    let world = world().await;
    let error = world
        .create("order", json!({ "amuont": 1, "tax": "x" }))
        .await
        .unwrap_err();
    let details = error.details();
    let unknown = details["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["field"] == "amuont")
        .unwrap();
    assert_eq!(unknown["code"], "unknown_field");
    assert_eq!(
        unknown["message"],
        "'amuont' is not a field of 'order'; did you mean 'amount'?"
    );
    assert_eq!(
        field_errors::<()>(Err(error)),
        ["amuont: unknown_field", "name: required", "tax: invalid_number"]
    );
}

#[tokio::test]
async fn a_schema_tells_all_its_faults() {
    let world = world().await;
    let record = json!({ "name": "n", "data": { "a": "x", "b": 1 } });
    let error = world.create("order", record).await.unwrap_err();
    let details = error.details();
    let mut constraints: Vec<&str> = details["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["constraint"].as_str().unwrap())
        .collect();
    constraints.sort_unstable();
    assert_eq!(
        constraints,
        [
            "/: \"c\" is a required property",
            "/a: \"x\" is not of type \"integer\"",
            "/b: 1 is not of type \"string\"",
        ]
    );
}
