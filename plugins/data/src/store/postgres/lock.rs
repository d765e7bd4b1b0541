//! A lock among all hosts on one database: an advisory lock of a transaction that stays open meanwhile, on a connection of its
//! own. A host that dies loses its connection, and with it the lock.

use std::fmt;

use super::own::LOCK_SPACE;
use super::pool::Lease;
use crate::error::Result;
use crate::store::{BoxFuture, StorageCall, StoreLock};

/// A lock that is held.
pub(super) struct Held(Lease);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// Waits for the lock of a name.
pub(super) async fn take(mut lease: Lease, name: &str) -> Result<Held> {
    let name = name.replace('\'', "''");
    let sql = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SELECT pg_advisory_xact_lock({LOCK_SPACE}, hashtext(current_schema() || '.lock.{name}'))"
    );
    loop {
        let connection = lease.connection().await?;
        match connection.plain(StorageCall::Begin, &sql).await {
            Ok(()) => {
                // Dropped without a word, the connection does not go back to the others with the lock still on it.
                connection.reserve(true);
                return Ok(Held(lease));
            }
            // A lock that was had goes with its connection.
            Err(failure) if lease.again(&failure) => {}
            Err(failure) => return Err(failure.into_error("be locked")),
        }
    }
}

impl StoreLock for Held {
    fn release(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Some(connection) = self.0.held() else { return };
            connection.reserve(false);
            if let Err(failure) = connection.plain(StorageCall::Rollback, "ROLLBACK").await {
                tracing::debug!(failure = ?failure, "a lock went with its connection");
            }
        })
    }
}
