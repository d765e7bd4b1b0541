//! Autonumbers: none comes twice, whatever object and field were called before, and whoever brings one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::store::BoxFuture;
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::between::{Between, Place, Stand};
use crate::world::{World, fields, principal};

const BILL: &str =
    "name: bill\nfields:\n  name: { type: text }\n  number: { type: autonumber, autonumberFormat: 'INV-{00000}' }\n";
const TICKET: &str = "
name: ticket
fields:
  name: { type: text }
  number: { type: autonumber, autonumberFormat: 'C-{00000}' }
  yearly: { type: autonumber, autonumberFormat: 'R{YY}-{000:YYYY}' }
";

async fn next(world: &World, object: &str, field: &str) -> Value {
    world.create(object, json!({ "name": "next" })).await.unwrap()[field].clone()
}

#[tokio::test]
async fn numbers_go_on_after_a_rename() {
    let object = BILL.replace("name: bill", "name: invoice\nrenamedFrom: bill");
    let to_code = |text: &str| text.replace("  number: {", "  code: { renamedFrom: number,");
    for (name, field, renamed) in [
        ("invoice", "number", object.clone()),
        ("bill", "code", to_code(BILL)),
        ("invoice", "code", to_code(&object)),
    ] {
        let world = World::new(&[("bill.object.yml", BILL)]).await;
        for number in ["INV-00001", "INV-00002", "INV-00003"] {
            assert_eq!(next(&world, "bill", "number").await, number);
        }
        // The last one is gone, and so is its number.
        let found = world
            .query("bill", json!({ "where": { "number": "INV-00003" } }))
            .await
            .unwrap();
        let id = found["records"][0]["id"].as_str().unwrap();
        world.engine.delete(&world.local, "bill", id).await.unwrap();
        let place = world.close().await;
        let file = format!("{name}.object.yml");
        let world = World::at(place, &[(file.as_str(), renamed.as_str())]).await;
        assert_eq!(next(&world, name, field).await, "INV-00004", "{name}.{field}");
        assert_eq!(next(&world, name, field).await, "INV-00005", "{name}.{field}");
    }
}

#[tokio::test]
async fn a_text_that_becomes_an_autonumber_goes_on_behind_its_largest_value() {
    const BEFORE: &str = "
name: ticket
tenancy: { enabled: true, strategy: shared, tenantField: organization_id }
fields:
  number: { type: text }
  yearly: { type: text }
";
    let after = BEFORE
        .replacen("type: text", "type: autonumber, autonumberFormat: 'C*{000}/x'", 1)
        .replacen(
            "type: text",
            "type: autonumber, autonumberFormat: '{YYYY}.{00:YYYY}'",
            1,
        );
    let world = World::new(&[("ticket.object.yml", BEFORE)]).await;
    let as_of = |tenant: &str| principal("somebody", PrincipalKind::Local, Some(tenant));
    for (tenant, number, yearly) in [
        ("t1", "C*007/x", "2026.03"),
        ("t1", "C*1200/x", "2025.99"),
        ("t1", "C*99/x", "2026x77"),
        ("t1", "CC*5000/x", "2026."),
        ("t1", "C*5000/y", "2026.5a"),
        ("t1", "C*12b/x", "02026.50"),
        ("t1", "C*/x", ""),
        ("t1", "C*9999999999999999999/x", "2026.00000000000000000004"),
        ("t2", "C*0300/x", "2026.10"),
    ] {
        let record = fields(json!({ "number": number, "yearly": yearly }));
        world.engine.create(&as_of(tenant), "ticket", record).await.unwrap();
    }
    let world = World::at(world.close().await, &[("ticket.object.yml", after.as_str())]).await;
    for (tenant, expected) in [
        ("t1", ["C*1201/x", "2026.04"]),
        ("t1", ["C*1202/x", "2026.05"]),
        ("t2", ["C*301/x", "2026.11"]),
        ("t3", ["C*001/x", "2026.01"]),
    ] {
        let made = world
            .engine
            .create(&as_of(tenant), "ticket", fields(json!({})))
            .await
            .unwrap();
        let made: Value = serde_json::from_slice(&made.record).unwrap();
        assert_eq!([&made["number"], &made["yearly"]], expected, "{tenant}");
    }
}

