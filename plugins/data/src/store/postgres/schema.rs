//! Changes of tables: the SQL of each step, all in one transaction under a lock that every host takes.
//!
//! Steps are written so that one which another host did a moment ago is no error: what is there stays. What an index is for
//! stands in its comment, since PostgreSQL gives expressions back in its own words.

use std::sync::Arc;

use super::connection::{Connection, Failure};
use super::conversion;
use super::own::LOCK_SPACE;
use super::pool::Lease;
use super::words;
use super::writer::run;
use crate::error::{DataError, Result};
use crate::model::{ColumnType, IndexModel};
use crate::schema::SchemaStep;
use crate::store::{Dialect as _, Outcome, PostgresDialect, StorageCall, WriteUnit, ddl, made, mention};

/// Does the steps and stores the unit, all or none.
pub(super) async fn change(lease: &mut Lease, steps: &[SchemaStep], unit: &WriteUnit) -> Result<Outcome> {
    let connection = lease.connection().await?;
    let failed = |failure: Failure| failure.into_error("change its tables");
    connection.plain(StorageCall::Begin, "BEGIN").await.map_err(failed)?;
    let changed = match in_transaction(connection, steps).await {
        Ok(()) => run(connection, &unit.steps)
            .await
            .map_err(|failure| failure.into_error("store a change")),
        Err(error) => Err(error),
    };
    if !matches!(changed, Ok(Outcome::Stored(_))) {
        if connection.sound() {
            drop(connection.plain(StorageCall::Rollback, "ROLLBACK").await);
        }
        return changed;
    }
    connection.plain(StorageCall::Commit, "COMMIT").await.map_err(failed)?;
    changed
}

