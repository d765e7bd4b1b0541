//! What is written means what a filter with the same text means: a moment that names no zone is the caller's local time, and the
//! day of a moment is the caller's day.

use objectos_data::engine::{
    BatchItem, BatchOperation, BatchOptions, Engine, EngineSeeds, ImportMode, ImportOptions, TransactionItem,
    import_csv,
};
use objectos_data::query::from_query_string;
use objectos_data::seed::SeedSink as _;
use objectos_expression::Zone;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, failure, field_errors, fields};

const VISIT: &str = "
name: visit
fields:
  at: { type: datetime }
  held_on: { type: date }
  slot: { type: datetime, unique: true, externalId: true }
  due: { type: datetime, defaultValue: '2026-07-01' }
  first: { type: datetime }
  until: { type: datetime }
  parts: { type: repeater, fields: { from: { type: datetime }, on: { type: date } } }
validations:
  - { type: script, name: not_before, condition: \"until < '2026-07-01T10:00:00'\", fields: [until], message: too early }
  - { type: unique, name: one_first, fields: [first], message: taken }
";

/// Zone, field, what is written, what is stored.
fn cases() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        (
            "Europe/Berlin",
            "at",
            json!("2026-07-01T10:00"),
            "2026-07-01T08:00:00.000Z",
        ),
        (
            "Europe/Berlin",
            "at",
            json!("2026-12-01 10:00:30"),
            "2026-12-01T09:00:30.000Z",
        ),
        ("Europe/Berlin", "at", json!("2026-07-01"), "2026-06-30T22:00:00.000Z"),
        (
            "Europe/Berlin",
            "at",
            json!("2026-07-01T10:00Z"),
            "2026-07-01T10:00:00.000Z",
        ),
        (
            "Europe/Berlin",
            "at",
            json!("2026-07-01T10:00+05:00"),
            "2026-07-01T05:00:00.000Z",
        ),
        (
            "Europe/Berlin",
            "at",
            json!(1_772_280_000_000_i64),
            "2026-02-28T12:00:00.000Z",
        ),
        // Clocks skip this time: it is read by the offset before.
        (
            "Europe/Berlin",
            "at",
            json!("2026-03-29T02:30"),
            "2026-03-29T01:30:00.000Z",
        ),
        // This one comes twice: the first is meant.
        (
            "Europe/Berlin",
            "at",
            json!("2026-10-25T02:30"),
            "2026-10-25T00:30:00.000Z",
        ),
        (
            "Europe/Berlin",
            "at",
            json!("2026-10-25T03:00"),
            "2026-10-25T02:00:00.000Z",
        ),
        // A day that was none.
        (
            "Pacific/Apia",
            "at",
            json!("2011-12-30T12:00"),
            "2011-12-30T22:00:00.000Z",
        ),
        ("+05:30", "at", json!("2026-07-01T10:00"), "2026-07-01T04:30:00.000Z"),
        ("UTC", "at", json!("2026-07-01T10:00"), "2026-07-01T10:00:00.000Z"),
        ("Europe/Berlin", "held_on", json!("2026-06-30T22:00:00Z"), "2026-07-01"),
        (
            "Europe/Berlin",
            "held_on",
            json!("2026-07-01T00:30:00+05:00"),
            "2026-06-30",
        ),
        ("Europe/Berlin", "held_on", json!("2026-07-01T23:59"), "2026-07-01"),
        ("Europe/Berlin", "held_on", json!("2026-07-01"), "2026-07-01"),
        (
            "America/New_York",
            "held_on",
            json!(1_772_240_400_000_i64),
            "2026-02-27",
        ),
        ("UTC", "held_on", json!("2026-07-01T00:30:00+02:00"), "2026-06-30"),
    ]
}

