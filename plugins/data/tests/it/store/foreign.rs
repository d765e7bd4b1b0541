//! Tables that somebody else made in a file of SQLite: one column is changed, and nothing else that they declared.

use std::sync::Arc;

use objectos_data::model::ColumnType;
use objectos_data::schema::SchemaStep;
use objectos_data::store::{Expect, Outcome, Refusal, Statement, Store};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::{number, open, unit};
use crate::driver::{Driver, Place};

const TABLE: &str = "CREATE TABLE \"t\" (
  a TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE, -- NOT NULL, as it was
  b INTEGER CONSTRAINT given NOT NULL ON CONFLICT ABORT CHECK (b > 0) REFERENCES other (id),
  c VARCHAR(20) UNIQUE,
  double INTEGER GENERATED ALWAYS AS (b * 2) VIRTUAL,
  id TEXT, PRIMARY KEY (id, a), CONSTRAINT pair UNIQUE (b, c)
)";
const OTHERS: &str = "
PRAGMA foreign_keys = OFF;
CREATE TABLE other (id INTEGER PRIMARY KEY);
CREATE TABLE log (what TEXT);
CREATE INDEX mine ON t (b) WHERE a <> '' -- by hand
;
CREATE TRIGGER told AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); INSERT INTO log VALUES ('t'); END;
CREATE TRIGGER fills AFTER INSERT ON other BEGIN INSERT INTO t (id, b, c) VALUES ('of other', new.id, 'of other'); END;
CREATE VIEW seen AS SELECT id, a, double FROM t;
INSERT INTO t (id, b, c) VALUES ('one', 1, '10'), ('two', 2, 'twenty')";

