//! Objects in several databases.

mod relay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use objectos_data::engine::{BatchOperation, Engine, EngineParts, TransactionItem};
use objectos_data::error::Result;
use objectos_data::event_store::StoredEvents;
use objectos_data::query::QueryInput;
use objectos_data::store::{BoxFuture, Datasources, Expect, Outcome, Statement, WriteUnit};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::event_store::{EventStore, PendingRequest};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::between::{Between, Place as At, Stand};
use crate::driver::{Driver, Place, held_most, postgres};
use crate::world::{World, fields};

const FILES: [(&str, &str); 3] = [
    (
        "customer.object.yml",
        "name: customer\nfields:\n  name: { type: text }\n  favourite: { type: lookup, reference: invoice, deleteBehavior: restrict }\n",
    ),
    (
        "invoice.object.yml",
        "name: invoice\ndatasource: books\nfields:\n  number: { type: autonumber, autonumberFormat: 'I-{000}' }\n  \
         customer: { type: lookup, reference: customer, deleteBehavior: restrict }\n  amount: { type: number }\n  \
         total: { type: summary, summaryOperations: { object: line, field: price, function: sum } }\n",
    ),
    (
        "line.object.yml",
        "name: line\ndatasource: books\nfields:\n  invoice: { type: master_detail, reference: invoice }\n  price: { type: number }\n",
    ),
];

/// Every pair of databases that there can be.
fn pairs() -> Vec<(Place, Place)> {
    let mut pairs = vec![(Place::on(Driver::Sqlite), Place::on(Driver::Sqlite))];
    if postgres().is_some() {
        pairs.push((Place::on(Driver::Sqlite), Place::on(Driver::Postgres)));
        pairs.push((Place::on(Driver::Postgres), Place::on(Driver::Sqlite)));
    }
    pairs
}

