//! Values that keep a unique index from being made: which of them stand in several rows, found before anything is changed.
//!
//! It looks at the tables as they are, and the index at those that will be: names and columns that the plan brings are brought
//! into the question. What cannot be asked is left to the database, which refuses the index then. Asked by the plugin when it
//! plans.

use std::sync::Arc;

use super::{Dialect, Statement, Store, ddl};
use crate::error::Result;
use crate::model::{ColumnType, IndexModel};
use crate::schema::{DatabaseShape, SchemaStep};

/// Values that are named.
const NAMED_MAX: usize = 3;
/// Characters of one.
const CHARACTERS_MAX: usize = 40;

/// A value that stands in several rows, or values that together do.
struct Double {
    values: Vec<String>,
    rows: i64,
}

/// For each unique index among the steps that rows are in the way of: which, how many, and what to do.
pub(crate) async fn doubled(store: &Arc<dyn Store>, steps: &[SchemaStep], shape: &DatabaseShape) -> Vec<String> {
    let mut told = Vec::new();
    for step in steps {
        let SchemaStep::AddIndex { table, index } = step else {
            continue;
        };
        if !index.unique {
            continue;
        }
        let Some(statement) = question(store.dialect(), (table.as_str(), index), steps, shape) else {
            continue;
        };
        match found(store, &statement, index.fields.len()).await {
            Ok((_, 0)) => {}
            Ok((named, count)) => told.push(sentence(step, &named, count)),
            Err(error) => tracing::debug!(error = %error, "whether values are unique is not known: {step}"),
        }
    }
    told
}

/// The statement that answers values, rows and how many there are of such; none where there can be none.
fn question(
    dialect: &dyn Dialect,
    (table, index): (&str, &IndexModel),
    steps: &[SchemaStep],
    shape: &DatabaseShape,
) -> Option<Statement> {
    let now = steps.iter().find_map(|step| match step {
        SchemaStep::RenameTable { from, to } if to == table => Some(from.as_str()),
        _ => None,
    });
    let now = now.unwrap_or(table);
    let there = shape.tables.get(now).filter(|there| there.rows != Some(0))?;
    let name = |name: &str| ddl::name(dialect, name);
    let (mut columns, mut before) = (String::from("*"), Vec::new());
    for step in steps.iter().filter(|step| step.table() == table) {
        match step {
            // It is null in every row, and what is null is in nobody's way.
            SchemaStep::AddColumn { column, .. } if index.fields.contains(&column.name) => return None,
            SchemaStep::AddColumn { column, .. } => {
                // Without the collation, which is no part of a type.
                let kind = dialect.column_type(column.kind).split(' ').next().unwrap_or_default();
                columns.push_str(&format!(", CAST(NULL AS {kind}) AS {}", name(&column.name)));
            }
            SchemaStep::RenameColumn { from, to, .. } => {
                columns.push_str(&format!(", {} AS {}", name(from), name(to)));
                before.push((to.as_str(), from.as_str()));
            }
            _ => {}
        }
    }
    let is_text = |field: &str| {
        let renamed = before.iter().find(|(to, _)| *to == field);
        let now = renamed.map_or(field, |(_, from)| *from);
        let kind = there.columns.get(now).and_then(|column| column.kind);
        kind.is_none_or(|kind| kind == ColumnType::Text)
    };
    // On SQLite the same as the collation of such an index: both look away from the case of A to Z alone.
    let key = |field: &String| {
        if index.ignore_case && is_text(field) {
            format!("{}({})", dialect.lower(), name(field))
        } else {
            name(field)
        }
    };
    let keys: Vec<String> = index.fields.iter().map(key).collect();
    let values: Vec<String> = keys.iter().map(|key| format!("CAST({key} AS text)")).collect();
    let mut only = ddl::of_index(dialect, index);
    for field in &index.fields {
        only.push_str(if only.is_empty() { " WHERE " } else { " AND " });
        only.push_str(&format!("{} IS NOT NULL", name(field)));
    }
    let sql = format!(
        "SELECT {}, COUNT(*), COUNT(*) OVER () FROM (SELECT {columns} FROM {}) t{only} GROUP BY {} HAVING COUNT(*) > 1 \
         ORDER BY COUNT(*) DESC, 1 LIMIT {NAMED_MAX}",
        values.join(", "),
        name(now),
        keys.join(", "),
    );
    Some(Statement::new(sql, Vec::new()))
}

/// The first few, and how many there are.
async fn found(store: &Arc<dyn Store>, statement: &Statement, fields: usize) -> Result<(Vec<Double>, i64)> {
    let (mut named, mut count) = (Vec::new(), 0);
    let mut reader = store.reader().await?;
    reader
        .read(statement, &mut |row| {
            let values = (0..fields).map(|index| shown(row.cell(index).as_text().unwrap_or_default()));
            named.push(Double {
                values: values.collect(),
                rows: row.cell(fields).as_integer().unwrap_or_default(),
            });
            count = row.cell(fields + 1).as_integer().unwrap_or_default();
        })
        .await?;
    Ok((named, count))
}

fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(CHARACTERS_MAX).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    format!("'{text}'")
}

fn sentence(step: &SchemaStep, named: &[Double], count: i64) -> String {
    let one = |double: &Double| format!("{} in {}", double.values.join(" with "), double.rows);
    let mut list: Vec<String> = named.iter().map(one).collect();
    let more = count - i64::try_from(named.len()).unwrap_or_default();
    if more > 0 {
        list.push(format!("{more} more"));
    }
    let values = if count == 1 { "value stands" } else { "values stand" };
    format!(
        "{step}: {count} {values} in several records ({}); mend these records, or drop `unique`",
        list.join(", ")
    )
}
