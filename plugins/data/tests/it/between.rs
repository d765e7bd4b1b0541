//! A store with somebody between its calls: what they do there happens at that place and nowhere else, whatever the machine
//! does meanwhile. For engines of their own on the records of a world, beside which others use the store itself.
//!
//! A write is one call: nobody stands inside of its transaction. Not here: what is done there. That have `engine::snapshots`,
//! `engine::interleavings::calls` and `datasources`.

use std::fmt;
use std::sync::Arc;

use objectos_data::error::Result;
use objectos_data::schema::{DatabaseShape, SchemaStep};
use objectos_data::store::{
    BoxFuture, Dialect, HoldRight, Outcome, Reader, RowVisitor, Statement, Store, StoreStatus, WriteUnit,
};

/// Where somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A statement is about to be run; what state it sees is held already, if any is.
    BeforeRead,
    /// Its rows were seen.
    AfterRead,
    /// A unit is about to be handed over.
    BeforeWrite,
}

/// Whoever stands there.
pub(crate) trait Stand: Send + Sync + 'static {
    /// What they do before the call goes on. An error is the answer of the call.
    fn at(&self, place: Place) -> BoxFuture<'_, Result<()>>;
}

/// The store.
pub(crate) struct Between {
    store: Arc<dyn Store>,
    stand: Arc<dyn Stand>,
}

impl Between {
    pub(crate) fn on(store: &Arc<dyn Store>, stand: Arc<dyn Stand>) -> Arc<dyn Store> {
        let store = Arc::clone(store);
        Arc::new(Self { store, stand })
    }
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Between")
    }
}

impl Store for Between {
    fn dialect(&self) -> &'static dyn Dialect {
        self.store.dialect()
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        Box::pin(async {
            let reader = BetweenReads {
                reader: self.store.reader().await?,
                stand: Arc::clone(&self.stand),
            };
            Ok(Box::new(reader) as Box<dyn Reader>)
        })
    }

    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>> {
        self.store.hold_right()
    }

    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(async move {
            self.stand.at(Place::BeforeWrite).await?;
            self.store.write(unit).await
        })
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

struct BetweenReads {
    reader: Box<dyn Reader>,
    stand: Arc<dyn Stand>,
}

impl Reader for BetweenReads {
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.stand.at(Place::BeforeRead).await?;
            self.reader.read(statement, each).await?;
            self.stand.at(Place::AfterRead).await
        })
    }

    fn hold(&mut self) -> BoxFuture<'_, Result<()>> {
        self.reader.hold()
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        self.reader.release()
    }
}
