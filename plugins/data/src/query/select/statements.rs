//! A plan as SQL: the page, the children of several parents, and the count. Called by the engine.

use super::super::cursor::{self, SortKey};
use super::super::sql::SqlWriter;
use super::{PerParent, SelectPlan, whole};
use crate::store::{Dialect, Statement};

impl SelectPlan {
    /// The page, and one record more: whether there are more is known without counting.
    #[must_use]
    pub fn page_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        if let Some(per_parent) = &self.per_parent {
            self.children(&mut writer, per_parent);
            return writer.finish();
        }
        writer.push(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        writer.list(", ", &self.columns, |writer, column| {
            writer.field(column);
        });
        writer.from(&self.scope);
        let turned: Vec<SortKey>;
        let order = if self.backwards {
            turned = self.order.iter().map(SortKey::reversed).collect();
            &turned
        } else {
            &self.order
        };
        match &self.after {
            Some(values) => {
                let filter = self.filter.clone().and(cursor::after(order, values));
                writer.filtered(&self.scope, &filter);
            }
            None => {
                writer.filtered(&self.scope, &self.filter);
            }
        }
        if !order.is_empty() {
            writer.push(" ORDER BY ");
            if self.distinct {
                self.order_by_place(&mut writer, order);
            } else {
                writer.order(order);
            }
        }
        writer.limit(self.limit.saturating_add(1));
        if self.offset > 0 {
            writer.push(" OFFSET ").value(whole(self.offset));
        }
        writer.finish()
    }

    /// Equal records are told once, so their order is one of what is selected: named by its place, since a calculation that is
    /// written a second time is another one to PostgreSQL.
    fn order_by_place(&self, writer: &mut SqlWriter, order: &[SortKey]) {
        let places = order.iter().filter_map(|key| {
            let place = self.columns.iter().position(|column| *column == key.field)?;
            Some((u64::try_from(place).ok()?.saturating_add(1), key))
        });
        writer.list(", ", places, |writer, (place, key)| {
            writer.number(place).direction(key);
        });
    }

    /// A page of the children of each parent: numbered within their parent, and cut by the number.
    fn children(&self, writer: &mut SqlWriter, per_parent: &PerParent) {
        writer.push("SELECT ");
        writer.list(", ", 0..self.columns.len(), |writer, index| {
            writer.push("t.").name(&format!("c{index}"));
        });
        writer.push(" FROM (SELECT ");
        for (index, column) in self.columns.iter().enumerate() {
            writer.field(column).push(" AS ").name(&format!("c{index}")).push(", ");
        }
        writer.push("ROW_NUMBER() OVER (PARTITION BY ").field(&per_parent.via);
        writer.push(" ORDER BY ").order(&self.order).push(") AS ").name("place");
        writer.from(&self.scope).filtered(&self.scope, &self.filter);
        writer.push(") t WHERE t.").name("place").push(" <= ");
        writer.value(whole(self.offset.saturating_add(self.limit)));
        if self.offset > 0 {
            writer
                .push(" AND t.")
                .name("place")
                .push(" > ")
                .value(whole(self.offset));
        }
        writer.push(" ORDER BY t.").name(&format!("c{}", per_parent.column));
        writer.push(", t.").name("place");
        writer.limit(per_parent.rows_max.saturating_add(1));
    }

    /// The number of all records that match, whatever the page.
    #[must_use]
    pub fn count_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        if self.distinct {
            writer.push("SELECT COUNT(*) FROM (SELECT DISTINCT ");
            writer.list(", ", &self.columns, |writer, column| {
                writer.field(column);
            });
            writer.from(&self.scope).filtered(&self.scope, &self.filter).push(") t");
        } else {
            writer
                .push("SELECT COUNT(*)")
                .from(&self.scope)
                .filtered(&self.scope, &self.filter);
        }
        writer.finish().single()
    }
}
