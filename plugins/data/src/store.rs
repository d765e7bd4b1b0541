//! Where records lie: a small interface that a database driver implements, with SQLite and PostgreSQL behind it.
//!
//! A store runs SQL that `query` and `engine` wrote for its [`Dialect`]; it knows no objects, no permissions and no JSON of
//! records. Reads run on connections that cannot write, and that hold one state of the database over several reads where that
//! is wanted. Writes are data ([`WriteUnit`]), not code: the store groups the units that wait, runs each behind a savepoint,
//! commits once, and answers all.
//!
//! Invariants: identifiers in a statement come from the catalogue and are quoted by the dialect, values are always bound; a
//! unit is stored whole or not at all; nothing is answered before it is committed.

mod datasources;
mod ddl;
mod dialect;
mod doubled;
mod failure;
mod fault;
mod made;
mod mention;
mod postgres;
mod sqlite;
mod statement;
mod told;
mod waiting;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use objectos_plugin_api::contracts::events::{ChangedElsewhere, ChangedRecord};

use crate::error::Result;
use crate::schema::{DatabaseShape, SchemaStep};

pub use datasources::{DEFAULT as DEFAULT_DATASOURCE, Datasources};
pub use dialect::{AnyCase, Calendar, Construct, Dialect, Family, Letters, PostgresDialect, Powers, SqliteDialect};
pub(crate) use doubled::doubled;
pub use fault::{Fault, Probe, StorageCall};
pub use postgres::{PostgresOptions, PostgresStore};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use statement::{Cell, Expect, Outcome, Refusal, Row, SqlValue, Statement, Step, WriteUnit};
pub(crate) use told::shape_for;
pub use waiting::HoldRight;

/// A boxed future, as the methods of a trait object answer them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sees the rows of a read, one after the other.
pub type RowVisitor<'a> = dyn FnMut(&dyn Row) + Send + 'a;

/// Is told of what other processes changed.
pub type Heard = dyn Fn(ChangedElsewhere) + Send + Sync;

/// A database.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// How it spells what databases spell differently.
    fn dialect(&self) -> &'static dyn Dialect;

    /// A connection for reading; goes back when it is dropped. Safe to drop at any time.
    ///
    /// Fails with `StoreClosed`, `NoConnection` when all are in use for too long, `Database` when none can be made.
    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>>;

    /// A connection for reading what others may have changed a moment ago: perhaps to a copy of the database that follows
    /// it. Never to be used for what a write relies on.
    ///
    /// Fails as [`Store::reader`].
    fn replica_reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        self.reader()
    }

    /// The right to hold a connection over several reads ([`Reader::hold`]): taken before the connection, and kept as long as it is
    /// held. There are as many as three quarters of the connections for reading, copies of the database left out, and one at least:
    /// so reads of one statement find a connection, however many others hold one. Safe to drop at any time.
    ///
    /// Fails with `StoreClosed`, or `NoConnection` when all are taken for too long.
    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>>;

    /// How far a [`Store::replica_reader`] may be behind, milliseconds: for so long after a write whoever wrote reads from the
    /// database itself. 0 where there is no copy.
    fn replica_lag_ms(&self) -> u64 {
        0
    }

    /// Whether other processes may write to the database at the same time: then nothing that lies in it may be counted on in
    /// memory.
    fn shared(&self) -> bool {
        false
    }

    /// The statement that, as a step of a unit, tells all other processes of its changes once it is committed; `None` where no
    /// other process can be.
    fn announcement(&self, records: Vec<ChangedRecord>) -> Option<Statement> {
        let _ = records;
        None
    }

    /// Calls `heard` with what other processes announce, until it is dropped. Never misses anything without saying so, and
    /// says so within about a second; says it at the begin too, since nobody knows what was before. Does nothing where no
    /// other process can be.
    fn listen<'a>(&'a self, heard: &'a Heard) -> BoxFuture<'a, ()> {
        let _ = heard;
        Box::pin(std::future::pending())
    }

    /// Waits until this process alone holds the lock of a name, among all that use the database.
    ///
    /// Fails as [`Store::reader`].
    fn lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Box<dyn StoreLock>>> {
        let _ = name;
        Box::pin(async { Ok(Box::new(NoLock) as Box<dyn StoreLock>) })
    }

    /// Stores a unit of changes, whole or not at all; answered once it is committed. A caller that goes away does not stop
    /// a unit that was handed over. Of a trial nothing is stored, whatever is answered.
    ///
    /// Fails with `StoreClosed` or `NoConnection` (nothing was stored), or `Database` (nothing was stored, as far as the database
    /// could say).
    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>>;

    /// Whether the rows of a table lie in several, as the partitions of one do: then the place of a row, where a database has such,
    /// is that of other rows as well. As [`Store::shape`] last found it, with what was done since to the tables by this store.
    fn scattered(&self, table: &str) -> bool {
        let _ = table;
        false
    }

    /// The tables that are there, but for the store's own.
    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>>;

    /// Changes tables, all steps in one transaction, between the writes of others.
    ///
    /// Fails with `Database`, or `Duplicate` when a unique index finds values that are not.
    fn change_schema(&self, steps: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>>;

    /// Changes tables and stores a unit, all of it in one transaction. The unit is alone with what it relies on: whoever calls
    /// holds a lock that keeps others from changing it.
    ///
    /// Fails as [`Store::change_schema`] and [`Store::write`].
    fn change_schema_with(&self, steps: Vec<SchemaStep>, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>>;

    /// Ends the writes that wait, then closes every connection. Afterwards another process may own the database.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// Figures for health and metrics.
    fn status(&self) -> StoreStatus;
}

/// A lock that no other process holds. Goes with the process at the latest.
pub trait StoreLock: Send {
    /// Gives it up.
    fn release(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Where no other process can be.
#[derive(Debug)]
struct NoLock;

impl StoreLock for NoLock {
    fn release(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// A connection for reading.
pub trait Reader: Send {
    /// Runs a query; `each` sees its rows.
    ///
    /// Fails with `QueryTimeout` or `Database`; rows may have been seen by then. Between [`Reader::hold`] and
    /// [`Reader::release`] also with `Locked`: the state that was held is lost, and all of it is to be read anew.
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>>;

    /// All reads from now on see one state of the database, that of the first of them, until [`Reader::release`]. Does
    /// nothing where it is so already. Whoever drops the connection meanwhile lets go of the state at once.
    ///
    /// Fails with `Database`, or `Locked`.
    fn hold(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Lets go of the state. Fails never: at worst the connection goes with it.
    fn release(&mut self) -> BoxFuture<'_, ()>;
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
