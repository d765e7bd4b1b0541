//! The tables of one schema of a PostgreSQL database, read from its catalogue.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Column, ForeignKey, Table, TableIndex};

const SCHEMA: &str = "SELECT COALESCE($1::text, current_schema()::text)";
const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), \
    a.attnotnull::text, a.atthasdef::text, \
    (SELECT string_agg(e.enumlabel::text, E'\\n' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped \
    AND c.relname NOT LIKE 'objectos\\_%' ORDER BY c.relname::text COLLATE \"C\", a.attnum";
const KEYS: &str = "SELECT c.relname::text, o.conname::text, o.contype::text, a.attname::text, r.relname::text, b.attname::text, \
    CASE o.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'RESTRICT' END \
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(o.conkey) WITH ORDINALITY k(number, place) \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number LEFT JOIN pg_class r ON r.oid = o.confrelid \
    LEFT JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = o.confkey[k.place] \
    WHERE n.nspname = $1 AND o.contype IN ('p', 'f') ORDER BY c.relname::text, o.conname::text, k.place";
const INDEXES: &str = "SELECT c.relname::text, i.relname::text, x.indisunique::text, (x.indpred IS NOT NULL)::text, \
    COALESCE(a.attname::text, '') FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY k(number, place) \
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0 \
    WHERE n.nspname = $1 AND NOT x.indisprimary AND k.place <= x.indnkeyatts \
    ORDER BY c.relname::text, i.relname::text, k.place";

pub(super) async fn tables(url: &str, schema: Option<&str>) -> Result<Vec<Table>, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?;
    let mut connection = options.disable_statement_logging().connect().await?;
    let found = rows(&mut connection, SCHEMA, schema).await?;
    let schema = found.first().map(|row| text(row, 0)).unwrap_or_default();
    let mut tables: Vec<Table> = Vec::new();
    for row in rows(&mut connection, COLUMNS, Some(&schema)).await? {
        let name = text(&row, 0);
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table {
                name,
                ..Table::default()
            });
        }
        let column = Column {
            name: text(&row, 1),
            declared: text(&row, 2),
            nullable: text(&row, 3) == "false",
            default: text(&row, 4) == "true",
            values: text(&row, 5).lines().map(str::to_owned).collect(),
        };
        if let Some(table) = tables.last_mut() {
            table.columns.push(column);
        }
    }
    let mut last = None;
    for row in rows(&mut connection, KEYS, Some(&schema)).await? {
        let Some(table) = find(&mut tables, &row) else { continue };
        if text(&row, 2) == "p" {
            table.primary.push(text(&row, 3));
            continue;
        }
        let key = (text(&row, 0), text(&row, 1));
        if last.as_ref() != Some(&key) {
            table.foreign.push(ForeignKey {
                columns: Vec::new(),
                table: text(&row, 4),
                targets: Vec::new(),
                on_delete: text(&row, 6),
            });
            last = Some(key);
        }
        if let Some(key) = table.foreign.last_mut() {
            key.columns.push(text(&row, 3));
            key.targets.push(text(&row, 5));
        }
    }
    for row in rows(&mut connection, INDEXES, Some(&schema)).await? {
        let Some(table) = find(&mut tables, &row) else { continue };
        let name = text(&row, 1);
        if table.indexes.last().is_none_or(|index| index.name != name) {
            table.indexes.push(TableIndex {
                name,
                columns: Vec::new(),
                unique: text(&row, 2) == "true",
                partial: text(&row, 3) == "true",
            });
        }
        if let Some(index) = table.indexes.last_mut() {
            index.columns.push(text(&row, 4));
        }
    }
    connection.close().await?;
    Ok(tables)
}

type Texts = Vec<Option<String>>;

async fn rows(
    connection: &mut PgConnection,
    sql: &'static str,
    value: Option<&str>,
) -> Result<Vec<Texts>, sqlx::Error> {
    let rows = sqlx::query(sql)
        .bind(value.map(str::to_owned))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| (0..row.len()).map(|index| row.try_get(index)).collect())
        .collect()
}

fn text(row: &Texts, index: usize) -> String {
    row.get(index).cloned().flatten().unwrap_or_default()
}

fn find<'a>(tables: &'a mut [Table], row: &Texts) -> Option<&'a mut Table> {
    let name = text(row, 0);
    tables.iter_mut().find(|table| table.name == name)
}
