//! Tables: reads what is there, writes the SQL of each step, and makes the store's own tables.
//!
//! Types are declared by names that say the class of the column and give it the right affinity: numbers stay whole when
//! they are, and no text is ever taken for a number.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::connection::{Connection, Failure, Seen};
use super::pool::Lease;
use super::words;
use crate::error::{DataError, Result};
use crate::model::{ColumnType, IndexMethod, IndexModel};
use crate::schema::{ColumnShape, DatabaseShape, IndexShape, SchemaStep};
use crate::store::ddl;
use crate::store::dialect::{FTS5, MATH};
use crate::store::{Dialect as _, Reader as _, SqliteDialect, Statement, StorageCall};

/// The store's own tables. Names begin with `objectos_`, which no object's table may.
const OWN_TABLES: &str = "
CREATE TABLE IF NOT EXISTS objectos_event (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    event TEXT NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    lease_node TEXT,
    lease_until_ms INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS objectos_event_pending ON objectos_event (sequence) WHERE done = 0;
CREATE INDEX IF NOT EXISTS objectos_event_stored_at ON objectos_event (stored_at_ms);
CREATE TABLE IF NOT EXISTS objectos_event_delivery (
    sequence INTEGER NOT NULL,
    handler TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_failed_at_ms INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (sequence, handler)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objectos_snapshot (
    key TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    base INTEGER NOT NULL DEFAULT 0,
    state TEXT,
    PRIMARY KEY (key, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objectos_dead_letter (
    id TEXT NOT NULL PRIMARY KEY,
    last_failed_at TEXT NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objectos_dead_letter_latest ON objectos_dead_letter (last_failed_at DESC, id);
CREATE TABLE IF NOT EXISTS objectos_sequence (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objectos_note (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID";

pub(super) async fn make_own_tables(connection: &mut Connection) -> Result<()> {
    connection
        .run(StorageCall::Unit, Arc::from(OWN_TABLES), Vec::new(), false, &mut |_| {})
        .await
        .map_err(|failure| failure.into_error("make its own tables"))
}

/// Whether this SQLite can make text indexes and draw roots; one library is in the process, so what it lacks is said once.
pub(super) async fn look_for_options(connection: &mut Connection) -> Result<()> {
    let (mut fts5, mut math) = (false, false);
    let sql = "SELECT compile_options FROM pragma_compile_options";
    connection
        .run(StorageCall::Read, Arc::from(sql), Vec::new(), false, &mut |seen| {
            if let Seen::Row(row) = seen {
                fts5 |= row.cell(0).as_text() == Some("ENABLE_FTS5");
                math |= row.cell(0).as_text() == Some("ENABLE_MATH_FUNCTIONS");
            }
        })
        .await
        .map_err(|failure| failure.into_error("say what it can do"))?;
    if FTS5.set(fts5).is_ok() && !fts5 {
        tracing::warn!("this SQLite has no FTS5: text search looks at every record");
    }
    if MATH.set(math).is_ok() && !math {
        tracing::warn!(
            "this SQLite has no SQRT, so formulas that use it are computed record by record; it is built with it by \
             LIBSQLITE3_FLAGS=-DSQLITE_ENABLE_MATH_FUNCTIONS"
        );
    }
    Ok(())
}

fn kind_of(declared_type: &str) -> Option<ColumnType> {
    const ALL: [ColumnType; 9] = [
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
    ALL.into_iter()
        .find(|kind| SqliteDialect.column_type(*kind).eq_ignore_ascii_case(declared_type))
}

const COLUMNS: &str = "SELECT m.name, c.name, c.type, c.\"notnull\" FROM sqlite_master m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'objectos\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    ORDER BY m.name, c.cid";

const INDEXES: &str = "SELECT m.name, l.name, l.\"unique\", x.name, x.coll FROM sqlite_master m, \
    pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x \
    WHERE m.type = 'table' AND m.name NOT LIKE 'objectos\\_%' ESCAPE '\\' AND l.origin = 'c' AND x.key = 1 \
    ORDER BY m.name, l.name, x.seqno";

/// Reads the tables that are there.
pub(super) async fn read_shape(reader: &mut Lease) -> Result<DatabaseShape> {
    let mut shape = DatabaseShape {
        text_indexes: SqliteDialect.text_index(),
        ..DatabaseShape::default()
    };
    reader
        .read(&Statement::new(COLUMNS, Vec::new()), &mut |row| {
            let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
            let table = shape.tables.entry(text(0)).or_default();
            let nullable = row.cell(3).as_integer() == Some(0);
            table.columns.insert(
                text(1),
                ColumnShape {
                    kind: kind_of(&text(2)),
                    nullable,
                },
            );
        })
        .await?;
    reader
        .read(&Statement::new(INDEXES, Vec::new()), &mut |row| {
            let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
            let Some(table) = shape.tables.get_mut(&text(0)) else {
                return;
            };
            let unique = row.cell(2).as_integer() == Some(1);
            let index = table.indexes.entry(text(1)).or_insert_with(|| IndexShape {
                columns: Vec::new(),
                unique,
                ignore_case: false,
                method: Some(IndexMethod::Btree),
                nulls_last: Vec::new(),
            });
            index.columns.push(text(3));
            index.ignore_case |= text(4).eq_ignore_ascii_case("NOCASE");
        })
        .await?;
    reader
        .read(&Statement::new(words::COLUMNS, Vec::new()), &mut |row| {
            let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
            if let Some(table) = shape.tables.get_mut(&text(0)) {
                table.words.push(text(1));
            }
        })
        .await?;
    let names: Vec<String> = shape.tables.keys().cloned().collect();
    for name in names {
        let empty = is_empty(reader, &name).await?;
        if let Some(table) = shape.tables.get_mut(&name) {
            // Counting a large table takes a while, and only "none" decides anything.
            table.rows = empty.then_some(0);
        }
    }
    Ok(shape)
}

async fn is_empty(reader: &mut Lease, table: &str) -> Result<bool> {
    let mut empty = true;
    let statement = Statement::new(format!("SELECT 1 FROM {} LIMIT 1", name(table)), Vec::new());
    reader.read(&statement, &mut |_| empty = false).await?;
    Ok(empty)
}

pub(super) fn name(name: &str) -> String {
    ddl::name(&SqliteDialect, name)
}

/// Begins a transaction and runs the steps in it; the caller ends it either way.
pub(super) async fn change(connection: &mut Connection, steps: &[SchemaStep]) -> Result<()> {
    let failed = |failure: Failure| failure.into_error("change its tables");
    run(connection, StorageCall::Begin, "BEGIN IMMEDIATE")
        .await
        .map_err(failed)?;
    for step in steps {
        match apply(connection, step).await {
            Ok(()) => {}
            Err(Failure::Unique { columns, .. }) => {
                return Err(DataError::Duplicate {
                    object: step.table().to_owned(),
                    fields: columns,
                });
            }
            Err(failure) => {
                tracing::error!(step = %step, "a change of the database failed");
                return Err(failed(failure));
            }
        }
    }
    Ok(())
}

pub(super) async fn run(connection: &mut Connection, call: StorageCall, sql: &str) -> Result<(), Failure> {
    connection
        .run(call, Arc::from(sql), Vec::new(), false, &mut |_| {})
        .await
}

async fn apply(connection: &mut Connection, step: &SchemaStep) -> Result<(), Failure> {
    let sql = match step {
        SchemaStep::CreateTable { table, columns } => {
            format!("CREATE TABLE {} {}", name(table), ddl::columns(&SqliteDialect, columns))
        }
        SchemaStep::RenameTable { from, to } => format!("ALTER TABLE {} RENAME TO {}", name(from), name(to)),
        SchemaStep::AddColumn { table, column } => {
            format!(
                "ALTER TABLE {} ADD COLUMN {}",
                name(table),
                ddl::column(&SqliteDialect, column)
            )
        }
        SchemaStep::RenameColumn { table, from, to } => {
            format!(
                "ALTER TABLE {} RENAME COLUMN {} TO {}",
                name(table),
                name(from),
                name(to)
            )
        }
        SchemaStep::AddIndex { table, index } => add_index(table, index),
        SchemaStep::DropIndex { index, .. } => format!("DROP INDEX {}", name(index)),
        SchemaStep::DropColumn { table, column } => format!("ALTER TABLE {} DROP COLUMN {}", name(table), name(column)),
        SchemaStep::DropTable { table } => {
            words::drop(connection, table).await?;
            format!("DROP TABLE {}", name(table))
        }
        SchemaStep::AddTextIndex { table, fields } => return words::add(connection, table, fields).await,
        SchemaStep::DropTextIndex { table } => return words::drop(connection, table).await,
        SchemaStep::WidenColumn { table, column, to, .. } => {
            return rebuild(
                connection,
                table,
                column,
                Change::Retype {
                    to: *to,
                    keep_all: true,
                },
            )
            .await;
        }
        SchemaStep::ConvertColumn { table, column, to, .. } => {
            return rebuild(
                connection,
                table,
                column,
                Change::Retype {
                    to: *to,
                    keep_all: false,
                },
            )
            .await;
        }
        SchemaStep::RelaxColumn { table, column } => {
            return rebuild(connection, table, column, Change::Relax).await;
        }
    };
    run(connection, StorageCall::Unit, &sql).await
}

fn add_index(table: &str, index: &IndexModel) -> String {
    let collation = if index.ignore_case { " COLLATE NOCASE" } else { "" };
    let columns: Vec<String> = index
        .fields
        .iter()
        .map(|field| format!("{}{collation}", name(field)))
        .collect();
    let unique = if index.unique { "UNIQUE " } else { "" };
    let only = ddl::of_index(&SqliteDialect, index);
    format!(
        "CREATE {unique}INDEX {} ON {} ({}){only}",
        name(&index.name),
        name(table),
        columns.join(", ")
    )
}

/// What `ALTER TABLE` cannot do in SQLite.
enum Change {
    Retype { to: ColumnType, keep_all: bool },
    Relax,
}

struct OldColumn {
    name: String,
    declared: String,
    not_null: bool,
    primary_key: bool,
}

/// Makes the table anew under another name, copies the rows, and puts it in the old one's place with its indexes.
async fn rebuild(connection: &mut Connection, table: &str, column: &str, change: Change) -> Result<(), Failure> {
    let old = old_columns(connection, table).await?;
    let indexes = index_texts(connection, table).await?;
    let mut definitions = Vec::with_capacity(old.len());
    let mut sources = Vec::with_capacity(old.len());
    for each in &old {
        let (mut kind, mut not_null, mut source) = (each.declared.clone(), each.not_null, name(&each.name));
        if each.name == column {
            match change {
                Change::Retype { to, keep_all } => {
                    kind = SqliteDialect.column_type(to).to_owned();
                    if !keep_all {
                        source = conversion(&source, to);
                    }
                }
                Change::Relax => not_null = false,
            }
        }
        let mut definition = format!("{} {kind}", name(&each.name));
        if not_null {
            definition.push_str(" NOT NULL");
        }
        if each.primary_key {
            definition.push_str(" PRIMARY KEY");
        }
        definitions.push(definition);
        sources.push(source);
    }
    let new = name("objectos_rebuild");
    let mut sql = format!("CREATE TABLE {new} ({});", definitions.join(", "));
    let _ = write!(
        sql,
        "INSERT INTO {new} SELECT {} FROM {};",
        sources.join(", "),
        name(table)
    );
    let _ = write!(
        sql,
        "DROP TABLE {};ALTER TABLE {new} RENAME TO {}",
        name(table),
        name(table)
    );
    for index in indexes {
        let _ = write!(sql, ";{index}");
    }
    run(connection, StorageCall::Unit, &sql).await
}

/// The value as another type, null when it does not fit.
fn conversion(column: &str, to: ColumnType) -> String {
    match to {
        ColumnType::Text => format!("CAST({column} AS TEXT)"),
        ColumnType::Integer => {
            format!("CASE WHEN CAST({column} AS INTEGER) = {column} THEN CAST({column} AS INTEGER) END")
        }
        ColumnType::Number | ColumnType::Decimal => {
            format!("CASE WHEN CAST({column} AS NUMERIC) = {column} THEN CAST({column} AS NUMERIC) END")
        }
        ColumnType::Boolean => {
            format!("CASE WHEN {column} IN (1, '1', 'true') THEN 1 WHEN {column} IN (0, '0', 'false') THEN 0 END")
        }
        ColumnType::Date => format!("strftime('%Y-%m-%d', {column})"),
        ColumnType::DateTime => format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column})"),
        ColumnType::Time => format!("strftime('%H:%M:%S', {column})"),
        ColumnType::Json => format!("CASE WHEN json_valid({column}) THEN {column} ELSE json_quote({column}) END"),
    }
}

async fn old_columns(connection: &mut Connection, table: &str) -> Result<Vec<OldColumn>, Failure> {
    let mut columns = Vec::new();
    let sql = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid";
    connection
        .run(
            StorageCall::Read,
            Arc::from(sql),
            vec![table.into()],
            false,
            &mut |seen| {
                if let Seen::Row(row) = seen {
                    let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
                    columns.push(OldColumn {
                        name: text(0),
                        declared: text(1),
                        not_null: row.cell(2).as_integer() == Some(1),
                        primary_key: row.cell(3).as_integer() == Some(1),
                    });
                }
            },
        )
        .await?;
    Ok(columns)
}

async fn index_texts(connection: &mut Connection, table: &str) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    let sql = "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND tbl_name = ? AND sql IS NOT NULL";
    connection
        .run(
            StorageCall::Read,
            Arc::from(sql),
            vec![table.into()],
            false,
            &mut |seen| {
                if let Seen::Row(row) = seen {
                    texts.extend(row.cell(0).as_text().map(str::to_owned));
                }
            },
        )
        .await?;
    // The same text twice would fail on its name.
    let mut known = HashSet::new();
    texts.retain(|text| known.insert(text.clone()));
    Ok(texts)
}
