//! The statements that a change of a record is made of.

use std::sync::Arc;

use crate::error::Result;
use crate::model::{Expression, SystemField};
use crate::query::RawFilter;
use crate::query::check::{Checker, wrong_plan};
use crate::query::sql::SqlWriter;
use crate::record::{Layout, Schema};
use crate::store::{Dialect, SqlValue, Statement};

use super::caller::Caller;
use super::restore::Whereabouts;

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

/// Answers a row when a record is not as it was read; without a version, when there is one after all.
pub(super) fn changed_since(layout: &Layout, id: &str, version: Option<SqlValue>) -> Statement {
    let mut writer = SqlWriter::new(layout.dialect);
    let wanted = version.is_some();
    writer.push(if wanted {
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "
    } else {
        "SELECT 1 FROM "
    });
    writer
        .push(&layout.table)
        .push(" WHERE ")
        .name(SystemField::Id.name())
        .push(" = ")
        .value(id.into());
    if let Some(delete) = &layout.object.soft_delete {
        writer.push(" AND ").name(&delete.field).push(" IS NULL");
    }
    if let Some(version) = version {
        let same = writer.dialect().not_distinct();
        writer
            .push(" AND ")
            .name(SystemField::UpdatedAt.name())
            .push(same)
            .value(version)
            .push(")");
    }
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
    checker.official = true;
    let filter = checker.filter(filter).map_err(|error| wrong_plan(&checker, &error))?;
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

/// All columns of the records of an object whose field has this value.
pub(super) fn pointing_to(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    field: &str,
    many: bool,
    id: &str,
    limit: u64,
    whereabouts: Whereabouts,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT ");
    writer.list(", ", &layout.columns, |writer, column| {
        writer.name(&column.name);
    });
    writer.push(" FROM ").push(&layout.table).push(" WHERE ");
    points_to(&mut writer, layout, field, many, id, whereabouts);
    writer.push(" ORDER BY ").name(SystemField::Id.name()).limit(limit);
    writer.finish()
}

/// Answers a row when a record of the object still points to this one.
pub(super) fn still_pointing(
    dialect: &'static dyn Dialect,
    layout: &Layout,
    field: &str,
    many: bool,
    id: &str,
    whereabouts: Whereabouts,
) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT 1 FROM ").push(&layout.table).push(" WHERE ");
    points_to(&mut writer, layout, field, many, id, whereabouts);
    writer.push(" LIMIT 1");
    writer.finish()
}

fn points_to(writer: &mut SqlWriter, layout: &Layout, field: &str, many: bool, id: &str, whereabouts: Whereabouts) {
    if many {
        let (start, end) = (writer.dialect().elements_start(), writer.dialect().elements_end());
        writer
            .push("EXISTS (SELECT 1 FROM ")
            .push(start)
            .name(field)
            .push(end)
            .push(" WHERE e.value = ");
        writer.value(id.into()).push(")");
    } else {
        writer.name(field).push(" = ").value(id.into());
    }
    if let (Some(delete), Some(condition)) = (&layout.object.soft_delete, whereabouts.condition()) {
        writer.push(" AND ").name(&delete.field).push(condition);
    }
}

/// Values that no other record may have.
pub(super) struct Taken<'a> {
    /// The record that has them.
    pub(super) id: &'a str,
    /// Fields and values; null is the same as null.
    pub(super) values: &'a [(&'a str, SqlValue)],
    /// Text is compared with case.
    pub(super) case_sensitive: bool,
    /// Only records for which it holds are compared.
    pub(super) scope: Option<&'a Expression>,
}

/// Answers a row when another record has these values.
pub(super) fn taken(
    dialect: &'static dyn Dialect,
    schema: &Schema,
    caller: &Caller<'_>,
    layout: &Arc<Layout>,
    taken: &Taken<'_>,
) -> Result<Statement> {
    let mut checker = Checker::new(schema, layout, None, caller);
    let scope = taken.scope.map(|scope| checker.condition(scope)).transpose()?;
    let mut writer = SqlWriter::new(dialect);
    writer.push("SELECT 1").from(&checker.scope).push(" WHERE ");
    writer.list(" AND ", taken.values, |writer, (field, value)| match value {
        SqlValue::Null => {
            writer.column(0, field).push(" IS NULL");
        }
        SqlValue::Text(text) if !taken.case_sensitive => {
            let column = |writer: &mut SqlWriter| {
                writer.column(0, field);
            };
            writer.same_any_case(column, text);
        }
        value => {
            writer.column(0, field).push(" = ").value(value.clone());
        }
    });
    writer
        .push(" AND ")
        .column(0, SystemField::Id.name())
        .push(" <> ")
        .value(taken.id.into());
    if let Some(delete) = &layout.object.soft_delete {
        writer.push(" AND ").column(0, &delete.field).push(" IS NULL");
    }
    if let Some(scope) = &scope {
        writer.push(" AND ").filter(scope);
    }
    writer.push(" LIMIT 1");
    Ok(writer.finish())
}

/// Answers a row when a record stands above itself: the chain of its parents leads back to it. A circle elsewhere ends by
/// itself, since `UNION` keeps each step once.
pub(super) fn circle(dialect: &'static dyn Dialect, layout: &Layout, field: &str, id: &str) -> Statement {
    let mut writer = SqlWriter::new(dialect);
    writer
        .push("WITH RECURSIVE up (id) AS (SELECT p.")
        .name(field)
        .push(" FROM ")
        .push(&layout.table)
        .push(" p WHERE p.")
        .name(SystemField::Id.name())
        .push(" = ")
        .value(id.into())
        .push(" UNION SELECT p.")
        .name(field)
        .push(" FROM ")
        .push(&layout.table)
        .push(" p JOIN up ON p.")
        .name(SystemField::Id.name())
        .push(" = up.id) SELECT 1 FROM up WHERE up.id = ")
        .value(id.into())
        .push(" LIMIT 1");
    writer.finish()
}
