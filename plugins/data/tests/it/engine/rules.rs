//! The rules of objects.

use serde_json::{Value, json};

use crate::world::{World, failure, field_errors};

const CUSTOMER: (&str, &str) = (
    "customer.object.yml",
    "name: customer\nfields:\n  name: { type: text }\n  blocked: { type: boolean }\n",
);
const CONTRACT: &str = "
name: contract
fields:
  name: { type: text }
  begin: { type: date }
  end: { type: date }
  stage: { type: select, options: [{ label: D, value: draft }, { label: S, value: signed }, { label: E, value: ended }] }
  number: { type: text }
  contact: { type: text }
  region: { type: text }
  data: { type: json }
  amount: { type: number }
  customer: { type: lookup, reference: customer }
validations:
  - { type: cross_field, name: order_of_dates, condition: 'end < begin', fields: [begin, end], message: the end lies before the begin }
  - { type: script, name: no_blocked, condition: 'customer.blocked = true', message: the customer is blocked }
  - { type: script, name: amount_stays, events: [update], condition: \"ISCHANGED(amount) AND stage = 'signed'\", message: the amount of a signed contract stays }
  - { type: script, name: keep_signed, events: [delete], condition: \"stage = 'signed'\", message: a signed contract is not deleted }
  - { type: state_machine, name: stages, field: stage, transitions: { draft: [signed], signed: [ended], ended: [] }, message: this is not the way }
  - { type: format, name: form_of_number, field: number, regex: '^C-[0-9]+$', message: a number looks like C-17 }
  - { type: format, name: form_of_contact, field: contact, format: email, message: the contact is a mail address }
  - { type: unique, name: one_number, fields: [number, region], caseSensitive: false, message: there is such a number in the region }
  - { type: json_schema, name: shape_of_data, field: data, schema: { type: object, required: [a] }, message: data needs an a }
  - { type: conditional, name: big_ones, when: 'amount > 1000', message: x, then: { type: script, name: big_needs_region, condition: 'ISBLANK(region)', message: big contracts need a region } }
  - { type: script, name: only_tells, severity: warning, condition: 'amount > 10', message: rather much }
";

async fn world() -> World {
    World::new(&[CUSTOMER, ("contract.object.yml", CONTRACT)]).await
}

#[tokio::test]
async fn broken_rules_refuse_a_new_record() {
    let world = world().await;
    world
        .create("customer", json!({ "id": "good", "name": "g" }))
        .await
        .unwrap();
    world
        .create("customer", json!({ "id": "bad", "name": "b", "blocked": true }))
        .await
        .unwrap();
    let cases: [(Value, &[&str]); 10] = [
        (
            json!({ "begin": "2026-02-01", "end": "2026-01-01" }),
            &["begin: rule_violation", "end: rule_violation"],
        ),
        (json!({ "begin": "2026-01-01", "end": "2026-02-01" }), &[]),
        (json!({ "end": "2026-02-01" }), &[]),
        (json!({ "customer": "bad" }), &[": rule_violation"]),
        (json!({ "customer": "good" }), &[]),
        (json!({ "number": "17" }), &["number: invalid_format"]),
        (json!({ "contact": "nobody" }), &["contact: invalid_format"]),
        (json!({ "data": { "b": 1 } }), &["data: invalid_json"]),
        (json!({ "amount": 2_000 }), &[": rule_violation"]),
        (json!({ "amount": 2_000, "region": "north" }), &[]),
    ];
    for (record, expected) in cases {
        let result = world.create("contract", record.clone()).await;
        if expected.is_empty() {
            assert!(result.is_ok(), "{record}: {result:?}");
        } else {
            assert_eq!(field_errors(result), expected, "{record}");
        }
    }
}

#[tokio::test]
async fn rules_name_themselves_and_speak_their_message() {
    let world = world().await;
    let error = world.create("contract", json!({ "number": "17" })).await.unwrap_err();
    let field = &error.details()["fields"][0];
    assert_eq!(
        (&field["rule"], &field["message"]),
        (&json!("form_of_number"), &json!("a number looks like C-17"))
    );
}

#[tokio::test]
async fn states_go_along_their_ways() {
    let world = world().await;
    let contract = world.create("contract", json!({ "stage": "draft" })).await.unwrap();
    let id = contract["id"].as_str().unwrap();
    assert_eq!(
        field_errors(world.update("contract", id, json!({ "stage": "ended" })).await),
        ["stage: invalid_transition"]
    );
    world.update("contract", id, json!({ "stage": "draft" })).await.unwrap();
    world
        .update("contract", id, json!({ "stage": "signed" }))
        .await
        .unwrap();
    world.update("contract", id, json!({ "stage": "ended" })).await.unwrap();
    assert_eq!(
        field_errors(world.update("contract", id, json!({ "stage": "draft" })).await),
        ["stage: invalid_transition"]
    );
}

#[tokio::test]
async fn rules_see_the_record_before() {
    let world = world().await;
    let contract = world
        .create("contract", json!({ "stage": "draft", "amount": 5 }))
        .await
        .unwrap();
    let id = contract["id"].as_str().unwrap();
    world
        .update("contract", id, json!({ "stage": "signed" }))
        .await
        .unwrap();
    assert_eq!(
        field_errors(world.update("contract", id, json!({ "amount": 6 })).await),
        [": rule_violation"]
    );
    world
        .update("contract", id, json!({ "amount": 5, "name": "x" }))
        .await
        .unwrap();
    let (code, message) = failure(world.engine.delete(&world.local, "contract", id).await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("validation_error", "a signed contract is not deleted")
    );
}

#[tokio::test]
async fn uniqueness_over_several_fields_without_case() {
    let world = world().await;
    let first = world
        .create("contract", json!({ "number": "C-1", "region": "north" }))
        .await
        .unwrap();
    let error = world
        .create("contract", json!({ "number": "C-1", "region": "NORTH" }))
        .await
        .unwrap_err();
    let details = error.details();
    assert_eq!(
        (
            error.code(),
            &details["fields"][0]["field"],
            &details["fields"][1]["field"]
        ),
        ("duplicate_value", &json!("number"), &json!("region"))
    );
    world
        .create("contract", json!({ "number": "C-1", "region": "south" }))
        .await
        .unwrap();
    world.create("contract", json!({ "number": "C-1" })).await.unwrap();
    world.create("contract", json!({ "number": "C-1" })).await.unwrap();
    // A record does not stand in its own way.
    world
        .update("contract", first["id"].as_str().unwrap(), json!({ "name": "again" }))
        .await
        .unwrap();
}

#[tokio::test]
async fn references_must_lead_somewhere() {
    let world = world().await;
    let errors = field_errors(
        world
            .create("contract", json!({ "customer": "nobody", "number": "17" }))
            .await,
    );
    assert_eq!(errors, ["customer: reference_not_found", "number: invalid_format"]);
    let errors = field_errors(world.create("contract", json!({ "customer": "nobody" })).await);
    assert_eq!(errors, ["customer: reference_not_found"]);
    let contract = world.create("contract", json!({ "name": "x" })).await.unwrap();
    let errors = field_errors(
        world
            .update(
                "contract",
                contract["id"].as_str().unwrap(),
                json!({ "customer": "nobody" }),
            )
            .await,
    );
    assert_eq!(errors, ["customer: reference_not_found"]);
}

#[tokio::test]
async fn conditions_read_what_is_computed() {
    let firm = "name: firm\nfields:\n  name: { type: text }\n  credit: { type: number }\n  reach: { type: formula, expression: 'credit * 2' }\n";
    let deal = "
name: deal
fields:
  name: { type: text }
  amount: { type: number }
  tax: { type: number }
  firm: { type: lookup, reference: firm }
  gross: { type: formula, expression: 'amount + tax' }
  excess: { type: formula, expression: 'gross - firm.reach' }
  parts: { type: summary, summaryOperations: { object: part, field: id, function: count } }
validations:
  - { type: script, name: small, condition: 'gross > 100', message: too much }
  - { type: script, name: within, condition: 'excess > 0', message: the firm does not reach so far }
  - { type: script, name: grows, events: [update], condition: 'ISCHANGED(gross) AND parts > 0', message: parts hold it }
  - { type: conditional, name: named, when: 'firm.reach > 50', message: m, then: { type: script, name: has_name, condition: 'ISBLANK(name)', message: say a name } }
";
    let part = "name: part\nfields:\n  name: { type: text }\n  deal: { type: master_detail, reference: deal }\n";
    let files = [
        ("firm.object.yml", firm),
        ("deal.object.yml", deal),
        ("part.object.yml", part),
    ];
    let world = World::new(&files).await;
    for (id, credit) in [("f1", 10), ("f2", 40)] {
        world
            .create("firm", json!({ "id": id, "credit": credit }))
            .await
            .unwrap();
    }
    let broken: &[&str] = &[": rule_violation"];
    let cases: [(Value, &[&str]); 5] = [
        (json!({ "amount": 90, "tax": 11 }), broken),
        (json!({ "amount": 15, "tax": 6, "firm": "f1" }), broken),
        (json!({ "amount": 14, "tax": 6, "firm": "f2" }), broken),
        (json!({ "name": "n", "amount": 14, "tax": 6, "firm": "f2" }), &[]),
        (json!({ "id": "d1", "amount": 14, "tax": 6, "firm": "f1" }), &[]),
    ];
    for (record, expected) in cases {
        let created = world.create("deal", record.clone()).await;
        match expected {
            [] => drop(created.unwrap_or_else(|error| panic!("{record}: {error}"))),
            expected => assert_eq!(field_errors(created), *expected, "{record}"),
        }
    }
    world.update("deal", "d1", json!({ "tax": 5 })).await.unwrap();
    world
        .create("part", json!({ "name": "p", "deal": "d1" }))
        .await
        .unwrap();
    let changed = world.update("deal", "d1", json!({ "tax": 4 })).await;
    assert_eq!(field_errors(changed), [": rule_violation"]);
    // What it is computed from changes, and it does not: 14 + 5.
    world
        .update("deal", "d1", json!({ "amount": 13, "tax": 6 }))
        .await
        .unwrap();
}
