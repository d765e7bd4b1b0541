//! A state of the database that a connection holds on to over several reads: a deferred transaction, which cannot write and
//! begins with the first read in it.
//!
//! It ends with the read that wanted it: as long as it is open, the log of the database cannot be folded into the file, and
//! grows. Not here: who wants it (`engine::snapshot`). Called by the pool, which also ends it for whoever went away.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::StreamExt as _;
use sqlx::Executor as _;

use super::{Connection, Failure, Seen};
use crate::store::StorageCall;

impl Connection {
    /// Whether a state is held, or may still be.
    pub(in crate::store::sqlite) fn holds(&self) -> bool {
        self.holds
    }

    /// All reads from now on see one state. Does nothing where one is held.
    pub(in crate::store::sqlite) async fn hold(&mut self) -> Result<(), Failure> {
        if self.holds {
            return Ok(());
        }
        // Before it is tried: whoever goes away meanwhile may leave it open.
        self.holds = true;
        self.bare(StorageCall::Begin, "BEGIN").await
    }

    /// Lets go of the state.
    pub(in crate::store::sqlite) async fn release(&mut self) -> Result<(), Failure> {
        self.bare(StorageCall::Commit, "COMMIT").await?;
        self.holds = false;
        Ok(())
    }

    /// Lets go of the state for whoever went away, without waiting: what still runs is interrupted, and the end of the
    /// transaction is handed over to the thread of the database. [`Connection::settle`] comes before the next use.
    pub(in crate::store::sqlite) fn let_go(&mut self) {
        self.set_limit(Some(Duration::ZERO));
        let mut ending = self.inner.fetch_many(sqlx::query::<sqlx::Sqlite>("ROLLBACK"));
        // The first look hands it over.
        let mut task = Context::from_waker(Waker::noop());
        let _ = ending.poll_next_unpin(&mut task);
    }

    /// Makes sure that nothing is held, for the next one who uses the connection.
    pub(in crate::store::sqlite) async fn settle(&mut self) -> Result<(), Failure> {
        if !self.holds {
            return Ok(());
        }
        match self.bare(StorageCall::Rollback, "ROLLBACK").await {
            // Refused where the transaction is over, as it should be.
            Ok(()) | Err(Failure::Refused(_)) => {
                self.holds = false;
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn bare(&mut self, call: StorageCall, sql: &'static str) -> Result<(), Failure> {
        let mut nothing = |_: Seen<'_>| {};
        self.run(call, Arc::from(sql), &[], true, &mut nothing).await
    }
}
