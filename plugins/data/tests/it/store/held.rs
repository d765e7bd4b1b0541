//! One state of the database over several reads of one connection, by the store itself.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use objectos_data::error::DataError;
use objectos_data::store::{Expect, Outcome, Reader, Row, Statement, Store};
use objectos_plugin_api::ErrorKind;

use super::{create_table, insert, unit};
use crate::driver::{Driver, Place, driver, held_most};

/// How long a connection may take to come back.
const BACK_LIMIT: Duration = Duration::from_secs(20);

/// A store with a table of one row, which was made without haste.
async fn open(place: &Place, query_timeout: Duration) -> Arc<dyn Store> {
    let patient = place.open(None).await;
    patient.change_schema(vec![create_table()]).await.unwrap();
    store_row(&patient, "a").await;
    patient.close().await;
    place.open_with(None, query_timeout).await
}

async fn store_row(store: &Arc<dyn Store>, id: &str) {
    let stored = store.write(unit(vec![(insert(id, 1), Expect::Changed(1))])).await;
    assert_eq!(stored.unwrap(), Outcome::Stored(Vec::new()));
}

async fn number(reader: &mut dyn Reader, sql: &str) -> i64 {
    let mut found = -1;
    let statement = Statement::new(sql, Vec::new());
    reader
        .read(&statement, &mut |row| {
            found = row.cell(0).as_integer().unwrap_or_default()
        })
        .await
        .unwrap();
    found
}

async fn rows(reader: &mut dyn Reader) -> i64 {
    number(reader, "SELECT COUNT(*) FROM t").await
}

/// Reads the table, and goes on for ever.
fn endless() -> Statement {
    let sql = "WITH RECURSIVE n(x) AS (SELECT COUNT(*) FROM t UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";
    Statement::new(sql, Vec::new())
}

/// Waits until all connections but `out` are back; then none of them keeps a transaction open. `other` is none of those that did.
pub(crate) async fn nothing_is_held(store: &Arc<dyn Store>, out: usize, other: &mut dyn Reader) {
    let back = async {
        while store.status().readers_idle + out < store.status().readers {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BACK_LIMIT, back)
        .await
        .expect("every connection is back");
    let open = match driver() {
        // Waits a while for those who read, and says whether one is left.
        Driver::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)",
        Driver::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'objectos ' || current_schema() \
             AND state LIKE 'idle in transaction%'"
        }
    };
    assert_eq!(number(other, open).await, 0, "a transaction is open");
}

#[tokio::test]
async fn all_reads_see_one_state_until_it_is_let_go_of() {
    let place = Place::new();
    let store = open(&place, Duration::from_secs(30)).await;
    let mut reader = store.reader().await.unwrap();
    let mut other = store.reader().await.unwrap();
    for round in [1, 3] {
        reader.hold().await.unwrap();
        // It is the state of the first read, and not of the moment when somebody wanted it.
        store_row(&store, &format!("early {round}")).await;
        assert_eq!(rows(reader.as_mut()).await, round + 1);
        store_row(&store, &format!("late {round}")).await;
        // Held already.
        reader.hold().await.unwrap();
        assert_eq!(rows(reader.as_mut()).await, round + 1);
        assert_eq!(rows(other.as_mut()).await, round + 2);
        reader.release().await;
        assert_eq!(rows(reader.as_mut()).await, round + 2);
    }
    // Nothing to let go of.
    reader.release().await;
    nothing_is_held(&store, 2, other.as_mut()).await;
    drop((reader, other));
    store.close().await;
}

