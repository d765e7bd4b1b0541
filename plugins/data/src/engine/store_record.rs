//! The statements that a change of a record is made of.

use std::sync::Arc;

use crate::error::Result;
use crate::model::SystemField;
use crate::query::RawFilter;
use crate::query::check::Checker;
use crate::query::sql::SqlWriter;
use crate::record::{Layout, Schema};
use crate::store::{Dialect, SqlValue, Statement};

use super::caller::Caller;

/// Makes a record; `values` are those of all columns.
pub(super) fn insert(layout: &Layout, values: &[SqlValue]) -> Statement {
    Statement::new(Arc::clone(&layout.insert_sql), values.to_vec())
}

/// Changes columns of a record that is still as it was read.
pub(super) fn update(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    id: &str,
    before: &[SqlValue],
    after: &[SqlValue],
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("UPDATE ").push(&layout.table).push(" SET ");
    let changed = layout
        .columns
        .iter()
        .enumerate()
        .filter(|(index, _)| before[*index] != after[*index]);
    writer.list(", ", changed, |writer, (index, column)| {
        writer.name(&column.name).push(" = ").value(after[index].clone());
    });
    unchanged(&mut writer, layout, id, before);
    writer.finish()
}

/// Deletes a record that is still as it was read.
pub(super) fn delete(dialect: &'static dyn Dialect, layout: &Layout, id: &str, before: &[SqlValue]) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("DELETE FROM ").push(&layout.table);
    unchanged(&mut writer, layout, id, before);
    writer.finish()
}

/// `updated_at` grows with every change of a record, so it tells one state from every other.
fn unchanged(writer: &mut SqlWriter, layout: &Layout, id: &str, before: &[SqlValue]) {
    let same = writer.dialect().not_distinct();
    writer
        .push(" WHERE ")
        .name(SystemField::Id.name())
        .push(" = ")
        .value(id.into());
    writer
        .push(" AND ")
        .name(SystemField::UpdatedAt.name())
        .push(same)
        .value(before[layout.updated_at].clone());
}

/// Answers a row when the record is not one that matches the filter.
pub(super) fn outside(
    dialect: &'static dyn Dialect,
    schema: &Schema,
    caller: &Caller<'_>,
    layout: &Arc<Layout>,
    id: &str,
    filter: &RawFilter,
) -> Result<Statement> {
    let mut checker = Checker::new(schema, layout, None, caller);
    let filter = checker.filter(filter)?;
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT 1 WHERE NOT EXISTS (SELECT 1").from(&checker.scope);
    writer
        .push(" WHERE ")
        .column(0, SystemField::Id.name())
        .push(" = ")
        .value(id.into());
    writer.push(" AND ").filter(&filter).push(")");
    Ok(writer.finish())
}

/// All columns of the records of an object whose field has this value, deleted ones left out.
pub(super) fn pointing_to(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    field: &str,
    many: bool,
    id: &str,
    limit: u64,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT ");
    writer.list(", ", &layout.columns, |writer, column| {
        writer.name(&column.name);
    });
    writer.push(" FROM ").push(&layout.table).push(" WHERE ");
    points_to(&mut writer, layout, field, many, id);
    writer
        .push(" ORDER BY ")
        .name(SystemField::Id.name())
        .push(" LIMIT ")
        .number(limit);
    writer.finish()
}

/// Answers a row when a record of the object still points to this one.
pub(super) fn still_pointing(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    field: &str,
    many: bool,
    id: &str,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT 1 FROM ").push(&layout.table).push(" WHERE ");
    points_to(&mut writer, layout, field, many, id);
    writer.push(" LIMIT 1");
    writer.finish()
}

/// Counts the records of the object that point to this one.
pub(super) fn count_pointing(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    field: &str,
    many: bool,
    id: &str,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT COUNT(*) FROM ").push(&layout.table).push(" WHERE ");
    points_to(&mut writer, layout, field, many, id);
    writer.finish().single()
}

fn points_to(writer: &mut SqlWriter, layout: &Layout, field: &str, many: bool, id: &str) {
    if many {
        let start = writer.dialect().elements_start();
        writer
            .push("EXISTS (SELECT 1 FROM ")
            .push(start)
            .name(field)
            .push(") e WHERE e.value = ");
        writer.value(id.into()).push(")");
    } else {
        writer.name(field).push(" = ").value(id.into());
    }
    if let Some(delete) = &layout.object.soft_delete {
        writer.push(" AND ").name(&delete.field).push(" IS NULL");
    }
}

/// Answers a row when another record has these values.
pub(super) fn taken(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    id: &str,
    values: &[(&str, SqlValue)],
    case_sensitive: bool,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT 1 FROM ").push(&layout.table).push(" WHERE ");
    writer.list(" AND ", values, |writer, (field, value)| match value {
        SqlValue::Text(text) if !case_sensitive => {
            let lower = writer.dialect().lower();
            writer
                .push(lower)
                .push("(")
                .name(field)
                .push(") = ")
                .push(lower)
                .push("(")
                .value(text.as_str().into())
                .push(")");
        }
        value => {
            writer.name(field).push(" = ").value(value.clone());
        }
    });
    writer
        .push(" AND ")
        .name(SystemField::Id.name())
        .push(" <> ")
        .value(id.into());
    if let Some(delete) = &layout.object.soft_delete {
        writer.push(" AND ").name(&delete.field).push(" IS NULL");
    }
    writer.push(" LIMIT 1");
    writer.finish()
}
