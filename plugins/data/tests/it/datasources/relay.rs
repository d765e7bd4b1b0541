//! A further database that hangs: it keeps no events of the first one back, and what comes from there late is told of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use objectos_data::engine::ports::EventSignal;
use objectos_data::error::Result;
use objectos_data::event_store::StoredEvents;
use objectos_data::store::{BoxFuture, Datasources, Store, StoreLock};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::event_store::{EventStore, PendingRequest};
use serde_json::json;
use tokio::sync::{Notify, watch};

use super::{events_of, worlds};
use crate::between::{Between, Place as At, Stand};
use crate::world::World;

/// Less than the relay gives a round, and far more than a look may wait for one.
const LIMIT: Duration = Duration::from_secs(20);

/// At what a round hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hang {
    /// Before anything came over.
    Read,
    /// When events came over already.
    Write,
    /// A lost host holds the lock.
    Lock,
}

const HANGS: [Hang; 3] = [Hang::Read, Hang::Write, Hang::Lock];

/// Holds up whoever comes to a place while it is shut.
struct Gate {
    place: At,
    shut: watch::Sender<bool>,
    /// How many came.
    came: watch::Sender<u64>,
}

impl Gate {
    fn new(place: At, shut: bool) -> Arc<Self> {
        Arc::new(Self {
            place,
            shut: watch::Sender::new(shut),
            came: watch::Sender::new(0),
        })
    }

    fn came(&self) -> u64 {
        *self.came.borrow()
    }
}

impl Stand for Gate {
    fn at(&self, place: At) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if place == self.place {
                self.came.send_modify(|came| *came += 1);
                let mut shut = self.shut.subscribe();
                drop(shut.wait_for(|shut| !*shut).await);
            }
            Ok(())
        })
    }
}

/// The further database of a world, while it hangs.
struct Hung {
    books: Arc<dyn Store>,
    gate: Arc<Gate>,
    lock: Option<Box<dyn StoreLock>>,
}

impl Hung {
    /// None where it cannot be: no other host has a part in a SQLite database.
    async fn at(world: &World, hang: Hang) -> Option<Self> {
        let books = world.engine.parts().datasources.get("books").unwrap();
        let place = match hang {
            Hang::Read => At::BeforeRead,
            Hang::Write => At::BeforeWrite,
            Hang::Lock if !books.shared() => return None,
            Hang::Lock => {
                return Some(Self {
                    books: Arc::clone(books),
                    gate: Gate::new(At::BeforeRead, false),
                    lock: Some(books.lock("events").await.unwrap()),
                });
            }
        };
        let gate = Gate::new(place, true);
        Some(Self {
            books: Between::on(books, Arc::clone(&gate) as Arc<dyn Stand>),
            gate,
            lock: None,
        })
    }

    async fn end(self) {
        self.gate.shut.send_replace(false);
        if let Some(lock) = self.lock {
            lock.release().await;
        }
    }
}

/// Is told of what nobody waited for.
#[derive(Debug, Default)]
struct Told(Notify);

impl EventSignal for Told {
    fn stored(&self) {
        self.0.notify_one();
    }
}

fn events_over(world: &World, books: &Arc<dyn Store>, told: &Arc<Told>) -> StoredEvents {
    let parts = world.engine.parts();
    StoredEvents::with_datasources(
        Arc::clone(&parts.store),
        &Datasources::new(BTreeMap::from([("books".to_owned(), Arc::clone(books))])),
        Arc::clone(&parts.clock),
        &(Arc::clone(told) as Arc<dyn EventSignal>),
    )
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it hangs")
}

/// Ids of the records of which events wait.
async fn look(events: &StoredEvents) -> Vec<String> {
    let request = PendingRequest {
        after: 0,
        limit: 100,
        node: "n".to_owned(),
        lease_ms: 1_000,
    };
    let found = within(events.pending(Context::background(), request)).await.unwrap();
    let ids = found.iter().map(|found| found.event.payload["recordId"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_keeps_no_events_of_the_first_back() {
    for hang in HANGS {
        for world in worlds().await {
            let Some(hung) = Hung::at(&world, hang).await else {
                continue;
            };
            let told = Arc::new(Told::default());
            let events = events_over(&world, &hung.books, &told);
            world.create("customer", json!({ "id": "c" })).await.unwrap();
            world.create("invoice", json!({ "id": "i" })).await.unwrap();
            for _ in 0..3 {
                let found = look(&events).await;
                assert_eq!(found.first().map(String::as_str), Some("c"), "{hang:?}");
            }
            if hang != Hang::Lock {
                let mut came = hung.gate.came.subscribe();
                drop(within(came.wait_for(|came| *came > 0)).await);
                assert_eq!(hung.gate.came(), 1, "{hang:?}: one round at a time");
            }
            hung.end().await;
            within(told.0.notified()).await;
            for _ in 0..2 {
                assert_eq!(look(&events).await, ["c", "i"], "{hang:?}");
            }
            events.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_after_a_round_has_read_comes_with_the_next_one() {
    for world in worlds().await {
        let gate = Gate::new(At::AfterRead, false);
        let books = world.engine.parts().datasources.get("books").unwrap();
        let books = Between::on(books, Arc::clone(&gate) as Arc<dyn Stand>);
        let events = events_over(&world, &books, &Arc::default()).with_patience(LIMIT);
        world.create("invoice", json!({ "id": "i" })).await.unwrap();
        assert_eq!(look(&events).await, ["i"]);
        let before = gate.came();
        gate.shut.send_replace(true);
        let mut task = TaskContext::from_waker(Waker::noop());
        let mut first = Box::pin(look(&events));
        assert!(first.as_mut().poll(&mut task).is_pending());
        let mut came = gate.came.subscribe();
        drop(within(came.wait_for(|came| *came > before)).await);
        world.create("invoice", json!({ "id": "j" })).await.unwrap();
        let mut second = Box::pin(look(&events));
        assert!(second.as_mut().poll(&mut task).is_pending());
        gate.shut.send_replace(false);
        assert_eq!(second.await, ["i", "j"]);
        first.await;
    }
}

/// What a round leaves undone, the next start does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_hangs_ends_when_the_plugin_stops() {
    for hang in HANGS {
        for world in worlds().await {
            let Some(hung) = Hung::at(&world, hang).await else {
                continue;
            };
            let events = events_over(&world, &hung.books, &Arc::default());
            world.create("invoice", json!({ "id": "i" })).await.unwrap();
            look(&events).await;
            within(events.stop()).await;
            let came = hung.gate.came();
            look(&events).await;
            assert_eq!(hung.gate.came(), came, "{hang:?}: no round begins any more");
            hung.end().await;
            assert_eq!(look(&events_of(&world)).await, ["i"], "{hang:?}");
        }
    }
}
