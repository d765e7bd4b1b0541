//! Whoever wrote reads from the database itself for a while, and not from a copy that may be behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_data::engine::{Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::query::QueryInput;
use objectos_data::schema::{DatabaseShape, SchemaStep};
use objectos_data::store::{BoxFuture, Dialect, HoldRight, Outcome, Reader, Store, StoreStatus, WriteUnit};
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::json;

use crate::world::{World, fields, principal};

/// A store with a copy, which is the same and counts who comes.
#[derive(Debug)]
struct WithCopy {
    store: Arc<dyn Store>,
    readers: AtomicU64,
}

impl Store for WithCopy {
    fn dialect(&self) -> &'static dyn Dialect {
        self.store.dialect()
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        self.store.reader()
    }

    fn replica_reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        self.readers.fetch_add(1, Ordering::SeqCst);
        self.store.reader()
    }

    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>> {
        self.store.hold_right()
    }

    fn replica_lag_ms(&self) -> u64 {
        1_000
    }

    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        self.store.write(unit)
    }

    fn scattered(&self, table: &str) -> bool {
        self.store.scattered(table)
    }

    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>> {
        self.store.shape()
    }

    fn change_schema(&self, steps: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>> {
        self.store.change_schema(steps)
    }

    fn change_schema_with(&self, steps: Vec<SchemaStep>, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        self.store.change_schema_with(steps, unit)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.store.close()
    }

    fn status(&self) -> StoreStatus {
        self.store.status()
    }
}

#[tokio::test]
async fn whoever_wrote_sees_what_was_written() {
    let world = World::new(&[("thing.object.yml", "name: thing\nfields: { name: { type: text } }\n")]).await;
    let copy = Arc::new(WithCopy {
        store: Arc::clone(&world.store),
        readers: AtomicU64::new(0),
    });
    let engine = Engine::new(EngineParts {
        store: Arc::clone(&copy) as Arc<dyn Store>,
        ..world.engine.parts().clone()
    });
    let other = principal("other", PrincipalKind::Local, None);
    let at_copy = async |context: &Context| {
        let before = copy.readers.load(Ordering::SeqCst);
        engine.find(context, "thing", QueryInput::default()).await.unwrap();
        copy.readers.load(Ordering::SeqCst) > before
    };
    assert!(at_copy(&world.local).await);
    engine
        .create(&world.local, "thing", fields(json!({ "name": "a" })))
        .await
        .unwrap();
    assert!(!at_copy(&world.local).await);
    assert!(at_copy(&other).await);
    world.clock.0.fetch_add(999, Ordering::SeqCst);
    assert!(!at_copy(&world.local).await);
    world.clock.0.fetch_add(1, Ordering::SeqCst);
    assert!(at_copy(&world.local).await);
}