async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for (first, books) in pairs() {
        worlds.push(World::over(first, vec![("books", books)], &FILES).await);
    }
    worlds
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("it should have failed").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_lie_where_their_object_says() {
    for world in worlds().await {
        world
            .create("customer", json!({ "id": "c", "name": "Acme" }))
            .await
            .unwrap();
        let made = world
            .create("invoice", json!({ "id": "i", "customer": "c", "amount": 5 }))
            .await
            .unwrap();
        assert_eq!(made["number"], "I-001");
        world
            .create("line", json!({ "invoice": "i", "price": 2.5 }))
            .await
            .unwrap();
        world.update("invoice", "i", json!({ "amount": 7 })).await.unwrap();
        let found = world
            .query(
                "invoice",
                json!({ "where": { "amount": 7 }, "expand": { "customer": { "fields": ["name"] } } }),
            )
            .await
            .unwrap();
        let record = &found["records"][0];
        assert_eq!(
            (&record["customer"]["name"], &record["total"]),
            (&json!("Acme"), &json!(2.5))
        );
        // The first database knows nothing of it.
        let statement = Statement::new("SELECT COUNT(*) FROM invoice", Vec::new());
        let mut reader = world.store.reader().await.unwrap();
        assert!(reader.read(&statement, &mut |_| {}).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_need_both_at_once_is_refused() {
    for world in worlds().await {
        world
            .create("customer", json!({ "id": "c", "name": "Acme" }))
            .await
            .unwrap();
        for query in [
            json!({ "where": { "customer.name": "Acme" } }),
            json!({ "orderBy": "customer.name" }),
            json!({ "fields": ["customer.name"] }),
        ] {
            let said = message(world.query("invoice", query.clone()).await);
            assert!(
                said.contains("a query cannot look into another database"),
                "{query}: {said}"
            );
        }
        let item = |object: &str, data: Value| TransactionItem {
            object: object.to_owned(),
            operation: BatchOperation::Create,
            id: None,
            external_id: None,
            data: fields(data),
            expected: None,
        };
        let items = vec![
            item("customer", json!({ "name": "B" })),
            item("invoice", json!({ "amount": 1 })),
        ];
        let said = message(world.engine.transaction(&world.local, items).await);
        assert!(said.contains("cannot be changed in one transaction"), "{said}");
        assert_eq!(world.query("customer", json!({})).await.unwrap()["total"], 1);
        assert_eq!(world.query("invoice", json!({})).await.unwrap()["total"], 0);
        // One after the other they may be.
        let one = vec![
            item("invoice", json!({ "amount": 1 })),
            item("invoice", json!({ "amount": 2 })),
        ];
        assert_eq!(world.engine.transaction(&world.local, one).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_into_another_database_are_looked_up() {
    for world in worlds().await {
        let said = message(world.create("invoice", json!({ "customer": "nobody" })).await);
        assert!(said.contains("does not exist"), "{said}");
        world
            .create("customer", json!({ "id": "c", "name": "Acme" }))
            .await
            .unwrap();
        world
            .create("invoice", json!({ "id": "i", "customer": "c" }))
            .await
            .unwrap();
        let said = message(world.engine.delete(&world.local, "customer", "c").await);
        assert!(said.contains("1 records of 'invoice' depend on it"), "{said}");
        // In the other direction as well.
        world
            .update("customer", "c", json!({ "favourite": "i" }))
            .await
            .unwrap();
        let said = message(world.engine.delete(&world.local, "invoice", "i").await);
        assert!(said.contains("1 records of 'customer' depend on it"), "{said}");
        world
            .update("customer", "c", json!({ "favourite": null }))
            .await
            .unwrap();
        world.engine.delete(&world.local, "invoice", "i").await.unwrap();
        world.engine.delete(&world.local, "customer", "c").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_over_once_and_in_order() {
    for world in worlds().await {
        let events = events_of(&world);
        world
            .create("invoice", json!({ "id": "i", "amount": 1 }))
            .await
            .unwrap();
        for amount in 2..5 {
            world.update("invoice", "i", json!({ "amount": amount })).await.unwrap();
        }
        let request = PendingRequest {
            after: 0,
            limit: 100,
            node: "n".to_owned(),
            lease_ms: 1_000,
        };
        let first = events.pending(Context::background(), request.clone()).await.unwrap();
        let again = events.pending(Context::background(), request).await.unwrap();
        let amounts = |events: &[objectos_plugin_api::contracts::event_store::StoredEvent]| -> Vec<Value> {
            events
                .iter()
                .map(|event| event.event.payload["after"]["amount"].clone())
                .collect()
        };
        assert_eq!(amounts(&first), [json!(1), json!(2), json!(3), json!(4)]);
        assert_eq!(amounts(&again), amounts(&first));
        // However many there are, one look brings all: nobody would look again.
        for amount in 5..=410 {
            world.update("invoice", "i", json!({ "amount": amount })).await.unwrap();
        }
        let all = PendingRequest {
            after: 0,
            limit: 1_000,
            node: "n".to_owned(),
            lease_ms: 1_000,
        };
        let all = events.pending(Context::background(), all).await.unwrap();
        assert_eq!(amounts(&all), (1..=410).map(|amount| json!(amount)).collect::<Vec<_>>());
        assert_eq!(
            world
                .number("SELECT COUNT(*) FROM objectos_note WHERE name LIKE 'event:%'")
                .await,
            0
        );
        // The last stays, so that no sequence is given twice.
        let kept = "SELECT COUNT(*) FROM objectos_event";
        assert_eq!(number_in_books(&world, kept).await, 1);
    }
}

/// A note whose event waits says that this came over; one of an event that does not is of no use to anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_that_a_crash_left_go_at_the_next_start() {
    for world in worlds().await {
        world
            .create("invoice", json!({ "id": "i", "amount": 1 }))
            .await
            .unwrap();
        let waiting = "SELECT sequence FROM objectos_event WHERE done = 0";
        let waiting = number_in_books(&world, waiting).await;
        let notes = [format!("event:books:{waiting}"), "event:books:7000".to_owned()];
        let others = ["event:book_:7000".to_owned(), "event:books:x".to_owned()];
        let mut unit = WriteUnit::default();
        for note in notes.iter().chain(&others) {
            let sql = "INSERT INTO objectos_note (name, value) VALUES (?, '')";
            unit.push(Statement::new(sql, vec![note.as_str().into()]), Expect::Changed(1));
        }
        let outcome = world.store.write(unit).await.unwrap();
        assert_eq!(outcome, Outcome::Stored(Vec::new()));
        let request = PendingRequest {
            after: 0,
            limit: 100,
            node: "n".to_owned(),
            lease_ms: 1_000,
        };
        let events = events_of(&world);
        let found = events.pending(Context::background(), request).await.unwrap();
        assert!(found.is_empty(), "it came over before the crash");
        let ours = "SELECT COUNT(*) FROM objectos_note WHERE name IN ('event:books:7000', 'event:books:";
        assert_eq!(world.number(&format!("{ours}{waiting}')")).await, 0);
        let theirs = "SELECT COUNT(*) FROM objectos_note WHERE name IN ('event:book_:7000', 'event:books:x')";
        assert_eq!(world.number(theirs).await, 2);
    }
}

/// A look into these waits until everything came over, however slow the machine is.
fn events_of(world: &World) -> StoredEvents {
    let parts = world.engine.parts();
    StoredEvents::with_datasources(
        Arc::clone(&parts.store),
        &parts.datasources,
        Arc::clone(&parts.clock),
        &parts.signal,
    )
    .with_patience(Duration::from_secs(60))
}

/// The number that a statement answers in the further database.
async fn number_in_books(world: &World, sql: &str) -> i64 {
    let mut number = 0;
    let books = world.engine.parts().datasources.get("books").unwrap();
    let mut reader = books.reader().await.unwrap();
    reader
        .read(&Statement::new(sql, Vec::new()), &mut |row| {
            number = row.cell(0).as_integer().unwrap_or_default()
        })
        .await
        .unwrap();
    number
}

/// Somebody who changes records of both databases after a statement, whichever of the two that went to.
struct Changes {
    /// After which one, from 1.
    at: u64,
    change: Mutex<Option<BoxFuture<'static, ()>>>,
    statements: AtomicU64,
}

impl Changes {
    fn new(world: &World, at: u64) -> Arc<Self> {
        let (engine, local) = (Arc::clone(&world.engine), world.local.clone());
        let change: BoxFuture<'static, ()> = Box::pin(async move {
            let name = fields(json!({ "name": "new" }));
            engine.update(&local, "customer", "c", name, None).await.unwrap();
            let amount = fields(json!({ "amount": 2 }));
            engine.update(&local, "invoice", "i", amount, None).await.unwrap();
        });
        Arc::new(Self {
            at,
            change: Mutex::new(Some(change)),
            statements: AtomicU64::new(0),
        })
    }

    /// An engine on the records of a world, between whose reads it happens.
    fn engine(self: &Arc<Self>, world: &World) -> Engine {
        let stand = || Arc::clone(self) as Arc<dyn Stand>;
        let parts = world.engine.parts();
        let others = parts.datasources.iter();
        let others = others.map(|(name, store)| (name.to_owned(), Between::on(store, stand())));
        Engine::new(EngineParts {
            store: Between::on(&parts.store, stand()),
            datasources: Datasources::new(others.collect::<BTreeMap<_, _>>()),
            ..parts.clone()
        })
    }
}

impl Stand for Changes {
    fn at(&self, place: At) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if place == At::AfterRead && self.statements.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
                let change = self.change.lock().take();
                if let Some(change) = change {
                    change.await;
                }
            }
            Ok(())
        })
    }
}

/// A read goes from one database to the other and back, twice. Each is seen as it was at the first statement there, however late
/// that is; nothing holds the two together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_database_is_seen_as_at_the_first_look_into_it() {
    let back = json!({ "customer": { "fields": ["name"] } });
    let favourite = json!({ "favourite": { "fields": ["amount", "customer"], "expand": back } });
    let query = json!({
        "fields": ["amount", "customer"], "count": false,
        "expand": { "customer": { "fields": ["name", "favourite"], "expand": favourite } },
    });
    let query = QueryInput::from_map(&fields(query)).unwrap();
    for (at, expected) in [
        (1, json!([1, "new", 1, "new"])),
        (2, json!([1, "old", 1, "old"])),
        (3, json!([1, "old", 1, "old"])),
        (4, json!([1, "old", 1, "old"])),
    ] {
        for world in worlds().await {
            for (object, record) in [
                ("customer", json!({ "id": "c", "name": "old" })),
                ("invoice", json!({ "id": "i", "customer": "c", "amount": 1 })),
            ] {
                world.create(object, record).await.unwrap();
            }
            world
                .update("customer", "c", json!({ "favourite": "i" }))
                .await
                .unwrap();
            let changes = Changes::new(&world, at);
            let engine = changes.engine(&world);
            let found = engine.find(&world.local, "invoice", query.clone()).await.unwrap();
            assert_eq!(changes.statements.load(Ordering::SeqCst), 4, "statements");
            let records: Value = serde_json::from_slice(&found.records).unwrap();
            let (page, customer) = (&records[0], &records[0]["customer"]);
            let again = &customer["favourite"];
            assert_eq!(
                json!([
                    page["amount"],
                    customer["name"],
                    again["amount"],
                    again["customer"]["name"]
                ]),
                expected,
                "after statement {at}: {records}"
            );
            // It was done, and who reads now sees it.
            let now = world.get("invoice", "i").await.unwrap();
            assert_eq!(now["amount"], 2);
        }
    }
}

