//! A plan as SQL: the page, the children of several parents, and the count. Called by the engine.

use std::borrow::Cow;

use super::super::cursor::{self, Segment, SortKey};
use super::super::filter::Filter;
use super::super::sql::SqlWriter;
use super::{PerParent, SelectPlan, walk, whole};
use crate::store::{Dialect, Statement};

impl SelectPlan {
    /// The page, and one record more: whether there are more is known without counting.
    #[must_use]
    pub fn page_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        if let Some(per_parent) = &self.per_parent {
            let mut writer = SqlWriter::new(dialect);
            self.children(&mut writer, per_parent);
            return writer.finish();
        }
        let order = self.walked();
        match &self.after {
            Some(values) => {
                let filter = self.filter.clone().and(cursor::after(&order, values));
                self.page(dialect, &filter, &order)
            }
            None => self.page(dialect, &self.filter, &order),
        }
    }

    /// The same page as statements to run one after the other, until one record more than the page has was seen: one statement,
    /// but several where an index has the records behind a cursor in their order, and each then reads no more of it than it
    /// answers. Every statement answers up to a page and one record. They are to see one state of the database: a record that
    /// changes between two of them could come twice, or not at all.
    pub fn page_statements(&self, dialect: &'static dyn Dialect) -> impl Iterator<Item = Statement> {
        let segments = self.segments();
        let single = segments.is_empty().then(|| self.page_statement(dialect));
        let parts = segments.into_iter().map(move |segment| {
            let filter = self.filter.clone().and(segment.filter);
            self.page(dialect, &filter, &segment.order)
        });
        single.into_iter().chain(parts)
    }

    /// The records behind the cursor as ranges of an index; none where there is no cursor or no such index.
    fn segments(&self) -> Vec<Segment> {
        // How many records an offset skips in the first part is not known to the second.
        let single = self.per_parent.is_some() || self.distinct || self.offset > 0;
        let Some(values) = self.after.as_ref().filter(|_| !single) else {
            return Vec::new();
        };
        let order = self.walked();
        cursor::segments(&order, values, walk::depth(&self.scope, &self.filter, &order))
    }

    /// The order in which the records are read.
    fn walked(&self) -> Cow<'_, [SortKey]> {
        match self.backwards {
            true => self.order.iter().map(SortKey::reversed).collect(),
            false => Cow::Borrowed(&self.order),
        }
    }

    fn page(&self, dialect: &'static dyn Dialect, filter: &Filter, order: &[SortKey]) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        writer.push(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        writer.list(", ", &self.columns, |writer, column| {
            writer.field(column);
        });
        writer.from(&self.scope).filtered(&self.scope, filter);
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
