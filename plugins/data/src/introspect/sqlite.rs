//! The tables of a SQLite file, opened for reading alone.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Column, ForeignKey, Table, TableIndex};

const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    AND name NOT LIKE 'objectos\\_%' ESCAPE '\\' ORDER BY name";
const COLUMNS: &str =
    "SELECT name, type, CAST(\"notnull\" AS TEXT), dflt_value, CAST(pk AS TEXT) FROM pragma_table_info(?) ORDER BY cid";
const FOREIGN: &str =
    "SELECT CAST(id AS TEXT), \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq";
const INDEXES: &str = "SELECT l.name, CAST(l.\"unique\" AS TEXT), CAST(l.partial AS TEXT), i.name FROM pragma_index_list(?) l, \
    pragma_index_info(l.name) i WHERE l.origin <> 'pk' ORDER BY l.name, i.seqno";

pub(super) async fn tables(path: &str) -> Result<Vec<Table>, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    let mut tables = Vec::new();
    for name in rows(&mut connection, TABLES, None).await? {
        tables.push(table(&mut connection, text(&name, 0)).await?);
    }
    connection.close().await?;
    Ok(tables)
}

type Texts = Vec<Option<String>>;

async fn rows(
    connection: &mut SqliteConnection,
    sql: &'static str,
    table: Option<&str>,
) -> Result<Vec<Texts>, sqlx::Error> {
    let mut query = sqlx::query(sql);
    if let Some(table) = table {
        query = query.bind(table.to_owned());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| (0..row.len()).map(|index| row.try_get(index)).collect())
        .collect()
}

fn text(row: &Texts, index: usize) -> String {
    row.get(index).cloned().flatten().unwrap_or_default()
}

async fn table(connection: &mut SqliteConnection, name: String) -> Result<Table, sqlx::Error> {
    let mut table = Table {
        name,
        ..Table::default()
    };
    let mut primary = Vec::new();
    for row in rows(connection, COLUMNS, Some(&table.name)).await? {
        let place: u32 = text(&row, 4).parse().unwrap_or_default();
        if place > 0 {
            primary.push((place, text(&row, 0)));
        }
        table.columns.push(Column {
            name: text(&row, 0),
            declared: text(&row, 1),
            nullable: text(&row, 2) == "0",
            default: row.get(3).is_some_and(Option::is_some),
            values: Vec::new(),
        });
    }
    primary.sort();
    table.primary = primary.into_iter().map(|(_, name)| name).collect();
    let mut last = None;
    for row in rows(connection, FOREIGN, Some(&table.name)).await? {
        if last.replace(text(&row, 0)) != Some(text(&row, 0)) {
            table.foreign.push(ForeignKey {
                columns: Vec::new(),
                table: text(&row, 1),
                targets: Vec::new(),
                on_delete: text(&row, 4),
            });
        }
        if let Some(key) = table.foreign.last_mut() {
            key.columns.push(text(&row, 2));
            key.targets.extend(row.get(3).cloned().flatten());
        }
    }
    for row in rows(connection, INDEXES, Some(&table.name)).await? {
        let name = text(&row, 0);
        if table.indexes.last().is_none_or(|index| index.name != name) {
            table.indexes.push(TableIndex {
                name,
                columns: Vec::new(),
                unique: text(&row, 1) == "1",
                partial: text(&row, 2) == "1",
            });
        }
        if let Some(index) = table.indexes.last_mut() {
            index.columns.push(text(&row, 3));
        }
    }
    Ok(table)
}
