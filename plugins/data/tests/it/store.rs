//! The store by itself: transactions, groups, tables, closing.

mod conversions;
mod foreign;
pub(crate) mod held;

use std::sync::Arc;
use std::time::{Duration, Instant};

use objectos_data::error::DataError;
use objectos_data::model::{ColumnType, IndexMethod, IndexModel};
use objectos_data::schema::{ColumnSpec, SchemaStep};
use objectos_data::store::{Expect, Outcome, Refusal, SqlValue, Statement, Store, WriteUnit};
use objectos_plugin_api::ErrorKind;

use crate::driver::Place;

async fn open(place: &Place) -> Arc<dyn Store> {
    place.open(None).await
}

fn column(name: &str, kind: ColumnType) -> ColumnSpec {
    ColumnSpec {
        name: name.to_owned(),
        kind,
        nullable: name != "id",
        primary_key: name == "id",
    }
}

fn create_table() -> SchemaStep {
    let columns = vec![
        column("id", ColumnType::Text),
        column("number", ColumnType::Number),
        column("text", ColumnType::Text),
    ];
    SchemaStep::CreateTable {
        table: "t".to_owned(),
        columns,
    }
}

fn index(name: &str, fields: &[&str], unique: bool, ignore_case: bool) -> IndexModel {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    IndexModel {
        name: name.to_owned(),
        fields,
        unique,
        ignore_case,
        live: None,
        partial: None,
        method: IndexMethod::Btree,
    }
}

fn insert(id: &str, number: i64) -> Statement {
    Statement::new(
        "INSERT INTO t (id, number) VALUES (?, ?)",
        vec![id.into(), number.into()],
    )
}

fn unit(steps: Vec<(Statement, Expect)>) -> WriteUnit {
    let mut unit = WriteUnit::default();
    for (statement, expect) in steps {
        unit.push(statement, expect);
    }
    unit
}

/// Why a unit is not stored; what a database says of it, each in its own words, is left out.
async fn refusal(store: &Arc<dyn Store>, steps: Vec<(Statement, Expect)>) -> Refusal {
    match store.write(unit(steps)).await.unwrap() {
        Outcome::Refused(Refusal::Constraint { step, message }) => {
            assert!(message.to_ascii_lowercase().contains("null"), "{message}");
            Refusal::Constraint {
                step,
                message: String::new(),
            }
        }
        Outcome::Refused(refusal) => refusal,
        Outcome::Stored(_) => panic!("it is stored"),
    }
}

async fn number(store: &Arc<dyn Store>, sql: &str) -> i64 {
    let mut found = 0;
    let mut reader = store.reader().await.unwrap();
    reader
        .read(&Statement::new(sql, Vec::new()), &mut |row| {
            found = row.cell(0).as_integer().unwrap_or_default()
        })
        .await
        .unwrap();
    found
}

