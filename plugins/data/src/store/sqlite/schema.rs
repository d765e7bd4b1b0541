//! Tables: reads what is there, writes the SQL of each step, and makes the store's own tables.
//!
//! Types are declared by names that say the class of the column and give it the right affinity: numbers stay whole when
//! they are, and no text is ever taken for a number.

use std::sync::Arc;

use super::connection::{Connection, Failure, Seen};
use super::pool::Lease;
use super::rebuild::{Change, rebuild};
use super::table_text::TableText;
use super::words;
use crate::error::{DataError, Result};
use crate::model::{ColumnType, IndexMethod, IndexModel};
use crate::schema::{ColumnShape, DatabaseShape, IndexShape, SchemaStep};
use crate::store::dialect::{FTS5, MATH};
use crate::store::{Dialect as _, Reader as _, SqliteDialect, Statement, StorageCall};
use crate::store::{ddl, made, mention};

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
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objectos_made (
    table_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    PRIMARY KEY (table_name, column_name)
) WITHOUT ROWID";

/// Forgets what somebody else took away: what they put in its place is theirs.
const FORGET: &str = "DELETE FROM objectos_made WHERE NOT EXISTS (SELECT 1 FROM sqlite_master m \
    WHERE m.type = 'table' AND m.name = table_name AND (column_name = '' \
    OR EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = column_name)))";

pub(super) async fn make_own_tables(connection: &mut Connection) -> Result<()> {
    connection
        .run(StorageCall::Unit, Arc::from(OWN_TABLES), &[], false, &mut |_| {})
        .await
        .map_err(|failure| failure.into_error("make its own tables"))
}

/// Whether this SQLite can make text indexes and draw roots; one library is in the process, so what it lacks is said once.
pub(super) async fn look_for_options(connection: &mut Connection) -> Result<()> {
    let (mut fts5, mut math) = (false, false);
    let sql = "SELECT compile_options FROM pragma_compile_options";
    connection
        .run(StorageCall::Read, Arc::from(sql), &[], false, &mut |seen| {
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

const COLUMNS: &str = "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk, m.sql \
    FROM sqlite_master m, pragma_table_info(m.name) c \
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
            let (table, column) = (text(0), text(1));
            let cell = row.cell(5);
            let written = cell.as_text().and_then(TableText::read);
            let bound = match &written {
                Some(written) => written.bound(&column, row.cell(4).as_integer() != Some(0)),
                None => Some("the text of the table is none that this platform can read"),
            };
            let column_shape = ColumnShape {
                kind: kind_of(&text(2)),
                nullable: row.cell(3).as_integer() == Some(0),
                bound: bound.map(str::to_owned),
            };
            shape
                .tables
                .entry(table)
                .or_default()
                .columns
                .insert(column, column_shape);
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
    reader
        .read(&Statement::new(made::ALL, Vec::new()), &mut |row| {
            let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
            shape.made.note(&text(0), &text(1));
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
    run(connection, StorageCall::Unit, FORGET).await.map_err(failed)?;
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
    connection.run(call, Arc::from(sql), &[], false, &mut |_| {}).await
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
            return rebuild(connection, table, column, Change::Widen(*to)).await;
        }
        SchemaStep::ConvertColumn {
            table,
            column,
            from,
            to,
        } => {
            let (from, to) = (*from, *to);
            return rebuild(connection, table, column, Change::Convert { from, to }).await;
        }
        SchemaStep::RelaxColumn { table, column } => {
            return rebuild(connection, table, column, Change::Relax).await;
        }
        SchemaStep::RenameObjectIn { table, from, to } => mention::of_object(&SqliteDialect, table, from, to),
        SchemaStep::RenameFieldIn {
            table,
            object,
            from,
            to,
        } => mention::of_field(&SqliteDialect, table, object, (from, to)),
    };
    let noted = format!("{sql}{}", made::noted(step));
    run(connection, StorageCall::Unit, &noted).await
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
