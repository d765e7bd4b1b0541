//! Connections to one server, made when they are needed and kept. One goes back on the spot when its lease is dropped; one
//! that was left in the middle of an answer, or whose line failed, is given up. One that holds a state of the database lets go
//! of it first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PostgresOptions;
use super::connection::{Connection, Failure};
use crate::error::{DataError, Result};
use crate::store::waiting::free_within;
use crate::store::{BoxFuture, Reader, RowVisitor, Statement, StorageCall};

/// How long closing waits for connections that are in use.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How long the server may take to end a transaction that nobody waits for; beyond, its connection is closed.
const LET_GO_LIMIT: Duration = Duration::from_secs(5);
/// All statements see what the first of them sees.
const BEGIN_HELD: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Arc<PostgresOptions>,
    url: String,
    reads_only: bool,
    size: usize,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    closed: AtomicBool,
}

impl Pool {
    /// Of so many connections at most; none is made yet.
    pub(super) fn new(options: &Arc<PostgresOptions>, url: &str, reads_only: bool, size: usize) -> Self {
        Self(Arc::new(Shared {
            options: Arc::clone(options),
            url: url.to_owned(),
            reads_only,
            size,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(size)),
            closed: AtomicBool::new(false),
        }))
    }

    /// A connection; waits for one when all are in use, as long as for a new one.
    ///
    /// Fails with `StoreClosed`, `NoConnection` when none came free in time, `Database` when a new one cannot be made.
    pub(super) async fn lease(&self) -> Result<Lease> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(DataError::StoreClosed);
        }
        let permit = free_within(self.0.options.connect_timeout, &self.0.permits).await?;
        let idle = self.0.idle.lock().pop();
        let (connection, kept) = match idle {
            Some(connection) => (connection, true),
            None => (self.0.connect().await?, false),
        };
        Ok(Lease {
            connection: Some(connection),
            kept,
            holds: false,
            pool: Arc::clone(&self.0),
            permit: Some(permit),
        })
    }

    pub(super) async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.0.size).unwrap_or(u32::MAX);
        if tokio::time::timeout(CLOSE_LIMIT, self.0.permits.acquire_many(all))
            .await
            .is_err()
        {
            tracing::warn!("a database connection was still in use when the store closed");
        }
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        for connection in idle {
            connection.close().await;
        }
    }

    /// All, and those not in use.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.0.size, self.0.permits.available_permits())
    }
}

impl Shared {
    async fn connect(&self) -> Result<Connection> {
        Connection::open(&self.options, &self.url, self.reads_only).await
    }

    /// Takes a connection back.
    fn keep(&self, connection: Connection) {
        if !self.closed.load(Ordering::Acquire) {
            self.idle.lock().push(connection);
        }
    }
}

/// A connection in use.
pub(super) struct Lease {
    connection: Option<Connection>,
    /// It was idle before: the server may have closed it meanwhile.
    kept: bool,
    /// A transaction is open that keeps one state for all reads.
    holds: bool,
    pool: Arc<Shared>,
    // Dropped after the connection went back: the next in line finds it.
    permit: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

impl Lease {
    /// The connection; another one when the last is broken.
    pub(super) async fn connection(&mut self) -> Result<&mut Connection> {
        if self.connection.as_ref().is_none_or(|connection| !connection.sound()) {
            self.connection = None;
            self.kept = false;
            self.connection = Some(self.pool.connect().await?);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| DataError::internal("a lease without connection"))
    }

    /// The connection as it is, none in its place.
    pub(super) fn held(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// A read within the transaction: what fails cannot be made again there, nor on another connection.
    async fn read_held<'a>(&mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> Result<()> {
        let Some(connection) = self.connection.as_mut().filter(|connection| connection.sound()) else {
            return Err(DataError::internal(
                "the connection that held a state of the database is gone",
            ));
        };
        let mut seen = false;
        let ran = connection
            .run(StorageCall::Read, &statement.sql, &statement.values, &mut |row| {
                if !(statement.single && seen) {
                    each(row);
                }
                seen = true;
            })
            .await;
        match ran {
            Ok(_) => Ok(()),
            Err(Failure::Stale(source)) => {
                let ended = connection.plain(StorageCall::Rollback, "ROLLBACK").await;
                ended.map_err(|failure| failure.into_error("be read"))?;
                self.holds = false;
                connection.forget_statements().await;
                // One that fails when it is prepared anew is wrong, and was not overtaken by a change of the tables.
                let again = connection
                    .run(StorageCall::Read, &statement.sql, &statement.values, &mut |_| {})
                    .await;
                again.map_err(|failure| failure.into_error("be read"))?;
                Err(DataError::Locked { source: source.into() })
            }
            Err(failure) => Err(failure.into_error("be read")),
        }
    }

    /// After a failure of a call that changed nothing: whether the same call may be made again. A connection that was kept
    /// idle may have been closed by the server, and so may have been all others.
    pub(super) fn again(&mut self, failure: &Failure) -> bool {
        match failure {
            Failure::Broken(_) if self.kept => {
                self.kept = false;
                self.pool.idle.lock().clear();
                true
            }
            _ => false,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(Connection::sound) else {
            return;
        };
        if !self.holds {
            self.pool.keep(connection);
            return;
        }
        // Where no task can be, the connection is closed, and the server ends the transaction.
        if let Ok(runtime) = Handle::try_current() {
            let ending = let_go(Arc::clone(&self.pool), connection, self.permit.take());
            drop(runtime.spawn(ending));
        }
    }
}

/// Ends the transaction of a reader who went away, and takes the connection back. It counts as in use until then.
async fn let_go(pool: Arc<Shared>, mut connection: Connection, permit: Option<OwnedSemaphorePermit>) {
    let ending = connection.plain(StorageCall::Rollback, "ROLLBACK");
    if matches!(tokio::time::timeout(LET_GO_LIMIT, ending).await, Ok(Ok(()))) {
        pool.keep(connection);
    }
    drop(permit);
}

impl Reader for Lease {
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.holds {
                return self.read_held(statement, each).await;
            }
            let mut stale = false;
            loop {
                let mut seen = false;
                let connection = self.connection().await?;
                let ran = connection
                    .run(StorageCall::Read, &statement.sql, &statement.values, &mut |row| {
                        // At most one is wanted, whatever the statement says.
                        if !(statement.single && seen) {
                            each(row);
                        }
                        seen = true;
                    })
                    .await;
                match ran {
                    Ok(_) => return Ok(()),
                    Err(Failure::Stale(_)) if !seen && !stale => {
                        stale = true;
                        connection.forget_statements().await;
                    }
                    Err(failure) if !seen && self.again(&failure) => {}
                    Err(failure) => return Err(failure.into_error("be read")),
                }
            }
        })
    }

    fn hold(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            while !self.holds {
                let connection = self.connection().await?;
                match connection.plain(StorageCall::Begin, BEGIN_HELD).await {
                    Ok(()) => self.holds = true,
                    Err(failure) if self.again(&failure) => {}
                    Err(failure) => return Err(failure.into_error("be read")),
                }
            }
            Ok(())
        })
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if !std::mem::take(&mut self.holds) {
                return;
            }
            let Some(connection) = self.connection.as_mut().filter(|connection| connection.sound()) else {
                return;
            };
            // One that is left in the middle of this does not go back either.
            if let Err(failure) = connection.plain(StorageCall::Commit, "COMMIT").await {
                tracing::debug!(failure = ?failure, "a state of the database goes with the connection that held it");
                self.connection = None;
            }
        })
    }
}
