//! How much there is to lose: the rows of a table or the values of a column that a step takes away or may not keep. Counted when
//! a plan is shown, never by itself.

use std::sync::Arc;

use crate::error::Result;
use crate::query::sql::SqlWriter;
use crate::schema::{SchemaPlan, SchemaStep};
use crate::store::Store;

/// `3 rows` or `3 values`; none for a step that takes nothing.
pub(super) async fn at_stake(store: &Arc<dyn Store>, plan: &SchemaPlan, step: &SchemaStep) -> Result<Option<String>> {
    let (column, what) = match step {
        SchemaStep::DropTable { .. } => (None, "rows"),
        SchemaStep::DropColumn { column, .. } | SchemaStep::ConvertColumn { column, .. } => (Some(column), "values"),
        _ => return Ok(None),
    };
    // Names as they are before the plan is carried out.
    let table = plan.additive.iter().find_map(|earlier| match earlier {
        SchemaStep::RenameTable { from, to } if to == step.table() => Some(from.as_str()),
        _ => None,
    });
    let column = column.map(|column| {
        let renamed = plan.additive.iter().find_map(|earlier| match earlier {
            SchemaStep::RenameColumn { table, from, to } if table == step.table() && to == column => Some(from),
            _ => None,
        });
        renamed.unwrap_or(column)
    });
    let mut writer = SqlWriter::new(store.dialect());
    writer.push("SELECT COUNT(");
    match column {
        Some(column) => writer.name(column),
        None => writer.push("*"),
    };
    writer.push(") FROM ").name(table.unwrap_or_else(|| step.table()));
    let mut count = 0;
    let mut reader = store.reader().await?;
    reader
        .read(&writer.finish().single(), &mut |row| {
            count = row.cell(0).as_integer().unwrap_or_default()
        })
        .await?;
    Ok(Some(format!("{count} {what}")))
}