#[tokio::test]
async fn who_drops_the_connection_lets_go() {
    let place = Place::new();
    let store = open(&place, Duration::from_secs(30)).await;
    let mut other = store.reader().await.unwrap();
    for expected in 1..=3 {
        let mut reader = store.reader().await.unwrap();
        reader.hold().await.unwrap();
        assert_eq!(rows(reader.as_mut()).await, expected);
        drop(reader);
        nothing_is_held(&store, 1, other.as_mut()).await;
        // The next one to have it sees what was stored since.
        store_row(&store, &expected.to_string()).await;
    }
    // Wanted, and never used.
    store.reader().await.unwrap().hold().await.unwrap();
    nothing_is_held(&store, 1, other.as_mut()).await;
    drop(other);
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_leaves_nothing_held() {
    let place = Place::new();
    let store = open(&place, Duration::from_secs(2)).await;
    let mut other = store.reader().await.unwrap();
    let mut reader = store.reader().await.unwrap();
    reader.hold().await.unwrap();
    assert_eq!(rows(reader.as_mut()).await, 1);
    let error = reader.read(&endless(), &mut |_| {}).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
    drop(reader);
    nothing_is_held(&store, 1, other.as_mut()).await;
    drop(other);
    store_row(&store, "b").await;
    let mut reader = store.reader().await.unwrap();
    assert_eq!(rows(reader.as_mut()).await, 2);
    drop(reader);
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_is_ended_with_what_it_held() {
    let place = Place::new();
    // SQLite is told to stop. A server notices by itself that the line is gone, when it has something to say.
    let query_timeout = match driver() {
        Driver::Sqlite => Duration::from_secs(300),
        Driver::Postgres => Duration::from_secs(3),
    };
    let store = open(&place, query_timeout).await;
    let mut other = store.reader().await.unwrap();
    let mut reader = store.reader().await.unwrap();
    let session = match driver() {
        Driver::Sqlite => None,
        Driver::Postgres => Some(number(reader.as_mut(), "SELECT pg_backend_pid()::bigint").await),
    };
    reader.hold().await.unwrap();
    assert_eq!(rows(reader.as_mut()).await, 1);
    let (statement, mut nobody) = (endless(), |_: &dyn Row| {});
    let mut reading = reader.read(&statement, &mut nobody);
    let mut task = Context::from_waker(Waker::noop());
    assert!(reading.as_mut().poll(&mut task).is_pending());
    drop(reading);
    drop(reader);
    if let Some(session) = session {
        // The server notices in its own time, and shows the transaction until then.
        let there = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = {session}");
        let ended = async { while number(other.as_mut(), &there).await > 0 {} };
        tokio::time::timeout(BACK_LIMIT, ended)
            .await
            .expect("the server ends the session");
    }
    nothing_is_held(&store, 1, other.as_mut()).await;
    drop(other);
    store.close().await;
}

#[tokio::test]
async fn as_many_connections_are_held_as_may_be_and_the_others_stay_free() {
    let place = Place::new();
    // Long enough to make the connections, which has the same limit.
    let limit = Duration::from_secs(5);
    let store = place.open_within(None, Duration::from_secs(30), limit).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    let (mut rights, mut held) = (Vec::new(), Vec::new());
    for _ in 0..held_most(store.status().readers) {
        rights.push(store.hold_right().await.unwrap());
        let mut reader = store.reader().await.unwrap();
        reader.hold().await.unwrap();
        held.push(reader);
    }
    // The same answer as of a pool that is full, and after the same time.
    let error = store.hold_right().await.unwrap_err();
    assert!(
        matches!(error, DataError::NoConnection { waited_ms: 5_000 }),
        "{error:?}"
    );
    assert_eq!(
        (error.code(), error.kind()),
        ("service_unavailable", ErrorKind::Unavailable)
    );
    // Whoever holds nothing has one of the others, each of them.
    let mut others = Vec::new();
    while store.status().readers_idle > 0 {
        let mut other = store.reader().await.unwrap();
        assert_eq!(rows(other.as_mut()).await, 0);
        others.push(other);
    }
    assert_eq!(others.len(), store.status().readers - held.len());
    drop((others, held));
    // The next right that is given back serves whoever waits.
    let (served, ()) = tokio::join!(store.hold_right(), async { drop(rights.pop()) });
    rights.push(served.unwrap());
    // Nobody waits at a store that closes.
    let (closed, ()) = tokio::join!(store.hold_right(), store.close());
    let error = closed.unwrap_err();
    assert!(matches!(error, DataError::StoreClosed), "{error:?}");
}
