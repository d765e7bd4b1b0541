//! Objects in several databases.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_data::engine::{BatchOperation, Engine, EngineParts, TransactionItem};
use objectos_data::error::Result;
use objectos_data::event_store::StoredEvents;
use objectos_data::query::QueryInput;
use objectos_data::store::{BoxFuture, Datasources};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::event_store::{EventStore, PendingRequest};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::between::{Between, Place as At, Stand};
use crate::driver::{Driver, Place, postgres};
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
        let statement = objectos_data::store::Statement::new("SELECT COUNT(*) FROM invoice", Vec::new());
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
        let parts = world.engine.parts();
        let events = StoredEvents::with_datasources(
            Arc::clone(&parts.store),
            parts.datasources.clone(),
            Arc::clone(&parts.clock),
        );
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
        assert_eq!(
            world
                .number("SELECT COUNT(*) FROM objectos_note WHERE name LIKE 'event:%'")
                .await,
            0
        );
    }
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