#[tokio::test]
async fn a_number_that_is_brought_moves_the_counter() {
    let world = World::new(&[("ticket.object.yml", TICKET)]).await;
    world.hooks.on(HookPoint::BeforeInsert, "ticket", |payload| {
        let hooked = payload["record"]["name"] == "hooked";
        if hooked {
            payload["record"]["number"] = json!("C-00090");
        }
        Ok(hooked)
    });
    let bring = async |record: Value| {
        let made = world
            .engine
            .create(&world.system, "ticket", fields(record))
            .await
            .unwrap();
        made.id
    };
    let check = async |expected: [&str; 2]| {
        let made = world.create("ticket", json!({ "name": "next" })).await.unwrap();
        assert_eq!([&made["number"], &made["yearly"]], expected);
    };
    let id = bring(json!({ "number": "C-00001" })).await;
    check(["C-00002", "R26-002"]).await;
    bring(json!({ "number": "C-00050", "yearly": "R26-300" })).await;
    check(["C-00051", "R26-301"]).await;
    // Of another year, a smaller one, and one that the format does not write.
    bring(json!({ "number": "C-00010", "yearly": "R25-900" })).await;
    bring(json!({ "number": "Z-99999", "yearly": "R26-90x" })).await;
    check(["C-00052", "R26-302"]).await;
    let changed = fields(json!({ "number": "C-00070" }));
    world
        .engine
        .update(&world.system, "ticket", &id, changed, None)
        .await
        .unwrap();
    check(["C-00071", "R26-303"]).await;
    world.create("ticket", json!({ "name": "hooked" })).await.unwrap();
    check(["C-00091", "R26-305"]).await;
    // What is only tried moves nothing.
    let item = BatchItem {
        data: fields(json!({ "number": "C-00500" })),
        ..BatchItem::default()
    };
    let options = BatchOptions {
        validate_only: true,
        ..BatchOptions::default()
    };
    let tried = world
        .engine
        .batch(&world.system, "ticket", BatchOperation::Create, vec![item], options);
    tried.await.unwrap();
    check(["C-00092", "R26-306"]).await;
    bring(json!({ "number": "C-00600", "yearly": "R27-041" })).await;
    let world = World::at(world.close().await, &[("ticket.object.yml", TICKET)]).await;
    assert_eq!(next(&world, "ticket", "number").await, "C-00601");
    world.clock.0.fetch_add(365 * 86_400_000, Ordering::SeqCst);
    assert_eq!(next(&world, "ticket", "yearly").await, "R27-042");
}

/// Makes a ticket with an engine right before it hands over one of its writes.
struct Meanwhile {
    /// Which one, from 1; 0 is none.
    at: u64,
    writes: AtomicU64,
    engine: OnceLock<Weak<Engine>>,
    local: Context,
}

impl Stand for Meanwhile {
    fn at(&self, place: Place) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if place != Place::BeforeWrite || self.writes.fetch_add(1, Ordering::SeqCst) + 1 != self.at {
                return Ok(());
            }
            if let Some(engine) = self.engine.get().and_then(Weak::upgrade) {
                engine.create(&self.local, "ticket", fields(json!({}))).await?;
            }
            Ok(())
        })
    }
}

/// Four tickets have their numbers and a fifth brings its own; another one is made right before the write `at` of the fifth. Answers
/// how many writes that one took, and all numbers.
async fn brought_beside(at: u64) -> (u64, Vec<String>) {
    let world = World::new(&[("ticket.object.yml", TICKET)]).await;
    for _ in 0..4 {
        next(&world, "ticket", "number").await;
    }
    let meanwhile = Arc::new(Meanwhile {
        at,
        writes: AtomicU64::new(0),
        engine: OnceLock::new(),
        local: world.local.clone(),
    });
    let engine = Arc::new(Engine::new(EngineParts {
        store: Between::on(&world.store, Arc::clone(&meanwhile) as Arc<dyn Stand>),
        ..world.engine.parts().clone()
    }));
    meanwhile.engine.set(Arc::downgrade(&engine)).unwrap();
    let brought = fields(json!({ "number": "C-00005" }));
    engine.create(&world.system, "ticket", brought).await.unwrap();
    let query = json!({ "fields": ["number"], "orderBy": "number" });
    let found = world.query("ticket", query).await.unwrap();
    let records = found["records"].as_array().unwrap().iter();
    let numbers = records.map(|record| record["number"].as_str().unwrap().to_owned());
    (meanwhile.writes.load(Ordering::SeqCst), numbers.collect())
}

/// Its counter has moved when the record is stored, and not only with it.
#[tokio::test]
async fn nobody_takes_a_number_that_a_record_on_its_way_brings() {
    let (writes, numbers) = brought_beside(0).await;
    let five = ["C-00001", "C-00002", "C-00003", "C-00004", "C-00005"];
    assert_eq!(numbers, five);
    // The last one stores the record.
    let (_, numbers) = brought_beside(writes).await;
    assert_eq!(numbers, [five.as_slice(), &["C-00006"]].concat());
}

/// What one host does, the other goes on behind, also when both begin at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_go_on_behind_the_same_number() {
    let before = TICKET.replace("type: autonumber, autonumberFormat: 'C-{00000}'", "type: text");
    let one = World::new(&[("ticket.object.yml", before.as_str())]).await;
    if !one.store.shared() {
        return;
    }
    let old = fields(json!({ "number": "C-00120" }));
    one.engine.create(&one.system, "ticket", old).await.unwrap();
    let one = Arc::new(World::at(one.close().await, &[("ticket.object.yml", TICKET)]).await);
    let two = Arc::new(World::at(one.place().beside(), &[("ticket.object.yml", TICKET)]).await);
    let tasks: Vec<_> = (0..40)
        .map(|task| {
            let world = Arc::clone(if task % 2 == 0 { &one } else { &two });
            tokio::spawn(async move {
                let made = world
                    .engine
                    .create(&world.local, "ticket", fields(json!({})))
                    .await
                    .unwrap();
                let made: Value = serde_json::from_slice(&made.record).unwrap();
                made["number"].as_str().unwrap().to_owned()
            })
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for task in tasks {
        numbers.insert(task.await.unwrap());
    }
    assert_eq!((numbers.len(), numbers.first().unwrap().as_str()), (40, "C-00121"));
    let brought = fields(json!({ "number": "C-00900" }));
    one.engine.create(&one.system, "ticket", brought).await.unwrap();
    let made = two
        .engine
        .create(&two.local, "ticket", fields(json!({})))
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made.record).unwrap();
    assert_eq!(made["number"], "C-00901");
}
