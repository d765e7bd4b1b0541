//! The readers. A connection goes back on the spot when its lease is dropped, without a task and without waking anybody
//! but the next in line: sqlx's own pool spawns a task for each, which costs a quarter of the throughput here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::SqliteOptions;
use super::connection::{Connection, Seen};
use crate::error::{DataError, Result};
use crate::store::waiting::free_within;
use crate::store::{BoxFuture, Reader, RowVisitor, Statement, StorageCall};

/// How long closing waits for readers that are in use.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Arc<SqliteOptions>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    closed: AtomicBool,
}

impl Pool {
    pub(super) async fn open(options: Arc<SqliteOptions>) -> Result<Self> {
        // One at once, the others when they are needed: a small app gets by with a small memory.
        let first = Connection::open(&options, true).await?;
        let permits = Arc::new(Semaphore::new(options.readers));
        Ok(Self(Arc::new(Shared {
            options,
            idle: Mutex::new(vec![first]),
            permits,
            closed: AtomicBool::new(false),
        })))
    }

    /// A reader; waits for one when all are in use.
    ///
    /// Fails with `StoreClosed`, `NoConnection` when none came free in time, `Database` when a new one cannot be made.
    pub(super) async fn lease(&self) -> Result<Lease> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(DataError::StoreClosed);
        }
        let permit = match Arc::clone(&self.0.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => free_within(self.0.options.connect_timeout, &self.0.permits).await?,
        };
        let idle = self.0.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.0.options, true).await?,
        };
        connection.set_limit(Some(self.0.options.query_timeout));
        Ok(Lease {
            connection: Some(connection),
            pool: Arc::clone(&self.0),
            _permit: permit,
        })
    }

    pub(super) async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.0.options.readers).unwrap_or(u32::MAX);
        if tokio::time::timeout(CLOSE_LIMIT, self.0.permits.acquire_many(all))
            .await
            .is_err()
        {
            tracing::warn!("a reader was still in use when the store closed");
        }
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        for connection in idle {
            connection.close().await;
        }
    }

    /// All, and those not in use.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.0.options.readers, self.0.permits.available_permits())
    }
}

/// A reader in use.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Shared>,
    // Dropped after the connection went back: the next in line finds it.
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(Connection::sound) else {
            return;
        };
        connection.set_limit(None);
        self.pool.idle.lock().push(connection);
    }
}

impl Reader for Lease {
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let connection = self
                .connection
                .as_mut()
                .ok_or_else(|| DataError::internal("a lease without connection"))?;
            let (sql, values) = (Arc::clone(&statement.sql), statement.values.clone());
            let ran = if statement.single {
                connection.run_single(sql, values, &mut |row| each(row)).await
            } else {
                let mut rows = |seen: Seen<'_>| {
                    if let Seen::Row(row) = seen {
                        each(row);
                    }
                };
                connection.run(StorageCall::Read, sql, values, true, &mut rows).await
            };
            ran.map_err(|failure| failure.into_error("be read"))
        })
    }
}
