//! The readers. A connection goes back on the spot when its lease is dropped, without a task and without waking anybody
//! but the next in line: sqlx's own pool spawns a task for each, which costs a quarter of the throughput here. One that holds a
//! state of the database lets go of it then.

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
            Some(connection) if !connection.holds() => connection,
            // Boxed: whoever finds one that is ready needs no room for this.
            Some(connection) => Box::pin(self.0.settled(connection)).await?,
            None => Box::pin(Connection::open(&self.0.options, true)).await?,
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

impl Shared {
    /// A connection that was kept, without what the last one who had it left open.
    async fn settled(&self, mut connection: Connection) -> Result<Connection> {
        connection.set_limit(Some(self.options.query_timeout));
        match connection.settle().await {
            Ok(()) => Ok(connection),
            Err(failure) => {
                tracing::debug!(failure = ?failure, "a connection that could not be settled is closed");
                Connection::open(&self.options, true).await
            }
        }
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

impl Lease {
    fn connection(&mut self) -> Result<&mut Connection> {
        self.connection
            .as_mut()
            .ok_or_else(|| DataError::internal("a lease without connection"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(Connection::sound) else {
            return;
        };
        if connection.holds() {
            connection.let_go();
        } else {
            connection.set_limit(None);
        }
        self.pool.idle.lock().push(connection);
    }
}

impl Reader for Lease {
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let limit = self.pool.options.query_timeout;
            let connection = self.connection()?;
            if connection.holds() {
                // It is kept over several statements, and each has its own time.
                connection.set_limit(Some(limit));
            }
            let (sql, values) = (Arc::clone(&statement.sql), &statement.values);
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

    fn hold(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let held = self.connection()?.hold().await;
            held.map_err(|failure| failure.into_error("be read"))
        })
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(connection) = self.connection.as_mut().filter(|connection| connection.holds()) else {
                return;
            };
            if let Err(failure) = connection.release().await {
                tracing::debug!(failure = ?failure, "a state of the database goes with the connection that held it");
                self.connection = None;
            }
        })
    }
}