#[tokio::test]
async fn a_unit_is_stored_whole_or_refused_whole() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    let good = unit(vec![
        (insert("a", 1), Expect::Anything),
        (insert("b", 2), Expect::Anything),
    ]);
    assert_eq!(store.write(good).await.unwrap(), Outcome::Stored(Vec::new()));
    let none = Statement::new("UPDATE t SET number = 9 WHERE id = 'nobody'", Vec::new());
    let cases: [(Vec<(Statement, Expect)>, Refusal); 4] = [
        (
            vec![(insert("c", 3), Expect::Anything), (insert("a", 4), Expect::Anything)],
            Refusal::Unique {
                step: 1,
                columns: vec!["id".to_owned()],
                index: None,
            },
        ),
        (
            vec![(insert("c", 3), Expect::Anything), (none, Expect::Changed(1))],
            Refusal::Unmet { step: 1 },
        ),
        (
            vec![
                (insert("c", 3), Expect::Anything),
                (
                    Statement::new("SELECT 1 FROM t WHERE id = 'a'", Vec::new()),
                    Expect::NoRow,
                ),
            ],
            Refusal::Unmet { step: 1 },
        ),
        (
            vec![
                (insert("c", 3), Expect::Anything),
                (
                    Statement::new("INSERT INTO t (id) VALUES (NULL)", Vec::new()),
                    Expect::Anything,
                ),
            ],
            Refusal::Constraint {
                step: 1,
                message: String::new(),
            },
        ),
    ];
    for (steps, expected) in cases {
        // The same in one text and step by step.
        let mut long = steps.clone();
        long.extend((0..9).map(|_| {
            (
                Statement::new("SELECT 1 FROM t WHERE id = 'none'", Vec::new()),
                Expect::NoRow,
            )
        }));
        assert_eq!(refusal(&store, steps).await, expected);
        assert_eq!(refusal(&store, long).await, expected);
    }
    assert_eq!(number(&store, "SELECT COUNT(*) FROM t").await, 2);
    let numbers = unit(vec![(
        Statement::new("SELECT number FROM t ORDER BY id", Vec::new()),
        Expect::Numbers,
    )]);
    assert_eq!(store.write(numbers).await.unwrap(), Outcome::Stored(vec![1, 2]));
    assert_eq!(
        store.write(WriteUnit::default()).await.unwrap(),
        Outcome::Stored(Vec::new())
    );
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_a_bad_unit_costs_nobody_else_anything() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    let writes: Vec<_> = (0..300)
        .map(|index| {
            let store = Arc::clone(&store);
            let steps = match index % 3 {
                0 => vec![(insert("same", index), Expect::Anything)],
                1 => vec![
                    (insert(&format!("x{index}"), 1), Expect::Anything),
                    (
                        Statement::new("SELECT nonsense FROM nowhere", Vec::new()),
                        Expect::NoRow,
                    ),
                ],
                _ => vec![(insert(&format!("i{index}"), index), Expect::Anything)],
            };
            tokio::spawn(async move { store.write(unit(steps)).await })
        })
        .collect();
    let (mut stored, mut refused, mut failed) = (0, 0, 0);
    for write in writes {
        match write.await.unwrap() {
            Ok(Outcome::Stored(_)) => stored += 1,
            Ok(Outcome::Refused(_)) => refused += 1,
            Err(error) => {
                assert_eq!(error.code(), "database_error");
                failed += 1;
            }
        }
    }
    assert_eq!((stored, refused, failed), (101, 99, 100));
    assert_eq!(number(&store, "SELECT COUNT(*) FROM t").await, 101);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_one_kind_each_get_their_own_answer() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    // Every tenth is refused: by an index, or by what its last step does not find.
    let writes: Vec<_> = (0..200_i64)
        .map(|index| {
            let id = if index % 20 == 9 {
                "same".to_owned()
            } else {
                format!("n{index}")
            };
            let wanted = if index % 20 == 19 { -1 } else { index };
            let steps = vec![
                (insert(&id, index), Expect::Anything),
                (
                    Statement::new(
                        "UPDATE t SET number = number + 1000 WHERE id = ? AND number = ?",
                        vec![id.as_str().into(), wanted.into()],
                    ),
                    Expect::Changed(1),
                ),
                (
                    Statement::new("SELECT number FROM t WHERE id = ?", vec![id.as_str().into()]),
                    Expect::Numbers,
                ),
            ];
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(unit(steps)).await })
        })
        .collect();
    let mut same = 0;
    for (index, write) in (0..200_i64).zip(writes) {
        let outcome = write.await.unwrap().unwrap();
        match (index % 20, &outcome) {
            (9, Outcome::Stored(numbers)) => {
                assert_eq!(numbers, &[index + 1000]);
                same += 1;
            }
            (9, Outcome::Refused(Refusal::Unique { step: 0, .. }))
            | (19, Outcome::Refused(Refusal::Unmet { step: 1 })) => {}
            (_, outcome) => assert_eq!(outcome, &Outcome::Stored(vec![index + 1000])),
        }
    }
    assert_eq!(same, 1);
    assert_eq!(number(&store, "SELECT COUNT(*) FROM t").await, 181);
    assert_eq!(number(&store, "SELECT COUNT(*) FROM t WHERE number < 1000").await, 0);
    store.close().await;
}

#[tokio::test]
async fn readers_cannot_write() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    let mut reader = store.reader().await.unwrap();
    let statement = Statement::new("DELETE FROM t", Vec::new());
    assert!(reader.read(&statement, &mut |_| {}).await.is_err());
    drop(reader);
    store.close().await;
}

