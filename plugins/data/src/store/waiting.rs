//! Waiting for a connection while all are in use: as long as the configuration allows (`connectTimeoutMs`), so that a pool that
//! stays full turns callers away and no line of requests grows behind it. Not here: making a connection, which has the same limit
//! of its own. Called by the pools of both databases.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{DataError, Result};

/// The right to one of the connections, in the order in which it was asked for.
///
/// Fails with `NoConnection` when none came free in time, `StoreClosed` when the pool closed meanwhile.
pub(super) async fn free_within(limit: Duration, permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    match tokio::time::timeout(limit, Arc::clone(permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(DataError::StoreClosed),
        Err(_) => Err(DataError::NoConnection {
            waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_served_or_turned_away() {
        let permits = Arc::new(Semaphore::new(1));
        let (short, long) = (Duration::from_millis(5), Duration::from_secs(60));
        let only = free_within(long, &permits).await.unwrap();
        let error = free_within(short, &permits).await.unwrap_err();
        assert!(matches!(error, DataError::NoConnection { waited_ms: 5 }), "{error:?}");
        let (next, ()) = tokio::join!(free_within(long, &permits), async { drop(only) });
        drop(next.unwrap());
        permits.close();
        let error = free_within(long, &permits).await.unwrap_err();
        assert!(matches!(error, DataError::StoreClosed), "{error:?}");
    }
}