/// A read of an invoice, its customer, and back.
fn over_both() -> QueryInput {
    let favourite = json!({ "favourite": { "fields": ["amount"] } });
    let query = json!({
        "fields": ["amount"], "count": false,
        "expand": { "customer": { "fields": ["name"], "expand": favourite } },
    });
    QueryInput::from_map(&fields(query)).unwrap()
}

/// Rights to hold come before connections, of all databases: whoever waits for one holds no connection of another meanwhile.
#[tokio::test]
async fn a_read_that_waits_for_its_turn_in_one_database_holds_nothing_of_another() {
    for world in worlds().await {
        world
            .create("customer", json!({ "id": "c", "name": "Acme" }))
            .await
            .unwrap();
        let invoice = json!({ "id": "i", "customer": "c", "amount": 1 });
        world.create("invoice", invoice).await.unwrap();
        let stores = || {
            let books = world.engine.parts().datasources.get("books").unwrap();
            [&world.store, books]
        };
        for store in stores() {
            let mut rights = Vec::new();
            for _ in 0..held_most(store.status().readers) {
                rights.push(store.hold_right().await.unwrap());
            }
            let engine = Arc::clone(&world.engine);
            let mut read = Box::pin(engine.find(&world.local, "invoice", over_both()));
            let mut task = TaskContext::from_waker(Waker::noop());
            assert!(read.as_mut().poll(&mut task).is_pending());
            for store in stores() {
                assert_eq!(store.status().readers_idle, store.status().readers);
            }
            drop(rights);
            assert_eq!(read.await.unwrap().count, 1);
        }
    }
}

/// Each begins with another database, and all take both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_over_two_databases_never_wait_for_each_other_in_a_circle() {
    for world in worlds().await {
        world
            .create("customer", json!({ "id": "c", "name": "Acme" }))
            .await
            .unwrap();
        let invoice = json!({ "id": "i", "customer": "c", "amount": 1 });
        world.create("invoice", invoice).await.unwrap();
        let favourite = json!({ "favourite": "i" });
        world.update("customer", "c", favourite).await.unwrap();
        let back = json!({ "fields": ["name"], "count": false, "expand": { "favourite": { "fields": ["amount"] } } });
        let back = QueryInput::from_map(&fields(back)).unwrap();
        let reads: Vec<_> = (0..60)
            .map(|number| {
                let (engine, local) = (Arc::clone(&world.engine), world.local.clone());
                let (object, query) = match number % 2 {
                    0 => ("invoice", over_both()),
                    _ => ("customer", back.clone()),
                };
                tokio::spawn(async move { engine.find(&local, object, query).await })
            })
            .collect();
        for read in reads {
            assert_eq!(read.await.unwrap().unwrap().count, 1);
        }
    }
}
