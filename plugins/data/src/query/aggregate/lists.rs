//! How long the lists among the figures would be: `array_agg` and `string_agg` hold every value of every group, and a database
//! makes them in memory before any page is cut. So they are measured first. Called by the engine, which refuses what is too long.

use super::{AggregatePlan, Figure, kept, write_group};
use crate::query::sql::SqlWriter;
use crate::store::{Dialect, Family, Statement};

impl AggregatePlan {
    /// How many values the lists among the figures have over all groups, and how many bytes these are at most: one row of two
    /// whole numbers. None without lists.
    #[must_use]
    pub fn lists_statement(&self, dialect: &'static dyn Dialect) -> Option<Statement> {
        let lists: Vec<&Figure> = self.figures.iter().filter(|figure| is_list(figure)).collect();
        if lists.is_empty() {
            return None;
        }
        let mut writer = SqlWriter::new(dialect);
        writer.push("SELECT ");
        writer.list(", ", ["v", "b"], |writer, kind| {
            writer.push("CAST(COALESCE(SUM(");
            writer.list(" + ", 0..lists.len(), |writer, index| {
                writer.push("m.").name(&format!("{kind}{index}"));
            });
            // Sums of whole numbers are of another type in PostgreSQL.
            writer.push("), 0) AS BIGINT)");
        });
        writer.push(" FROM (SELECT ");
        for (index, group) in self.groups.iter().enumerate() {
            write_group(&mut writer, group);
            writer.push(" AS ").name(&format!("g{index}")).push(", ");
        }
        writer.list(", ", lists.iter().enumerate(), |writer, (index, figure)| {
            values(writer, figure);
            writer.push(" AS ").name(&format!("v{index}")).push(", ");
            bytes(writer, figure);
            writer.push(" AS ").name(&format!("b{index}"));
        });
        writer.from(&self.scope).filtered(&self.scope, &self.filter);
        if !self.groups.is_empty() {
            writer.push(" GROUP BY ");
            writer.list(", ", 1..=self.groups.len(), |writer, position| {
                writer.number(u64::try_from(position).unwrap_or_default());
            });
        }
        writer.push(") m");
        Some(writer.finish().single())
    }
}

fn is_list(figure: &Figure) -> bool {
    matches!(figure.function, "array_agg" | "string_agg")
}

/// The values of one group; a list has the nulls as well.
fn values(writer: &mut SqlWriter, figure: &Figure) {
    match &figure.field {
        Some(field) if figure.distinct => {
            writer.push("COUNT(DISTINCT ").field(field).push(")");
        }
        _ => {
            writer.push("COUNT(*)");
        }
    }
    kept(writer, figure);
}

/// The bytes of one group. Of distinct values each counts as if it were as long as the longest.
fn bytes(writer: &mut SqlWriter, figure: &Figure) {
    let Some(field) = &figure.field else {
        writer.push("0");
        return;
    };
    if figure.distinct {
        values(writer, figure);
        writer.push(" * COALESCE(MAX(");
    } else {
        writer.push("COALESCE(SUM(");
    }
    let (before, after) = match writer.dialect().family() {
        Family::Sqlite => ("length(CAST(", " AS BLOB))"),
        Family::Postgres => ("octet_length(CAST(", " AS text))"),
    };
    writer.push(before).field(field).push(after).push(")");
    kept(writer, figure);
    writer.push(", 0)");
}