fn caller(zone: &str) -> Context {
    let principal = Principal {
        id: "local".to_owned(),
        kind: PrincipalKind::Local,
        attributes: fields(json!({ "timezone": zone })),
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

async fn world() -> World {
    World::new(&[("visit.object.yml", VISIT)]).await
}

async fn create(world: &World, zone: &str, record: Value) -> objectos_data::error::Result<Value> {
    let answer = world.engine.create(&caller(zone), "visit", fields(record)).await?;
    Ok(serde_json::from_slice(&answer.record).unwrap())
}

#[tokio::test]
async fn what_was_written_is_found_by_it() {
    let world = world().await;
    for (number, (zone, field, written, stored)) in cases().into_iter().enumerate() {
        let id = format!("v{number}");
        let what = format!("{field} = {written} in {zone}");
        let made = create(&world, zone, json!({ "id": id, field: written })).await.unwrap();
        assert_eq!(made[field], stored, "{what}");
        let found = async |zone: &str, value: &Value| {
            let query = json!({ "where": { "id": id, field: value }, "fields": [field] });
            let found = world.query_as(&caller(zone), "visit", query).await.unwrap();
            found["records"].clone()
        };
        assert_eq!(found(zone, &written).await, json!([{ field: stored }]), "{what}");
        assert_eq!(found("UTC", &json!(stored)).await, json!([{ field: stored }]), "{what}");
        // A change reads it in the same way, so that the same once more changes nothing.
        let change = fields(json!({ field: written }));
        let again = world
            .engine
            .update(&caller(zone), "visit", &id, change, None)
            .await
            .unwrap();
        let again: Value = serde_json::from_slice(&again.record).unwrap();
        assert_eq!(again[field], stored, "{what}");
    }
    // As forms and addresses have it.
    let query = from_query_string("at=2026-07-01T10:00").unwrap();
    let found = world
        .engine
        .find(&caller("Europe/Berlin"), "visit", query)
        .await
        .unwrap();
    assert_eq!(found.count, 1);
}

#[tokio::test]
async fn defaults_keys_parts_and_rules_are_in_the_zone() {
    let world = world().await;
    let made = create(
        &world,
        "Europe/Berlin",
        json!({ "id": "v1", "parts": [{ "from": "2026-07-01T10:00", "on": "2026-06-30T22:30:00Z" }] }),
    )
    .await
    .unwrap();
    assert_eq!(made["due"], "2026-06-30T22:00:00.000Z");
    assert_eq!(
        made["parts"],
        json!([{ "on": "2026-07-01", "from": "2026-07-01T08:00:00.000Z" }])
    );
    // A rule compares what was written with its own local time.
    for (until, expected) in [("2026-07-01T09:59", false), ("2026-07-01T10:00", true)] {
        let made = create(&world, "Europe/Berlin", json!({ "until": until })).await;
        assert_eq!(made.is_ok(), expected, "{until}: {made:?}");
        if !expected {
            assert_eq!(field_errors(made), [": rule_violation"]);
        }
    }
    // The same moment in two zones is one value, and the same text in two zones is none.
    create(&world, "Europe/Berlin", json!({ "first": "2026-07-01T10:00" }))
        .await
        .unwrap();
    let same = create(&world, "UTC", json!({ "first": "2026-07-01T08:00" })).await;
    assert_eq!(failure(same).0, "duplicate_value");
    create(&world, "UTC", json!({ "first": "2026-07-01T10:00" }))
        .await
        .unwrap();
    // Upserts find by a key what they made with it.
    let upsert = async |zone: &str| {
        let item = BatchItem {
            external_id: Some("2026-07-01T10:00".to_owned()),
            ..BatchItem::default()
        };
        let options = BatchOptions::default();
        let answer = world
            .engine
            .batch(&caller(zone), "visit", BatchOperation::Upsert, vec![item], options)
            .await
            .unwrap()
            .to_json();
        assert_eq!(answer["success"], true, "{answer}");
        answer["results"][0]["id"].as_str().unwrap().to_owned()
    };
    let berlin = upsert("Europe/Berlin").await;
    assert_eq!(upsert("Europe/Berlin").await, berlin);
    assert_ne!(upsert("UTC").await, berlin);
    assert_eq!(
        world.get("visit", &berlin).await.unwrap()["slot"],
        "2026-07-01T08:00:00.000Z"
    );
    let item = TransactionItem {
        object: "visit".to_owned(),
        operation: BatchOperation::Upsert,
        id: None,
        external_id: Some("2026-07-01T10:00".to_owned()),
        data: fields(json!({ "held_on": "2026-07-01" })),
        expected: None,
    };
    let answers = world
        .engine
        .transaction(&caller("Europe/Berlin"), vec![item])
        .await
        .unwrap();
    assert_eq!(answers[0].id, berlin);
}

#[tokio::test]
async fn rows_of_a_file_are_in_the_zone_of_whoever_sends_it() {
    let world = world().await;
    let options = ImportOptions {
        mode: ImportMode::Upsert,
        external_id: Some("slot".to_owned()),
        cells: true,
        ..ImportOptions::default()
    };
    for (at, made) in [("2026-07-01T12:00", 1), ("2026-07-01T13:00", 0)] {
        let rows = import_csv(&format!(
            "slot,at,held_on\n2026-07-01T10:00,{at},2026-06-30T22:00:00Z\n"
        ))
        .unwrap();
        let answer = world
            .engine
            .import(&caller("Europe/Berlin"), "visit", rows, &options)
            .await
            .unwrap();
        assert_eq!(
            (&answer["created"], &answer["failed"]),
            (&json!(made), &json!(0)),
            "{answer}"
        );
    }
    let found = world
        .query("visit", json!({ "fields": ["slot", "at", "held_on"] }))
        .await
        .unwrap();
    assert_eq!(
        found["records"],
        json!([{ "slot": "2026-07-01T08:00:00.000Z", "at": "2026-07-01T11:00:00.000Z", "held_on": "2026-07-01" }])
    );
}

/// Who has no zone has the operator's, in filters as in what is written; without one it is UTC.
#[tokio::test]
async fn the_operators_zone_is_that_of_the_system() {
    let world = world().await;
    for (zone, stored) in [
        (None, "2026-07-01T10:00:00.000Z"),
        (Some("Europe/Berlin"), "2026-07-01T08:00:00.000Z"),
    ] {
        let engine = Engine::new(world.engine.parts().clone());
        let engine = match zone {
            Some(zone) => engine.with_zone(Zone::read(zone).unwrap()),
            None => engine,
        };
        let seeds = EngineSeeds::new(std::sync::Arc::new(engine));
        let record = fields(json!({ "slot": "2026-07-01T10:00" }));
        let id = seeds.create("visit", record).await.unwrap();
        assert_eq!(world.get("visit", &id).await.unwrap()["slot"], stored, "{zone:?}");
        // Applied once more, the same file finds what it made.
        let found = seeds.find("visit", "slot", &json!("2026-07-01T10:00")).await.unwrap();
        assert_eq!(found, Some(id), "{zone:?}");
    }
}
