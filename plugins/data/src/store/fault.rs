//! A place to stand beside the database and make its calls fail, for tests of what happens then. Off in production: a store
//! without a probe pays one comparison for each call.

use std::fmt;

/// One call to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageCall {
    /// A query.
    Read,
    /// Begin of a transaction.
    Begin,
    /// The steps of a unit.
    Unit,
    /// A savepoint is given up.
    Undo,
    /// End of a transaction.
    Commit,
    /// A transaction is given up.
    Rollback,
}

/// What to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails and was never made.
    Before,
    /// It is made, but its answer is lost.
    After,
}

/// Told of every call before it is made.
pub trait Probe: Send + Sync + fmt::Debug + 'static {
    /// What to do with it; `None` lets it be.
    fn call(&self, call: StorageCall) -> Option<Fault>;
}
