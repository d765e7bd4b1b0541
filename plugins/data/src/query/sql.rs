//! Writes SQL. The only place where text becomes a statement: names come from the catalogue and are quoted, values are bound.

mod any_case;
mod call;
mod figure;
mod filter;
mod formula;
mod part;
mod zone;

use std::fmt::Write as _;

use super::filter::{Class, FieldRef, Filter, Join, Outer, SUMMED_TABLE, Scope, Source, SummarySource, Visible};
use super::input::OuterJoin;
use crate::store::{Dialect, Family, SqlValue, Statement};

pub(super) use figure::{Addend, is_decimal, rounding};
pub use formula::formula_supported;

/// A statement under way.
#[derive(Debug)]
pub struct SqlWriter {
    dialect: &'static dyn Dialect,
    text: String,
    values: Vec<SqlValue>,
}

impl SqlWriter {
    /// An empty one.
    #[must_use]
    pub fn new(dialect: &'static dyn Dialect) -> Self {
        Self {
            dialect,
            text: String::with_capacity(256),
            values: Vec::new(),
        }
    }

    /// Words of SQL, never anything that came from outside.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    /// A name, quoted.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.dialect.name(&mut self.text, name);
        self
    }

    /// A value, bound.
    pub fn value(&mut self, value: SqlValue) -> &mut Self {
        let position = self.values.len() + 1;
        self.dialect.value_placeholder(&mut self.text, position, &value);
        self.values.push(value);
        self
    }

    /// ` LIMIT n`, as part of the text: SQLite prepares a statement anew whenever a number is bound there, since its plan
    /// depends on it.
    pub fn limit(&mut self, rows: u64) -> &mut Self {
        // A larger number is none for a database.
        self.push(" LIMIT ").number(rows.min(i64::MAX.unsigned_abs()))
    }

    /// A whole number that is part of the text, so that it does not vary the statement's type.
    pub fn number(&mut self, number: u64) -> &mut Self {
        let _ = write!(self.text, "{number}");
        self
    }

    /// Several parts with something between.
    pub fn list<T>(
        &mut self,
        between: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            each(self, item);
        }
        self
    }

    /// The name of a table in the statement: `t` is the first, `j1`, `j2` are those over relations, `s` the children of a
    /// figure.
    pub fn alias(&mut self, table: usize) -> &mut Self {
        if table == 0 {
            self.push("t")
        } else if table == SUMMED_TABLE {
            self.push("s")
        } else {
            let _ = write!(self.text, "j{table}");
            self
        }
    }

    /// A column of a table.
    pub fn column(&mut self, table: usize, name: &str) -> &mut Self {
        self.alias(table).push(".").name(name)
    }

    /// A field.
    pub fn field(&mut self, field: &FieldRef) -> &mut Self {
        match &field.source {
            Source::Column(column) => self.column(field.table, column),
            Source::Part(part) => self.document_part(field.table, part, field.class),
            Source::Summary(summary) => self.summary(field.table, summary),
            Source::Formula(formula) => self.formula(formula),
            Source::Rank(rank) => self.rank(field.table, rank),
            Source::Window(window) => self.window(window),
            Source::Evaluated(place) => self.evaluated_value(*place),
            Source::Present(source) => {
                self.push("(CASE WHEN ")
                    .column(field.table, "id")
                    .push(" IS NOT NULL THEN ");
                let computed = FieldRef {
                    source: Source::clone(source),
                    ..*field
                };
                self.field(&computed).push(" END)")
            }
        }
    }

    fn rank(&mut self, table: usize, rank: &[(String, f64)]) -> &mut Self {
        if rank.is_empty() {
            return self.push("NULL");
        }
        self.push("CASE ").column(table, "id");
        for (id, distance) in rank {
            self.push(" WHEN ")
                .value(id.as_str().into())
                .push(" THEN ")
                .value(SqlValue::Real(*distance));
        }
        self.push(" END")
    }

    fn summary(&mut self, table: usize, summary: &SummarySource) -> &mut Self {
        let rounding = summary.rounding();
        if let Some(rounding) = rounding {
            let template = self.dialect.construct(rounding);
            self.push("(SELECT ")
                .push(&template.replace("$0", "r.\"figure\""))
                .push(" FROM ");
        }
        self.push("(SELECT ").summed(summary);
        if rounding.is_some() {
            self.push(" AS \"figure\"");
        }
        self.push(" FROM ")
            .push(&summary.table)
            .push(" s WHERE s.")
            .name(&summary.via)
            .push(" = ");
        self.column(table, "id");
        if let Some(deleted_at) = &summary.deleted_at {
            self.push(" AND s.").name(deleted_at).push(" IS NULL");
        }
        if let Some(among) = &summary.filter {
            // The tables inside have the names of those outside, and hide them.
            self.push(" AND EXISTS (SELECT 1").from(&among.scope).push(" WHERE ");
            self.column(0, "id")
                .push(" = s.")
                .name("id")
                .push(" AND ")
                .filter(&among.filter)
                .push(")");
        }
        self.push(if rounding.is_some() { ") r)" } else { ")" })
    }

    /// What is rolled up.
    fn summed(&mut self, summary: &SummarySource) -> &mut Self {
        let Some(value) = &summary.value else {
            return self.push(summary.function).push("(*)");
        };
        if summary.adds() {
            let addend = Addend {
                field: value,
                distinct: false,
                decimal: is_decimal(value),
            };
            return self.added(summary.function == "AVG", &addend, &|_| {});
        }
        self.extreme(summary.function == "MIN", value)
    }

    /// The least or the greatest value: `MIN(field)`. PostgreSQL has neither for truth values.
    pub(super) fn extreme(&mut self, least: bool, field: &FieldRef) -> &mut Self {
        let truth = field.class == Class::Boolean && self.dialect.family() == Family::Postgres;
        let function = match (least, truth) {
            (true, false) => "MIN(",
            (false, false) => "MAX(",
            (true, true) => "bool_and(",
            (false, true) => "bool_or(",
        };
        self.push(function).field(field).push(")")
    }

    /// ` FROM table t LEFT JOIN …`
    pub fn from(&mut self, scope: &Scope) -> &mut Self {
        match &scope.outer {
            Some(outer) => self.outer(scope, outer),
            None => self.push(" FROM ").push(&scope.layout.table).push(" t"),
        };
        for (index, join) in scope.joins.iter().enumerate() {
            let table = index + 1;
            if scope.outer.as_ref().is_some_and(|outer| outer.table == table) {
                continue;
            }
            self.push(" LEFT JOIN ")
                .push(&join.layout.table)
                .push(" ")
                .alias(table)
                .push(" ON ");
            self.column(table, "id").push(" = ").column(join.from, &join.column);
            if let Some(delete) = &join.layout.object.soft_delete {
                self.push(" AND ").column(table, &delete.field).push(" IS NULL");
            }
            if let Some(visible) = &join.visible {
                self.push(" AND ")
                    .column(table, "id")
                    .push(" IN (SELECT ")
                    .column(0, "id");
                self.from(&visible.scope);
                self.filtered(&visible.scope, &visible.filter);
                self.push(")");
            }
        }
        self.evaluated(scope);
        self
    }

    /// ` FROM (SELECT …) t FULL JOIN (SELECT …) j1 ON …`; a right join is a left one from the other side.
    fn outer(&mut self, scope: &Scope, outer: &Outer) -> &mut Self {
        let Some(join) = outer.table.checked_sub(1).and_then(|place| scope.joins.get(place)) else {
            // Planned together with its relation.
            return self.push(" FROM ").push(&scope.layout.table).push(" t");
        };
        self.push(" FROM ");
        match outer.kind {
            OuterJoin::Full => self
                .seen(&outer.base, 0)
                .push(" FULL JOIN ")
                .relation(join, outer.table),
            OuterJoin::Right => self
                .relation(join, outer.table)
                .push(" LEFT JOIN ")
                .seen(&outer.base, 0),
        };
        self.push(" ON ").column(outer.table, "id").push(" = ");
        self.column(join.from, &join.column)
    }

    /// Records that may be seen, as a table.
    fn seen(&mut self, visible: &Visible, table: usize) -> &mut Self {
        self.push("(SELECT t.*").from(&visible.scope);
        self.filtered(&visible.scope, &visible.filter).push(") ").alias(table)
    }

    fn relation(&mut self, join: &Join, table: usize) -> &mut Self {
        if let Some(visible) = &join.visible {
            return self.seen(visible, table);
        }
        let Some(delete) = &join.layout.object.soft_delete else {
            return self.push(&join.layout.table).push(" ").alias(table);
        };
        self.push("(SELECT t.* FROM ")
            .push(&join.layout.table)
            .push(" t WHERE ");
        self.column(0, &delete.field).push(" IS NULL) ").alias(table)
    }

    /// ` WHERE …`, deleted records left out; nothing when every record is meant.
    pub fn filtered(&mut self, scope: &Scope, filter: &Filter) -> &mut Self {
        // Of a right or full join they are left out before.
        let delete = scope
            .layout
            .object
            .soft_delete
            .as_ref()
            .filter(|_| scope.outer.is_none());
        if delete.is_none() && filter.is_always() {
            return self;
        }
        self.push(" WHERE ");
        if let Some(delete) = delete {
            let whereabouts = if scope.binned { " IS NOT NULL" } else { " IS NULL" };
            self.column(0, &delete.field).push(whereabouts);
            if filter.is_always() {
                return self;
            }
            self.push(" AND ");
        }
        self.filter(filter)
    }

    /// How the database spells things.
    #[must_use]
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    /// The statement.
    #[must_use]
    pub fn finish(self) -> Statement {
        Statement::new(self.text, self.values)
    }
}
