//! One connection: runs SQL, tells rows, and says what kind of failure came.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::StreamExt;
use sqlx::postgres::{PgConnection, PgDatabaseError, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, SqlSafeStr as _, Statement as _,
};

use super::PostgresOptions;
use super::value::{PostgresCells, arguments};
use crate::error::{DataError, Result};
pub(super) use crate::store::failure::Failure;
use crate::store::{Fault, Probe, Row, SqlValue, StorageCall};

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    inner: PgConnection,
    probe: Option<Arc<dyn Probe>>,
    /// A run began and has not ended: its answers are still to come.
    busy: bool,
    broken: bool,
}

impl Connection {
    /// Connects; `reads_only` refuses every change.
    pub(super) async fn open(options: &PostgresOptions, url: &str, reads_only: bool) -> Result<Self> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| DataError::Database {
            doing: "be reached",
            source,
        };
        let connect = options.connect_options(url)?;
        let inner = tokio::time::timeout(options.connect_timeout, connect.connect())
            .await
            .map_err(|_| failed("no connection within the time for it".into()))?
            .map_err(|error| failed(error.into()))?;
        let mut connection = Self {
            inner,
            probe: None,
            busy: false,
            broken: false,
        };
        let settings = options.session_settings(reads_only);
        let set = connection.plain(StorageCall::Begin, &settings).await;
        set.map_err(|failure| failure.into_error("be reached"))?;
        connection.probe.clone_from(&options.probe);
        Ok(connection)
    }

    /// Holds something that must not be handed on.
    pub(super) fn reserve(&mut self, reserved: bool) {
        self.busy = reserved;
    }

    /// May be used again.
    pub(super) fn sound(&self) -> bool {
        !self.broken && !self.busy
    }

    /// Runs one statement and answers how many rows it changed.
    pub(super) async fn run(
        &mut self,
        call: StorageCall,
        sql: &Arc<str>,
        values: &[SqlValue],
        each: &mut (dyn FnMut(&dyn Row) + Send),
    ) -> Result<u64, Failure> {
        let fault = self.probe.as_ref().and_then(|probe| probe.call(call));
        if fault == Some(Fault::Before) {
            return Err(self.injected());
        }
        self.busy = true;
        let ran = self.fetch(sql, values, each).await;
        self.busy = false;
        let changed = ran.map_err(|error| self.failure(error))?;
        if fault == Some(Fault::After) {
            return Err(self.injected());
        }
        Ok(changed)
    }

    async fn fetch(
        &mut self,
        sql: &Arc<str>,
        values: &[SqlValue],
        each: &mut (dyn FnMut(&dyn Row) + Send),
    ) -> Result<u64, sqlx::Error> {
        let sql = match numbered(sql) {
            Cow::Borrowed(_) => AssertSqlSafe(Arc::clone(sql)).into_sql_str(),
            Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
        };
        // Prepared once for each connection; from then on this asks nobody.
        let statement = (&mut self.inner).prepare(sql).await?;
        let types: &[PgTypeInfo] = match statement.parameters() {
            Some(Either::Left(types)) => types,
            _ => &[],
        };
        let arguments = arguments(types, values)?;
        let mut changed = 0;
        let mut stream = (&mut self.inner).fetch_many(statement.query_with(arguments));
        while let Some(item) = stream.next().await {
            match item? {
                Either::Left(done) => changed += done.rows_affected(),
                Either::Right(row) => each(&PostgresCells::new(row)),
            }
        }
        Ok(changed)
    }

    /// Runs words without values, several statements if need be, none of them kept prepared.
    pub(super) async fn plain(&mut self, call: StorageCall, sql: &str) -> Result<(), Failure> {
        let fault = self.probe.as_ref().and_then(|probe| probe.call(call));
        if fault == Some(Fault::Before) {
            return Err(self.injected());
        }
        self.busy = true;
        let ran = (&mut self.inner).execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        self.busy = false;
        ran.map_err(|error| self.failure(error))?;
        if fault == Some(Fault::After) {
            return Err(self.injected());
        }
        Ok(())
    }

    /// Forgets what was prepared.
    pub(super) async fn forget_statements(&mut self) {
        self.busy = true;
        match self.inner.clear_cached_statements().await {
            Ok(()) => self.busy = false,
            Err(error) => tracing::debug!(error = %error, "prepared statements could not be closed"),
        }
    }

    /// Ends the connection in good order.
    pub(super) async fn close(self) {
        if let Err(error) = self.inner.close().await {
            tracing::debug!(error = %error, "a database connection did not close");
        }
    }

    /// As if the line to the database had failed: nothing is known about the state of the connection.
    fn injected(&mut self) -> Failure {
        self.broken = true;
        Failure::Broken("a fault was injected".into())
    }

    fn failure(&mut self, error: sqlx::Error) -> Failure {
        let database = match &error {
            sqlx::Error::Database(database) => database.try_downcast_ref::<PgDatabaseError>(),
            // Nothing was sent.
            sqlx::Error::Encode(_) => return Failure::Refused(error),
            _ => None,
        };
        let Some(database) = database else {
            self.broken = true;
            return Failure::Broken(error.into());
        };
        match database.code() {
            "23505" => unique(database),
            "40001" | "40P01" | "55P03" => Failure::Conflict(error),
            "57014" => Failure::Interrupted,
            // The plan or the types that were prepared are of other tables than those that are there.
            "0A000" | "26000" | "42804" | "42883" => Failure::Stale(error),
            "54000" => Failure::TooLong {
                index: database.constraint().map(str::to_owned),
            },
            code if code.starts_with("23") => Failure::Constraint {
                message: database.message().to_owned(),
            },
            code if code.starts_with("08") || code.starts_with("57") => {
                self.broken = true;
                Failure::Broken(error.into())
            }
            _ => Failure::Refused(error),
        }
    }
}

fn unique(database: &PgDatabaseError) -> Failure {
    let index = database.constraint().unwrap_or_default();
    // The key of a table has the name that PostgreSQL gives it.
    if index.ends_with("_pkey") {
        return Failure::Unique {
            columns: vec!["id".to_owned()],
            index: None,
        };
    }
    Failure::Unique {
        columns: Vec::new(),
        index: Some(index.to_owned()),
    }
}

/// The store's own statements are written once for every database, with `?`; here they get their numbers.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('?') {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len() + 16);
    let (mut quote, mut position) = (None, 0);
    for (at, character) in sql.char_indices() {
        match (quote, character) {
            // `?|` is an operator of jsonb; `?||` is a place before another text.
            (None, '?') if sql[at..].starts_with("?| ") => {}
            (None, '?') => {
                position += 1;
                out.push_str(&format!("${position}"));
                continue;
            }
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        out.push(character);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn placeholders_get_their_numbers() {
        assert_eq!(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
        assert_eq!(numbered("\"a?\" = '?' AND b = ?"), "\"a?\" = '?' AND b = $1");
        assert_eq!(numbered("a = $1"), "a = $1");
        assert_eq!(numbered("a ?| ARRAY[?] AND b = ?||c"), "a ?| ARRAY[$1] AND b = $2||c");
    }
}