/// A store on a file that somebody else filled.
async fn foreign(place: &Place, sql: &str) -> Arc<dyn Store> {
    let store = open(place).await;
    let url = format!("sqlite:{}", place.folder().join("data.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    store
}

/// The text of a part of the database.
async fn text(store: &Arc<dyn Store>, name: &str) -> String {
    let mut found = String::new();
    let statement = Statement::new("SELECT sql FROM sqlite_master WHERE name = ?", vec![name.into()]);
    let mut reader = store.reader().await.unwrap();
    reader
        .read(&statement, &mut |row| {
            found = row.cell(0).as_text().unwrap_or_default().to_owned();
        })
        .await
        .unwrap();
    found
}

async fn outcome(store: &Arc<dyn Store>, sql: &str) -> Outcome {
    let steps = vec![(Statement::new(sql, Vec::new()), Expect::Anything)];
    store.write(unit(steps)).await.unwrap()
}

fn relax(column: &str) -> SchemaStep {
    SchemaStep::RelaxColumn {
        table: "t".to_owned(),
        column: column.to_owned(),
    }
}

fn convert(column: &str, to: ColumnType) -> SchemaStep {
    SchemaStep::ConvertColumn {
        table: "t".to_owned(),
        column: column.to_owned(),
        from: None,
        to,
    }
}

#[tokio::test]
async fn only_the_column_is_changed() {
    for (steps, changes) in [
        (vec![relax("a")], vec![("TEXT NOT NULL DEFAULT", "TEXT  DEFAULT")]),
        (
            vec![relax("b"), convert("c", ColumnType::Number)],
            vec![
                (
                    "INTEGER CONSTRAINT given NOT NULL ON CONFLICT ABORT CHECK",
                    "INTEGER  CHECK",
                ),
                ("VARCHAR(20)", "NUMERIC"),
            ],
        ),
    ] {
        let place = Place::on(Driver::Sqlite);
        let store = foreign(&place, &format!("{TABLE};{OTHERS}")).await;
        store.change_schema(steps).await.unwrap();
        let expected = changes
            .into_iter()
            .fold(TABLE.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        assert_eq!(text(&store, "t").await, expected);
        // The index is told with its comment, and the others as they were.
        assert!(
            text(&store, "mine")
                .await
                .starts_with("CREATE INDEX mine ON t (b) WHERE a <> ''")
        );
        assert_eq!(
            number(
                &store,
                "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('told', 'fills', 'seen')"
            )
            .await,
            3
        );
        assert_eq!(number(&store, "SELECT SUM(double) FROM seen WHERE a = 'X'").await, 6);
        // Defaults, checks, computed columns, keys and triggers do what they did.
        for (sql, refused) in [
            ("INSERT INTO t (id, b, c) VALUES ('three', 3, 30)", false),
            ("INSERT INTO t (id, b, c) VALUES ('four', 0, 40)", true),
            ("INSERT INTO t (id, b, c) VALUES ('one', 5, 50)", true),
            ("INSERT INTO t (id, a, b, c) VALUES ('one', 'y', 5, 50)", false),
            ("INSERT INTO t (id, b, c) VALUES ('six', 6, '10')", true),
            ("INSERT INTO other VALUES (7)", false),
        ] {
            assert_eq!(
                matches!(outcome(&store, sql).await, Outcome::Refused(_)),
                refused,
                "{sql}"
            );
        }
        assert_eq!(number(&store, "SELECT COUNT(*) FROM log").await, 10);
        assert_eq!(
            number(&store, "SELECT double FROM seen WHERE id = 'of other'").await,
            14
        );
        store.close().await;
    }
}

#[tokio::test]
async fn what_does_not_fit_the_declarations_of_others_changes_nothing() {
    let place = Place::on(Driver::Sqlite);
    let store = foreign(&place, &format!("{TABLE};{OTHERS}")).await;
    // A number is no day, and the column takes no null.
    let error = store
        .change_schema(vec![convert("b", ColumnType::Date)])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "database_error");
    assert_eq!(text(&store, "t").await, TABLE);
    // The connection goes on as before: what is renamed is renamed everywhere.
    let rename = SchemaStep::RenameTable {
        from: "t".to_owned(),
        to: "things".to_owned(),
    };
    store.change_schema(vec![rename]).await.unwrap();
    assert!(text(&store, "seen").await.contains("things"));
    assert_eq!(number(&store, "SELECT COUNT(*) FROM seen").await, 2);
    store.close().await;
}

#[tokio::test]
async fn numbers_of_rows_never_come_again() {
    let place = Place::on(Driver::Sqlite);
    let sql = "CREATE TABLE t (n INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL); INSERT INTO t (a) VALUES ('x'), ('y'), ('z'); \
               DELETE FROM t WHERE n > 1";
    let store = foreign(&place, sql).await;
    store.change_schema(vec![relax("a")]).await.unwrap();
    assert_eq!(
        outcome(&store, "INSERT INTO t (a) VALUES (NULL)").await,
        Outcome::Stored(Vec::new())
    );
    assert_eq!(number(&store, "SELECT MAX(n) FROM t").await, 4);
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_changed_is_told_beforehand() {
    let place = Place::on(Driver::Sqlite);
    let sql = "CREATE TABLE t (a TEXT, b TEXT NOT NULL, c TEXT, PRIMARY KEY (a, c)) WITHOUT ROWID; \
               CREATE TABLE s (a TEXT NOT NULL) STRICT; CREATE TABLE n (a TEXT NOT NULL)";
    let store = foreign(&place, sql).await;
    let shape = store.shape().await.unwrap();
    let check = |table: &str, column: &str, expected: Option<&str>| {
        let bound = shape.tables[table].columns[column].bound.as_deref();
        assert_eq!(bound.is_some(), expected.is_some(), "{table}.{column}: {bound:?}");
        assert!(
            bound.unwrap_or_default().contains(expected.unwrap_or_default()),
            "{bound:?}"
        );
    };
    check("t", "a", Some("WITHOUT ROWID"));
    check("t", "b", None);
    check("s", "a", Some("STRICT"));
    check("n", "a", None);
    // Whoever asks all the same is refused, and nothing is changed.
    let error = store.change_schema(vec![relax("a")]).await.unwrap_err();
    assert_eq!(error.code(), "database_error");
    store.change_schema(vec![relax("b")]).await.unwrap();
    let doubled = "INSERT INTO t (a, c) VALUES ('1', '1'), ('1', '1')";
    assert!(matches!(
        outcome(&store, doubled).await,
        Outcome::Refused(Refusal::Unique { .. })
    ));
    store.close().await;
}
