//! Another process holds the file of a SQLite database: writes wait for it as long as they may, and then say so.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use objectos_data::error::DataError;
use objectos_data::store::{Expect, Outcome, SqliteOptions, SqliteStore, Statement, Store, WriteUnit};
use objectos_plugin_api::ErrorKind;
use sqlx::{Connection as _, SqliteConnection};

async fn open(folder: &Path, busy_timeout: Duration) -> Arc<SqliteStore> {
    let options = SqliteOptions {
        busy_timeout,
        ..SqliteOptions::new(folder.join("data.db"))
    };
    Arc::new(SqliteStore::open(options).await.unwrap())
}

/// Somebody else, who holds the file until it is dropped.
async fn holder(folder: &Path) -> SqliteConnection {
    let url = format!("sqlite:{}", folder.join("data.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

fn unit(name: &str) -> WriteUnit {
    let sql = "INSERT INTO objectos_sequence (name, value) VALUES (?, 1)";
    let mut unit = WriteUnit::default();
    unit.push(Statement::new(sql, vec![name.into()]), Expect::Changed(1));
    unit
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_stays_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Duration::from_millis(300)).await;
    let other = holder(folder.path()).await;
    let begun = Instant::now();
    // One alone, and several that share a transaction.
    let tasks: Vec<_> = (0..9)
        .map(|index| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(unit(&format!("n{index}"))).await })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, DataError::Locked { .. }), "{error:?}");
        assert_eq!((error.code(), error.kind()), ("lock_conflict", ErrorKind::Conflict));
    }
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    let error = store.change_schema(Vec::new()).await.unwrap_err();
    assert_eq!(error.code(), "lock_conflict");
    // Once it is free, everything goes on.
    other.close().await.unwrap();
    assert!(matches!(store.write(unit("n0")).await.unwrap(), Outcome::Stored(_)));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_goes_in_time_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Duration::from_secs(20)).await;
    let other = holder(folder.path()).await;
    let writing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.write(unit("a")).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!writing.is_finished());
    other.close().await.unwrap();
    assert!(matches!(writing.await.unwrap().unwrap(), Outcome::Stored(_)));
    store.close().await;
}
