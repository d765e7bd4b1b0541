//! Lookups that may not point anywhere, trees, masters that change, and figures over children.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions};
use objectos_data::store::{Expect, SqlValue, Statement, WriteUnit};
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::world::{World, allowed, failure, field_errors, fields, principal};

const CUSTOMER: &str = "
name: customer
fields:
  name: { type: text }
  active: { type: boolean }
  country: { type: text }
";
const ORDER: &str = "
name: sale
fields:
  name: { type: text }
  customer: { type: lookup, reference: customer, referenceFilters: [\"active = true\", \"country IN ('DE', 'AT')\"] }
  others: { type: lookup, reference: customer, multiple: true, referenceFilters: [\"active = true\"] }
";

async fn sales() -> World {
    let world = World::new(&[("customer.object.yml", CUSTOMER), ("sale.object.yml", ORDER)]).await;
    for (id, active, country) in [("good", true, "DE"), ("idle", false, "DE"), ("far", true, "US")] {
        world
            .create("customer", json!({ "id": id, "active": active, "country": country }))
            .await
            .unwrap();
    }
    world
}

#[tokio::test]
async fn a_lookup_points_to_those_that_its_filters_let_through() {
    let world = sales().await;
    let made = world
        .create(
            "sale",
            json!({ "id": "s1", "customer": "good", "others": ["good", "far"] }),
        )
        .await;
    made.unwrap();
    for (record, expected) in [
        (json!({ "customer": "idle" }), "customer: reference_not_found"),
        (json!({ "customer": "far" }), "customer: reference_not_found"),
        (json!({ "customer": "nobody" }), "customer: reference_not_found"),
        (json!({ "others": ["good", "idle"] }), "others: reference_not_found"),
    ] {
        assert_eq!(
            field_errors(world.create("sale", record.clone()).await),
            [expected],
            "{record}"
        );
        assert_eq!(
            field_errors(world.update("sale", "s1", record.clone()).await),
            [expected],
            "{record}"
        );
    }
    let (_, message) = failure(world.create("sale", json!({ "customer": "idle" })).await);
    assert!(
        message.ends_with("that does not exist, or that is none of those that may be chosen"),
        "{message}"
    );
    // What was chosen stays, whatever becomes of it.
    world
        .update("customer", "good", json!({ "active": false }))
        .await
        .unwrap();
    world.update("sale", "s1", json!({ "name": "again" })).await.unwrap();
}

#[tokio::test]
async fn a_record_of_the_same_write_is_held_against_the_filters_too() {
    let world = sales().await;
    let write = |active: bool, id: &'static str| {
        let items = vec![
            objectos_data::engine::TransactionItem {
                expected: None,
                object: "customer".to_owned(),
                operation: BatchOperation::Create,
                id: None,
                external_id: None,
                data: fields(json!({ "id": id, "active": active, "country": "AT" })),
            },
            objectos_data::engine::TransactionItem {
                expected: None,
                object: "sale".to_owned(),
                operation: BatchOperation::Create,
                id: None,
                external_id: None,
                data: fields(json!({ "customer": id })),
            },
        ];
        world.engine.transaction(&world.local, items)
    };
    write(true, "new1").await.unwrap();
    assert_eq!(write(false, "new2").await.unwrap_err().code(), "validation_error");
}

const CATEGORY: &str = "name: category\nfields:\n  name: { type: text }\n  parent: { type: tree }\n";

#[tokio::test]
async fn a_tree_has_no_circles() {
    let world = World::new(&[("category.object.yml", CATEGORY)]).await;
    for (id, parent) in [("a", Value::Null), ("b", json!("a")), ("c", json!("b"))] {
        world
            .create("category", json!({ "id": id, "parent": parent }))
            .await
            .unwrap();
    }
    let circle = ["parent: circular_reference"];
    assert_eq!(
        field_errors(world.update("category", "a", json!({ "parent": "c" })).await),
        circle
    );
    assert_eq!(
        field_errors(world.update("category", "a", json!({ "parent": "a" })).await),
        circle
    );
    // It is not there yet, so nothing can point to it.
    assert_eq!(
        field_errors(world.create("category", json!({ "id": "d", "parent": "d" })).await),
        ["parent: reference_not_found"]
    );
    let (_, message) = failure(world.update("category", "a", json!({ "parent": "c" })).await);
    assert_eq!(
        message,
        "Parent leads back to the record itself: choose a record that is not below it"
    );
    // Moving within the tree is free.
    world.update("category", "c", json!({ "parent": "a" })).await.unwrap();
    world.update("category", "b", json!({ "parent": "c" })).await.unwrap();
    // Two changes that only together make a circle.
    let item = |id: &str, parent: &str| BatchItem {
        expected: None,
        id: Some(id.to_owned()),
        external_id: None,
        data: fields(json!({ "parent": parent })),
    };
    world.create("category", json!({ "id": "x" })).await.unwrap();
    world.create("category", json!({ "id": "y" })).await.unwrap();
    let items = vec![item("x", "y"), item("y", "x")];
    let answer = world
        .engine
        .batch(
            &world.local,
            "category",
            BatchOperation::Update,
            items,
            BatchOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(answer.to_json()["succeeded"], 0);
    assert_eq!(world.get("category", "x").await.unwrap()["parent"], Value::Null);
}

const INVOICE: &str = "
name: invoice
fields:
  name: { type: text }
  lines: { type: summary, summaryOperations: { object: line, field: id, function: count } }
  total: { type: summary, summaryOperations: { object: line, field: amount, function: sum } }
  open: { type: summary, summaryOperations: { object: line, field: amount, function: sum, filter: \"state = 'open'\" } }
  dearest: { type: summary, summaryOperations: { object: line, field: amount, function: max } }
  mean: { type: summary, summaryOperations: { object: line, field: amount, function: avg } }
  gross: { type: summary, summaryOperations: { object: line, field: gross, function: sum } }
  first: { type: summary, summaryOperations: { object: line, field: day, function: min } }
  of_good: { type: summary, summary_object: line, summary_type: count, summary_field: id, filters: [[product.good, =, true]] }
  twice: { type: formula, expression: total * 2 }
";
const LINE: &str = "
name: line
fields:
  invoice: { type: master_detail, reference: invoice }
  amount: { type: number, scale: 2 }
  state: { type: select, options: [{ label: Open, value: open }, { label: Paid, value: paid }] }
  day: { type: date }
  gross: { type: formula, expression: amount * 1.5 }
  product: { type: lookup, reference: product }
";
const PRODUCT: &str = "name: product\nfields:\n  name: { type: text }\n  good: { type: boolean }\n";

async fn invoices() -> World {
    let world = World::new(&[
        ("invoice.object.yml", INVOICE),
        ("line.object.yml", LINE),
        ("product.object.yml", PRODUCT),
    ])
    .await;
    for id in ["i1", "i2"] {
        world.create("invoice", json!({ "id": id, "name": id })).await.unwrap();
    }
    for (id, good) in [("good", true), ("bad", false)] {
        world
            .create("product", json!({ "id": id, "good": good }))
            .await
            .unwrap();
    }
    world
}

async fn figures(world: &World, id: &str) -> Value {
    let record = world.get("invoice", id).await.unwrap();
    json!([
        record["lines"],
        record["total"],
        record["open"],
        record["dearest"],
        record["mean"]
    ])
}

#[tokio::test]
async fn figures_over_children_are_right_after_every_change() {
    let world = invoices().await;
    assert_eq!(figures(&world, "i1").await, json!([0, null, null, null, null]));
    let line =
        |id: &str, amount: f64, state: &str| json!({ "id": id, "invoice": "i1", "amount": amount, "state": state });
    world.create("line", line("l1", 10.1, "open")).await.unwrap();
    world.create("line", line("l2", 20.2, "paid")).await.unwrap();
    assert_eq!(figures(&world, "i1").await, json!([2, 30.3, 10.1, 20.2, 15.15]));
    world
        .update("line", "l2", json!({ "state": "open", "amount": 5 }))
        .await
        .unwrap();
    assert_eq!(figures(&world, "i1").await, json!([2, 15.1, 15.1, 10.1, 7.55]));
    // To another parent: both are right at once.
    world.update("line", "l1", json!({ "invoice": "i2" })).await.unwrap();
    assert_eq!(figures(&world, "i1").await, json!([1, 5, 5, 5, 5]));
    assert_eq!(figures(&world, "i2").await, json!([1, 10.1, 10.1, 10.1, 10.1]));
    // Many at once.
    let records = (0..50)
        .map(|_| fields(json!({ "invoice": "i1", "amount": 1, "state": "paid" })))
        .collect();
    world.engine.create_many(&world.local, "line", records).await.unwrap();
    // A mean has fifteen digits on every database.
    assert_eq!(figures(&world, "i1").await, json!([51, 55, 5, 5, 1.078_431_372_549_02]));
    world.engine.delete(&world.local, "line", "l2").await.unwrap();
    assert_eq!(figures(&world, "i1").await, json!([50, 50, null, 1, 1]));
}

#[tokio::test]
async fn figures_over_calculations_relations_and_days() {
    let world = invoices().await;
    for (product, day) in [("good", "2026-02-02"), ("bad", "2026-01-01")] {
        let line = json!({ "invoice": "i1", "amount": 10, "product": product, "day": day });
        world.create("line", line).await.unwrap();
    }
    let record = world.get("invoice", "i1").await.unwrap();
    assert_eq!(
        json!([record["gross"], record["of_good"], record["first"], record["twice"]]),
        json!([30, 1, "2026-01-01", 40])
    );
    let found = world
        .query(
            "invoice",
            json!({ "where": { "open": { "$null": true }, "gross": { "$gte": 30 } }, "orderBy": "-total" }),
        )
        .await
        .unwrap();
    assert_eq!(found["total"], 1);
    let (_, line) = (
        0,
        world
            .query("line", json!({ "fields": ["invoice.total"], "limit": 1 }))
            .await
            .unwrap(),
    );
    assert_eq!(line["records"][0]["invoice.total"], 20);
}

#[tokio::test]
async fn children_follow_their_master() {
    let world = invoices().await;
    assert_eq!(
        field_errors(world.create("line", json!({ "amount": 1 })).await),
        ["invoice: required"]
    );
    world
        .create("line", json!({ "id": "l1", "invoice": "i1" }))
        .await
        .unwrap();
    assert_eq!(
        field_errors(world.update("line", "l1", json!({ "invoice": null })).await),
        ["invoice: required"]
    );
    assert_eq!(
        field_errors(world.update("line", "l1", json!({ "invoice": "i9" })).await),
        ["invoice: reference_not_found"]
    );
    world.engine.delete(&world.local, "invoice", "i1").await.unwrap();
    assert_eq!(failure(world.get("line", "l1").await).0, "record_not_found");
}

#[tokio::test]
async fn a_record_moves_between_masters_that_its_mover_can_read() {
    let world = invoices().await;
    world
        .create("invoice", json!({ "id": "i3", "name": "i3" }))
        .await
        .unwrap();
    for (line, invoice) in [("l1", "i1"), ("l3", "i3")] {
        world
            .create("line", json!({ "id": line, "invoice": invoice }))
            .await
            .unwrap();
    }
    let allow = |object: &str, operation, filter: Option<Value>| {
        world.permissions.allow("u1", object, operation, allowed(filter));
    };
    allow(
        "invoice",
        Operation::Read,
        Some(json!({ "name": { "$in": ["i1", "i2"] } })),
    );
    allow("line", Operation::Update, None);
    allow("line", Operation::Read, None);
    let context = principal("u1", PrincipalKind::User, None);
    let move_to = |line: &'static str, invoice: &str| {
        let record = fields(json!({ "invoice": invoice }));
        world.engine.update(&context, "line", line, record, None)
    };
    move_to("l1", "i2").await.unwrap();
    assert_eq!(
        field_errors(move_to("l1", "i3").await),
        ["invoice: reference_not_found"]
    );
    assert_eq!(
        field_errors(move_to("l3", "i1").await),
        ["invoice: reference_not_found"]
    );
}

#[tokio::test]
async fn numbers_are_given_once_however_many_ask() {
    let world = Arc::new(
        World::new(&[(
            "ticket.object.yml",
            "name: ticket\nfields:\n  name: { type: text, required: true }\n  number: { type: autonumber, autonumberFormat: 'T{YY}-{MM}-{000}' }\n",
        )])
        .await,
    );
    let made = futures_util::future::join_all((0..100).map(|index| {
        let world = Arc::clone(&world);
        async move {
            world
                .create("ticket", json!({ "name": format!("n{index}") }))
                .await
                .unwrap()
        }
    }))
    .await;
    let mut numbers: Vec<&str> = made.iter().map(|record| record["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(
        (numbers.len(), numbers[0], numbers[99]),
        (100, "T26-02-001", "T26-02-100")
    );
    // A record that is refused takes no number with it before it is checked.
    assert_eq!(
        field_errors(world.create("ticket", json!({})).await),
        ["name: required"]
    );
    let next = world.create("ticket", json!({ "name": "next" })).await.unwrap();
    assert_eq!(next["number"], "T26-02-101");
    let errors = field_errors(
        world
            .update("ticket", next["id"].as_str().unwrap(), json!({ "number": "T1" }))
            .await,
    );
    assert_eq!(errors, ["number: read_only"]);
}

#[tokio::test]
async fn each_tenant_and_each_period_counts_by_itself() {
    const BILL: &str = "
name: bill
tenancy: { enabled: true, strategy: shared, tenantField: organization_id }
fields:
  plain: { type: autonumber, autonumberFormat: 'P-{00}', startNumber: 10 }
  yearly: { type: autonumber, autonumberFormat: '{YYYY}/{00:YYYY}' }
";
    let world = World::new(&[("bill.object.yml", BILL)]).await;
    let made = async |tenant: &str| {
        let context = principal("somebody", PrincipalKind::Local, Some(tenant));
        let answer = world.engine.create(&context, "bill", fields(json!({}))).await.unwrap();
        let record: Value = serde_json::from_slice(&answer.record).unwrap();
        format!(
            "{} {}",
            record["plain"].as_str().unwrap(),
            record["yearly"].as_str().unwrap()
        )
    };
    assert_eq!(made("t1").await, "P-10 2026/01");
    assert_eq!(made("t1").await, "P-11 2026/02");
    assert_eq!(made("t2").await, "P-10 2026/01");
    world.clock.0.fetch_add(365 * 86_400_000, Ordering::SeqCst);
    assert_eq!(made("t1").await, "P-12 2027/01");
    // From before tenants had counters of their own, and with numbers that were written otherwise.
    let mut unit = WriteUnit::default();
    let old = "INSERT INTO bill (id, organization_id, plain, yearly, created_at) VALUES (?, ?, ?, ?, ?)";
    let old_values = ["old", "t3", "Old 40", "Old 5", "2027-01-15T00:00:00.000Z"];
    let statement = Statement::new(old, old_values.map(SqlValue::from).to_vec());
    unit.push(statement, Expect::Changed(1));
    for (field, value) in [("plain", 40_i64), ("yearly", 5)] {
        let statement = Statement::new(
            "INSERT INTO objectos_sequence (name, value) VALUES (?, ?)",
            vec![format!("autonumber:bill.{field}").into(), value.into()],
        );
        unit.push(statement, Expect::Anything);
    }
    world.store.write(unit).await.unwrap();
    assert_eq!(made("t3").await, "P-41 2027/06");
    assert_eq!(made("t3").await, "P-42 2027/07");
    assert_eq!(made("t4").await, "P-10 2027/01");
}
