//! The tables that are there, read from the catalogue of the database.

use serde::Deserialize;

use super::pool::Lease;
use super::words;
use crate::error::Result;
use crate::model::{ColumnType, IndexMethod};
use crate::schema::{ColumnShape, DatabaseShape, IndexShape};
use crate::store::{Dialect as _, PostgresDialect, Reader as _, Row, Statement, made};

const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
    c.relkind = 'p' OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
    AND c.relname NOT LIKE 'objectos\\_%' ORDER BY c.relname::text COLLATE \"C\", a.attnum";

const INDEXES: &str = "SELECT c.relname::text, i.relname::text, x.indisunique, obj_description(i.oid, 'pg_class'), \
    COALESCE(a.attname::text, ''), m.amname::text, (x.indoption[(k.place - 1)::int] & 2) <> 0 \
    FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid \
    JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY k(number, place) \
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0 \
    WHERE n.nspname = current_schema() AND c.relname NOT LIKE 'objectos\\_%' AND k.place <= x.indnkeyatts \
    AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x')) \
    ORDER BY c.relname::text COLLATE \"C\", i.relname::text COLLATE \"C\", k.place";

/// What stands in the comment of an index of this platform.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Purpose {
    columns: Vec<String>,
    #[serde(default)]
    ignore_case: bool,
}

/// Reads the tables of the schema.
pub(super) async fn read_shape(reader: &mut Lease) -> Result<DatabaseShape> {
    let mut shape = DatabaseShape {
        text_indexes: PostgresDialect.text_index(),
        index_methods: true,
        ..DatabaseShape::default()
    };
    reader
        .read(&Statement::new(COLUMNS, Vec::new()), &mut |row| {
            let table = shape.tables.entry(text(row, 0)).or_default();
            table.scattered = row.cell(4).as_integer() == Some(1);
            let nullable = row.cell(3).as_integer() == Some(0);
            let kind = kind_of(&text(row, 2));
            let column = ColumnShape {
                kind,
                nullable,
                bound: None,
            };
            table.columns.insert(text(row, 1), column);
        })
        .await?;
    reader
        .read(&Statement::new(INDEXES, Vec::new()), &mut |row| {
            let Some(table) = shape.tables.get_mut(&text(row, 0)) else {
                return;
            };
            // PostgreSQL gives expressions back in its own words, and their columns not at all.
            let purpose: Option<Purpose> = row.cell(3).as_text().and_then(|text| serde_json::from_str(text).ok());
            if text(row, 1).starts_with(words::PREFIX) {
                table.words = purpose.map(|purpose| purpose.columns).unwrap_or_default();
                return;
            }
            let unique = row.cell(2).as_integer() == Some(1);
            let index = table.indexes.entry(text(row, 1)).or_insert_with(|| IndexShape {
                columns: Vec::new(),
                unique,
                ignore_case: purpose.as_ref().is_some_and(|purpose| purpose.ignore_case),
                method: IndexMethod::named(&text(row, 5)),
                nulls_last: Vec::new(),
            });
            let column = match (text(row, 4), &purpose) {
                (name, Some(purpose)) if name.is_empty() => {
                    purpose.columns.get(index.columns.len()).cloned().unwrap_or_default()
                }
                (name, _) => name,
            };
            if row.cell(6).as_integer() == Some(0) {
                index.nulls_last.push(column.clone());
            }
            index.columns.push(column);
        })
        .await?;
    reader
        .read(&Statement::new(made::ALL, Vec::new()), &mut |row| {
            shape.made.note(&text(row, 0), &text(row, 1));
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

fn text(row: &dyn Row, index: usize) -> String {
    row.cell(index).as_text().unwrap_or_default().to_owned()
}

/// The class of a type; none for one that this platform never makes. Its own types come with the schema before their name when
/// that is not the first of the search path.
fn kind_of(declared: &str) -> Option<ColumnType> {
    let name = declared.rsplit('.').next().unwrap_or_default();
    Some(match name {
        "text" => ColumnType::Text,
        "bigint" => ColumnType::Integer,
        "objectos_number" => ColumnType::Number,
        "numeric" => ColumnType::Decimal,
        "boolean" => ColumnType::Boolean,
        "objectos_date" => ColumnType::Date,
        "objectos_datetime" => ColumnType::DateTime,
        "objectos_time" => ColumnType::Time,
        "jsonb" => ColumnType::Json,
        _ => return None,
    })
}

async fn is_empty(reader: &mut Lease, table: &str) -> Result<bool> {
    let mut sql = String::from("SELECT 1 FROM ");
    PostgresDialect.name(&mut sql, table);
    sql.push_str(" LIMIT 1");
    let mut empty = true;
    reader
        .read(&Statement::new(sql, Vec::new()), &mut |_| empty = false)
        .await?;
    Ok(empty)
}
