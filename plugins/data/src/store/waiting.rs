//! Waiting for a connection while all are in use, and for the right to hold one over several statements: as long as the
//! configuration allows (`connectTimeoutMs`), so that a pool that stays full turns callers away and no line of requests grows
//! behind it. Not here: making a connection, which has the same limit of its own. Called by the pools and stores of both
//! databases.

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

/// The right to hold a connection over several statements ([`super::Store::hold_right`]). Goes back when it is dropped. By default
/// one that nobody counts.
#[derive(Debug, Default)]
pub struct HoldRight {
    _permit: Option<OwnedSemaphorePermit>,
}

/// The rights of one database.
#[derive(Debug)]
pub(super) struct HoldRights {
    permits: Arc<Semaphore>,
    limit: Duration,
}

impl HoldRights {
    /// For three quarters of so many connections: whoever runs one statement finds one of the others, however long rights are
    /// kept. Where there is only one connection it may be held, since nothing could be read over several statements otherwise.
    pub(super) fn new(connections: usize, limit: Duration) -> Self {
        let free = connections.div_ceil(4);
        Self {
            permits: Arc::new(Semaphore::new((connections - free).max(1))),
            limit,
        }
    }

    /// One of them; waits for it when all are taken.
    ///
    /// Fails as [`free_within`].
    pub(super) async fn take(&self) -> Result<HoldRight> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => free_within(self.limit, &self.permits).await?,
        };
        Ok(HoldRight { _permit: Some(permit) })
    }

    /// There are none any more, and whoever waits is told so.
    pub(super) fn close(&self) {
        self.permits.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn three_quarters_of_the_connections_may_be_held_and_one_at_least() {
        for (connections, expected) in [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (8, 6), (75, 56)] {
            let rights = HoldRights::new(connections, Duration::from_millis(5));
            let mut taken = Vec::new();
            while let Ok(right) = rights.take().await {
                taken.push(right);
            }
            assert_eq!(taken.len(), expected, "of {connections}");
            drop(taken.pop());
            taken.push(rights.take().await.unwrap());
            rights.close();
            let error = rights.take().await.unwrap_err();
            assert!(matches!(error, DataError::StoreClosed), "{error:?}");
        }
    }

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