async fn in_transaction(connection: &mut Connection, steps: &[SchemaStep]) -> Result<()> {
    let failed = |failure: Failure| failure.into_error("change its tables");
    let lock = format!(
        "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCK_SPACE}, hashtext(current_schema())); {FORGET}"
    );
    connection.plain(StorageCall::Unit, &lock).await.map_err(failed)?;
    for step in steps {
        match apply(connection, step).await {
            Ok(()) => {}
            Err(Failure::Unique { columns, .. }) => {
                let fields = match step {
                    SchemaStep::AddIndex { index, .. } => index.fields.clone(),
                    _ => columns,
                };
                return Err(DataError::Duplicate {
                    object: step.table().to_owned(),
                    fields,
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

/// Forgets what somebody else took away: what they put in its place is theirs.
const FORGET: &str = "DELETE FROM objectos_made WHERE NOT EXISTS (SELECT 1 FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname = table_name \
    AND (column_name = '' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = column_name \
    AND a.attnum > 0 AND NOT a.attisdropped)))";

pub(super) fn name(name: &str) -> String {
    ddl::name(&PostgresDialect, name)
}

/// A text as a constant.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

async fn apply(connection: &mut Connection, step: &SchemaStep) -> Result<(), Failure> {
    let sql = match step {
        SchemaStep::CreateTable { table, columns } => {
            format!(
                "CREATE TABLE IF NOT EXISTS {} {}",
                name(table),
                ddl::columns(&PostgresDialect, columns)
            )
        }
        SchemaStep::RenameTable { from, to } => {
            if exists(connection, to).await? {
                return Ok(());
            }
            format!("ALTER TABLE {} RENAME TO {}", name(from), name(to))
        }
        SchemaStep::AddColumn { table, column } => {
            format!(
                "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}",
                name(table),
                ddl::column(&PostgresDialect, column)
            )
        }
        SchemaStep::RenameColumn { table, from, to } => {
            if has_column(connection, table, to).await? {
                return Ok(());
            }
            format!(
                "ALTER TABLE {} RENAME COLUMN {} TO {}",
                name(table),
                name(from),
                name(to)
            )
        }
        SchemaStep::AddIndex { table, index } => add_index(connection, table, index).await?,
        SchemaStep::DropIndex { index, .. } => format!("DROP INDEX IF EXISTS {}", name(index)),
        SchemaStep::AddTextIndex { table, fields } => words::add(table, fields),
        SchemaStep::DropTextIndex { table } => words::drop(table),
        SchemaStep::DropColumn { table, column } => {
            format!("ALTER TABLE {} DROP COLUMN IF EXISTS {}", name(table), name(column))
        }
        SchemaStep::DropTable { table } => format!("DROP TABLE IF EXISTS {}", name(table)),
        SchemaStep::WidenColumn {
            table,
            column,
            from,
            to,
        } => retype(table, column, *to, &conversion::widening(column, *from, *to)),
        SchemaStep::ConvertColumn {
            table,
            column,
            from,
            to,
        } => convert(connection, table, column, (*from, *to)).await?,
        SchemaStep::RelaxColumn { table, column } => relax(table, column),
        SchemaStep::RenameObjectIn { table, from, to } => mention::of_object(&PostgresDialect, table, from, to),
        SchemaStep::RenameFieldIn {
            table,
            object,
            from,
            to,
        } => mention::of_field(&PostgresDialect, table, object, (from, to)),
    };
    let noted = format!("{sql}{}", made::noted(step));
    connection.plain(StorageCall::Unit, &noted).await
}

async fn add_index(connection: &mut Connection, table: &str, index: &IndexModel) -> Result<String, Failure> {
    let mut columns = Vec::with_capacity(index.fields.len());
    for field in &index.fields {
        // Only text has case.
        let lower = index.ignore_case && is_text(connection, table, field).await?;
        let mut column = if lower {
            format!("lower({})", name(field))
        } else {
            name(field)
        };
        if index.places_nulls(field) {
            // Where orders have them, else no index would serve one: here null is greater than all values unless it is said.
            column.push_str(" NULLS FIRST");
        }
        columns.push(column);
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    let only = ddl::of_index(&PostgresDialect, index);
    let purpose = serde_json::json!({
        "columns": index.fields, "ignoreCase": index.ignore_case,
    });
    Ok(format!(
        "CREATE {unique}INDEX IF NOT EXISTS {index} ON {} USING {} ({}){only}; COMMENT ON INDEX {index} IS {}",
        name(table),
        index.method.name(),
        columns.join(", "),
        quoted(&purpose.to_string()),
        index = name(&index.name),
    ))
}

fn retype(table: &str, column: &str, to: ColumnType, using: &str) -> String {
    format!(
        "ALTER TABLE {} ALTER COLUMN {column} TYPE {} USING {using}",
        name(table),
        PostgresDialect.column_type(to),
        column = name(column),
    )
}

fn relax(table: &str, column: &str) -> String {
    let (table, column) = (name(table), name(column));
    format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
}

/// Makes the functions that convert, and says what will not fit.
async fn convert(
    connection: &mut Connection,
    table: &str,
    column: &str,
    (from, to): (Option<ColumnType>, ColumnType),
) -> Result<String, Failure> {
    connection.plain(StorageCall::Unit, conversion::FUNCTIONS).await?;
    let converted = conversion::conversion(column, from, to);
    tell_lost(connection, table, column, &converted).await?;
    Ok(retype(table, column, to, &converted))
}

/// Says how many values a conversion cannot keep.
async fn tell_lost(connection: &mut Connection, table: &str, column: &str, converted: &str) -> Result<(), Failure> {
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE {} IS NOT NULL AND {converted} IS NULL",
        name(table),
        name(column)
    );
    let mut lost = 0;
    connection
        .run(StorageCall::Read, &Arc::from(sql), &[], &mut |row| {
            lost = row.cell(0).as_integer().unwrap_or_default();
        })
        .await?;
    if lost > 0 {
        tracing::warn!("database: {lost} values of {table}.{column} do not fit its new type and are lost");
    }
    Ok(())
}

async fn exists(connection: &mut Connection, table: &str) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = current_schema() AND c.relname = $1";
    any(connection, sql, &[table]).await
}

const COLUMN: &str = "SELECT 1 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid \
    WHERE n.nspname = current_schema() AND c.relname = $1 AND a.attname = $2 AND NOT a.attisdropped";

async fn has_column(connection: &mut Connection, table: &str, column: &str) -> Result<bool, Failure> {
    any(connection, COLUMN, &[table, column]).await
}

async fn is_text(connection: &mut Connection, table: &str, column: &str) -> Result<bool, Failure> {
    any(
        connection,
        &format!("{COLUMN} AND t.typcategory = 'S'"),
        &[table, column],
    )
    .await
}

async fn any(connection: &mut Connection, sql: &str, values: &[&str]) -> Result<bool, Failure> {
    let mut found = false;
    let values: Vec<_> = values.iter().map(|&value| value.into()).collect();
    connection
        .run(StorageCall::Read, &Arc::from(sql), &values, &mut |_| found = true)
        .await?;
    Ok(found)
}