#[tokio::test]
async fn the_shape_is_what_was_made() {
    let place = Place::new();
    let store = open(&place).await;
    let kinds = [
        ColumnType::Text,
        ColumnType::Integer,
        ColumnType::Number,
        ColumnType::Decimal,
        ColumnType::Boolean,
        ColumnType::Date,
        ColumnType::DateTime,
        ColumnType::Time,
        ColumnType::Json,
    ];
    let mut columns = vec![column("id", ColumnType::Text)];
    columns.extend(kinds.iter().map(|kind| column(&format!("c_{}", kind.name()), *kind)));
    let wanted = index("ux_t", &["c_text", "c_date"], true, true);
    let steps = vec![
        SchemaStep::CreateTable {
            table: "order".to_owned(),
            columns,
        },
        SchemaStep::AddIndex {
            table: "order".to_owned(),
            index: wanted,
        },
        SchemaStep::AddColumn {
            table: "order".to_owned(),
            column: column("select", ColumnType::Json),
        },
    ];
    store.change_schema(steps).await.unwrap();
    let shape = store.shape().await.unwrap();
    assert_eq!(shape.tables.len(), 1);
    let table = &shape.tables["order"];
    for kind in kinds {
        assert_eq!(table.columns[&format!("c_{}", kind.name())].kind, Some(kind));
    }
    assert!(!table.columns["id"].nullable && table.columns["select"].nullable);
    assert_eq!(table.rows, Some(0));
    let found = &table.indexes["ux_t"];
    assert_eq!(
        (found.columns.clone(), found.unique, found.ignore_case),
        (vec!["c_text".to_owned(), "c_date".to_owned()], true, true)
    );
    store.close().await;
}

#[tokio::test]
async fn tables_are_changed_with_their_rows() {
    let place = Place::new();
    let store = open(&place).await;
    let table = || "t".to_owned();
    let steps = vec![
        create_table(),
        SchemaStep::AddIndex {
            table: table(),
            index: index("ix_number", &["number"], false, false),
        },
    ];
    store.change_schema(steps).await.unwrap();
    let rows = [
        ("a", SqlValue::Integer(1), "12"),
        ("b", SqlValue::Real(2.5), "x"),
        ("c", SqlValue::Null, "7.5"),
    ];
    let steps = rows.into_iter().map(|(id, number, text)| {
        (
            Statement::new(
                "INSERT INTO t (id, number, text) VALUES (?, ?, ?)",
                vec![id.into(), number, text.into()],
            ),
            Expect::Anything,
        )
    });
    store.write(unit(steps.collect())).await.unwrap();
    store
        .change_schema(vec![
            SchemaStep::RenameColumn {
                table: table(),
                from: "number".to_owned(),
                to: "amount".to_owned(),
            },
            SchemaStep::WidenColumn {
                table: table(),
                column: "amount".to_owned(),
                from: ColumnType::Number,
                to: ColumnType::Decimal,
            },
            SchemaStep::ConvertColumn {
                table: table(),
                column: "text".to_owned(),
                from: Some(ColumnType::Text),
                to: ColumnType::Number,
            },
            SchemaStep::AddColumn {
                table: table(),
                column: column("extra", ColumnType::Boolean),
            },
            SchemaStep::RenameTable {
                from: table(),
                to: "things".to_owned(),
            },
        ])
        .await
        .unwrap();
    let shape = store.shape().await.unwrap();
    let things = &shape.tables["things"];
    assert_eq!(things.columns["amount"].kind, Some(ColumnType::Decimal));
    assert_eq!(things.columns["text"].kind, Some(ColumnType::Number));
    assert_eq!(things.indexes["ix_number"].columns, ["amount"]);
    assert_eq!(things.rows, None);
    assert_eq!(number(&store, "SELECT COUNT(*) FROM things WHERE (text = 12 AND amount = 1) OR (text IS NULL AND amount = 2.5) OR text = 7.5").await, 3);
    store
        .change_schema(vec![
            SchemaStep::DropIndex {
                table: "things".to_owned(),
                index: "ix_number".to_owned(),
            },
            SchemaStep::DropColumn {
                table: "things".to_owned(),
                column: "extra".to_owned(),
            },
        ])
        .await
        .unwrap();
    assert_eq!(number(&store, "SELECT COUNT(*) FROM things").await, 3);
    store.close().await;
}

