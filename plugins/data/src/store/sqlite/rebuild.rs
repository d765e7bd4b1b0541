//! What `ALTER TABLE` cannot do in SQLite: a table is made anew with one column changed, the rows are copied, and it takes the
//! old one's place. Its text is the old one's but for that column, so that whatever else somebody declared of it stays, and its
//! indexes and triggers are made again. Views and triggers of others that read it are not looked at meanwhile.
//!
//! Called by `schema`, within the transaction of a change.

use std::collections::HashSet;
use std::sync::Arc;

use super::connection::{Connection, Failure, Seen};
use super::conversion::{conversion, text};
use super::schema::{name, run};
use super::table_text::{Edit, TableText};
use crate::model::ColumnType;
use crate::store::{Dialect as _, SqliteDialect, StorageCall};

/// What the new table is called until it has the old one's place.
const REBUILT: &str = "objectos_rebuild";
/// Columns that are not computed from others.
const ORDINARY: i64 = 0;

/// What is to be different.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Another type that holds every value.
    Widen(ColumnType),
    /// Another type; what does not fit becomes null.
    Convert { from: Option<ColumnType>, to: ColumnType },
    /// It may be null.
    Relax,
}

/// A column as the database understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    declared: String,
    not_null: bool,
    default: Option<String>,
    /// Its place in the primary key, from 1.
    key: i64,
    hidden: i64,
}

/// Changes a column.
pub(super) async fn rebuild(
    connection: &mut Connection,
    table: &str,
    column: &str,
    change: Change,
) -> Result<(), Failure> {
    let written = texts(connection, "type = 'table' AND name = ?", table).await?;
    let old = columns(connection, table).await?;
    let read = written.first().and_then(|text| TableText::read(text));
    let edit = match change {
        Change::Widen(to) | Change::Convert { to, .. } => Edit::Retype(SqliteDialect.column_type(to)),
        Change::Relax => Edit::Relax,
    };
    let edited = read.as_ref().and_then(|read| read.edited(&name(REBUILT), column, edit));
    let (Some(read), Some(edited)) = (read, edited) else {
        return Err(not_sure(table, column));
    };
    let again = texts(connection, "type IN ('index', 'trigger') AND tbl_name = ?", table).await?;
    if let Change::Convert { from, to } = change {
        tell_lost(connection, table, column, &conversion(&place(table, column), from, to)).await?;
    }
    run(connection, StorageCall::Unit, &edited).await?;
    if columns(connection, REBUILT).await? != expected(&old, column, change) {
        return Err(not_sure(table, column));
    }
    let mut statements = copies(table, &old, column, change);
    if read.autoincrement() {
        statements.extend(numbers(table));
    }
    statements.push(format!("DROP TABLE {}", name(table)));
    statements.push(format!("ALTER TABLE {} RENAME TO {}", name(REBUILT), name(table)));
    statements.extend(again);
    // Else SQLite refuses the new name while a view or trigger elsewhere reads a table that is gone for a moment.
    run(connection, StorageCall::Unit, "PRAGMA legacy_alter_table = ON").await?;
    // A text may end with a comment, which goes to the end of its line.
    let placed = run(connection, StorageCall::Unit, &statements.join("\n;")).await;
    let ended = run(connection, StorageCall::Unit, "PRAGMA legacy_alter_table = OFF").await;
    placed.and(ended)
}

/// The columns that the new table must have.
fn expected(old: &[Column], column: &str, change: Change) -> Vec<Column> {
    let mut columns = old.to_vec();
    for each in columns.iter_mut().filter(|each| each.name == column) {
        match change {
            Change::Widen(to) | Change::Convert { to, .. } => {
                SqliteDialect.column_type(to).clone_into(&mut each.declared);
            }
            Change::Relax => each.not_null = false,
        }
    }
    columns
}

/// Copies the rows; what is computed is computed anew.
fn copies(table: &str, old: &[Column], column: &str, change: Change) -> Vec<String> {
    let stored = || old.iter().filter(|each| each.hidden == ORDINARY);
    let source = |each: &Column| {
        let source = place(table, &each.name);
        match change {
            Change::Widen(ColumnType::Text) if each.name == column => text(&source),
            Change::Convert { from, to } if each.name == column => conversion(&source, from, to),
            _ => source,
        }
    };
    let names: Vec<String> = stored().map(|each| name(&each.name)).collect();
    let sources: Vec<String> = stored().map(source).collect();
    vec![format!(
        "INSERT INTO {} ({}) SELECT {} FROM {}",
        name(REBUILT),
        names.join(", "),
        sources.join(", "),
        name(table)
    )]
}

/// Carries over how far the numbers of the rows were counted, rows that are gone included.
fn numbers(table: &str) -> [String; 2] {
    let quoted = format!("'{}'", table.replace('\'', "''"));
    [
        format!("DELETE FROM sqlite_sequence WHERE name = '{REBUILT}'"),
        format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT '{REBUILT}', seq FROM sqlite_sequence WHERE name = {quoted}"
        ),
    ]
}

/// A column by its table: a quoted name alone would be a text where there is no such column.
fn place(table: &str, column: &str) -> String {
    format!("{}.{}", name(table), name(column))
}

fn not_sure(table: &str, column: &str) -> Failure {
    Failure::Constraint {
        message: format!(
            "the text of the table '{table}' is not one in which the column '{column}' can be changed without touching anything \
             else; change the column by hand, or move the rows into a table that this platform makes"
        ),
    }
}

/// Says how many values a conversion cannot keep.
async fn tell_lost(connection: &mut Connection, table: &str, column: &str, converted: &str) -> Result<(), Failure> {
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE {} IS NOT NULL AND {converted} IS NULL",
        name(table),
        place(table, column)
    );
    let mut lost = 0;
    connection
        .run(StorageCall::Read, Arc::from(sql), &[], false, &mut |seen| {
            if let Seen::Row(row) = seen {
                lost = row.cell(0).as_integer().unwrap_or_default();
            }
        })
        .await?;
    if lost > 0 {
        tracing::warn!("database: {lost} values of {table}.{column} do not fit its new type and are lost");
    }
    Ok(())
}

async fn columns(connection: &mut Connection, table: &str) -> Result<Vec<Column>, Failure> {
    let mut columns = Vec::new();
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid";
    let values = [table.into()];
    connection
        .run(StorageCall::Read, Arc::from(sql), &values, false, &mut |seen| {
            if let Seen::Row(row) = seen {
                let text = |index: usize| row.cell(index).as_text().map(str::to_owned);
                let number = |index: usize| row.cell(index).as_integer().unwrap_or_default();
                columns.push(Column {
                    name: text(0).unwrap_or_default(),
                    declared: text(1).unwrap_or_default(),
                    not_null: number(2) == 1,
                    default: text(3),
                    key: number(4),
                    hidden: number(5),
                });
            }
        })
        .await?;
    Ok(columns)
}

/// The texts with which parts of the database were made; none for what it made by itself.
async fn texts(connection: &mut Connection, which: &str, table: &str) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    let sql = format!("SELECT sql FROM sqlite_master WHERE {which} AND sql IS NOT NULL");
    let values = [table.into()];
    connection
        .run(StorageCall::Read, Arc::from(sql), &values, false, &mut |seen| {
            if let Seen::Row(row) = seen {
                texts.extend(row.cell(0).as_text().map(str::to_owned));
            }
        })
        .await?;
    // The same text twice would fail on its name.
    let mut known = HashSet::new();
    texts.retain(|text| known.insert(text.clone()));
    Ok(texts)
}
