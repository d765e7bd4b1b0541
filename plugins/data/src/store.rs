//! Where records lie: a small interface that a database driver implements, and SQLite behind it.
//!
//! A store runs SQL that `query` and `engine` wrote for its [`Dialect`]; it knows no objects, no permissions and no JSON of
//! records. Reads run on connections that cannot write. Writes are data ([`WriteUnit`]), not code: the store groups the units
//! that wait, runs each behind a savepoint, commits once, and answers all.
//!
//! Invariants: identifiers in a statement come from the catalogue and are quoted by the dialect, values are always bound; a
//! unit is stored whole or not at all; nothing is answered before it is committed.

mod dialect;
mod fault;
mod sqlite;
mod statement;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::error::Result;
use crate::schema::{DatabaseShape, SchemaStep};

pub use dialect::{Dialect, SqliteDialect};
pub use fault::{Fault, Probe, StorageCall};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use statement::{Cell, Expect, Outcome, Refusal, Row, SqlValue, Statement, Step, WriteUnit};

/// A boxed future, as the methods of a trait object answer them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sees the rows of a read, one after the other.
pub type RowVisitor<'a> = dyn FnMut(&dyn Row) + Send + 'a;

/// A database.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// How it spells what databases spell differently.
    fn dialect(&self) -> &'static dyn Dialect;

    /// A connection for reading; goes back when it is dropped. Safe to drop at any time.
    ///
    /// Fails with `StoreClosed`, or `Database` when no connection can be made.
    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>>;

    /// Stores a unit of changes, whole or not at all; answered once it is committed. A caller that goes away does not stop
    /// a unit that was handed over.
    ///
    /// Fails with `StoreClosed` (nothing was stored) or `Database` (nothing was stored, as far as the database could say).
    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>>;

    /// The tables that are there, but for the store's own.
    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>>;

    /// Changes tables, all steps in one transaction, between the writes of others.
    ///
    /// Fails with `Database`, or `Duplicate` when a unique index finds values that are not.
    fn change_schema(&self, steps: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>>;

    /// Ends the writes that wait, then closes every connection. Afterwards another process may own the database.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// Figures for health and metrics.
    fn status(&self) -> StoreStatus;
}

/// A connection for reading.
pub trait Reader: Send {
    /// Runs a query; `each` sees its rows.
    ///
    /// Fails with `QueryTimeout` or `Database`; rows may have been seen by then.
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>>;
}

/// Figures of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStatus {
    /// Connections for reading.
    pub readers: usize,
    /// Of these, not in use.
    pub readers_idle: usize,
    /// Transactions committed.
    pub commits: u64,
    /// Units in them.
    pub units: u64,
    /// False once the store was closed.
    pub open: bool,
}