#[tokio::test]
async fn a_unique_index_on_values_that_are_not_is_refused_and_nothing_is_changed() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    store
        .write(unit(vec![
            (insert("a", 1), Expect::Anything),
            (insert("b", 1), Expect::Anything),
        ]))
        .await
        .unwrap();
    let steps = vec![
        SchemaStep::AddColumn {
            table: "t".to_owned(),
            column: column("new", ColumnType::Text),
        },
        SchemaStep::AddIndex {
            table: "t".to_owned(),
            index: index("ux_number", &["number"], true, false),
        },
    ];
    let error = store.change_schema(steps).await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (
            "duplicate_value",
            "'number' of 't' must be unique: another record has this value"
        )
    );
    assert!(!store.shape().await.unwrap().tables["t"].columns.contains_key("new"));
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_refuses_and_its_file_can_be_opened_again() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    store
        .write(unit(vec![(insert("a", 1), Expect::Anything)]))
        .await
        .unwrap();
    store.close().await;
    assert_eq!(
        store
            .write(unit(vec![(insert("b", 1), Expect::Anything)]))
            .await
            .unwrap_err()
            .code(),
        "service_unavailable"
    );
    assert!(store.reader().await.is_err());
    assert!(!store.status().open);
    assert!(!place.folder().join("data.db-wal").exists());
    let again = open(&place).await;
    assert_eq!(number(&again, "SELECT COUNT(*) FROM t").await, 1);
    again.close().await;
}

/// Callers are turned away rather than lined up behind connections that nobody gives back.
#[tokio::test]
async fn a_pool_that_stays_full_turns_callers_away() {
    let place = Place::new();
    // Long enough to make the connections, which has the same limit.
    let limit = Duration::from_secs(5);
    let store = place.open_within(None, Duration::from_secs(30), limit).await;
    let mut held = Vec::new();
    for _ in 0..store.status().readers {
        held.push(store.reader().await.unwrap());
    }
    assert_eq!(store.status().readers_idle, 0);
    let begun = Instant::now();
    let error = store.reader().await.map(drop).unwrap_err();
    assert!(
        matches!(error, DataError::NoConnection { waited_ms: 5_000 }),
        "{error:?}"
    );
    assert_eq!(
        (error.code(), error.kind()),
        ("service_unavailable", ErrorKind::Unavailable)
    );
    assert!(begun.elapsed() >= limit, "{:?}", begun.elapsed());
    // The next one that comes free serves whoever waits.
    let (served, ()) = tokio::join!(store.reader(), async { drop(held.pop()) });
    drop(served.unwrap());
    assert_eq!(number(&store, "SELECT 7").await, 7);
    drop(held);
    store.close().await;
}

#[tokio::test]
async fn a_query_without_end_is_ended() {
    let place = Place::new();
    let store = place.open_with(None, Duration::from_secs(2)).await;
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";
    let mut reader = store.reader().await.unwrap();
    let error = reader
        .read(&Statement::new(endless, Vec::new()), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), "timeout");
    drop(reader);
    assert_eq!(number(&store, "SELECT 7").await, 7);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_unit_relies_on_holds_when_it_is_stored() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    // Each unit may only be stored while the other's row is not there: of two at the same time, one must be refused.
    for round in 0..50 {
        let guarded = |own: String, other: String| {
            let look = Statement::new("SELECT 1 FROM t WHERE id = ?", vec![other.into()]);
            unit(vec![(look, Expect::NoRow), (insert(&own, 1), Expect::Anything)])
        };
        let (left, right) = (format!("l{round}"), format!("r{round}"));
        let writes = [guarded(left.clone(), right.clone()), guarded(right, left)];
        let tasks = writes.map(|write| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(write).await.unwrap() })
        });
        let mut stored = 0;
        for task in tasks {
            stored += usize::from(matches!(task.await.unwrap(), Outcome::Stored(_)));
        }
        assert_eq!(stored, 1, "round {round}");
    }
    assert_eq!(number(&store, "SELECT COUNT(*) FROM t").await, 50);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_row_wait_for_each_other_and_none_is_lost() {
    let place = Place::new();
    let store = open(&place).await;
    store.change_schema(vec![create_table()]).await.unwrap();
    store
        .write(unit(vec![(insert("a", 0), Expect::Anything)]))
        .await
        .unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..10 {
                    loop {
                        let seen = number(&store, "SELECT number FROM t WHERE id = 'a'").await;
                        let change = Statement::new(
                            "UPDATE t SET number = ? WHERE id = 'a' AND number = ?",
                            vec![(seen + 1).into(), seen.into()],
                        );
                        let outcome = store.write(unit(vec![(change, Expect::Changed(1))])).await.unwrap();
                        if matches!(outcome, Outcome::Stored(_)) {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&store, "SELECT number FROM t").await, 160);
    store.close().await;
}
