//! Calculations that no database can do, inside of queries: the engine does them first, for the records that the query is about, and
//! the statement joins what came of it by the records' ids. So filters, orders, groups, totals and pages are those of SQL.
//!
//! Here is what a plan says of them; the calculating is the engine's (`engine::evaluate`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::filter::{Class, Condition, FieldRef, Filter, Lookup, Scope, Source, Test};
use super::sql::SqlWriter;
use crate::model::SystemField;
use crate::record::Layout;
use crate::store::SqlValue;

/// Name of the id in what was calculated.
pub const ID: &str = "i";
/// Name of the value.
pub const VALUE: &str = "v";

/// One calculated field of the records of one table.
#[derive(Debug)]
pub struct Evaluated {
    /// Which table of the statement.
    pub table: usize,
    /// Its object.
    pub layout: Arc<Layout>,
    /// Name of the field.
    pub field: String,
    /// What its values are.
    pub class: Class,
    /// Once it is calculated.
    pub values: OnceLock<Values>,
}

/// Bytes of all values that were calculated for one request and are still in memory, whatever statement they are for.
#[derive(Clone, Debug, Default)]
pub struct ValueBytes(Arc<AtomicUsize>);

impl ValueBytes {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts values, `[{"i": id, "v": value}]`, until they are let go of.
    #[must_use]
    pub fn of(&self, values: String) -> Values {
        self.0.fetch_add(values.len(), Ordering::Relaxed);
        Values {
            text: values.into(),
            bytes: self.clone(),
        }
    }
}

/// The values of one field, `[{"i": id, "v": value}]`.
#[derive(Debug)]
pub struct Values {
    text: Arc<str>,
    bytes: ValueBytes,
}

impl Values {
    /// As a statement binds them, which shares them.
    #[must_use]
    pub fn to_sql(&self) -> SqlValue {
        SqlValue::SharedJson(Arc::clone(&self.text))
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.bytes.0.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

/// What of a filter can be asked before anything is calculated: records of the object that do not match this do not match at all.
/// Of a table that is reached over relations, the records that those which are left lead to. `None` when that narrows nothing.
#[must_use]
pub fn beforehand(scope: &Scope, filter: &Filter, table: usize) -> Option<Filter> {
    let filter = without(filter).unwrap_or_else(Filter::always);
    // A right or full join has the records of a relation also where nothing leads to them.
    let narrows = match table {
        0 => !filter.is_always(),
        _ => scope.outer.is_none(),
    };
    if !narrows {
        return None;
    }
    let id_of = |table: usize| FieldRef {
        table,
        source: Source::Column(SystemField::Id.name().to_owned()),
        class: Class::Text,
    };
    let lookup = Lookup {
        scope: Scope {
            evaluated: Vec::new(),
            outer: None,
            ..scope.clone()
        },
        source: id_of(table),
        filter,
    };
    Some(Filter::InRecords(id_of(0), Arc::new(lookup)))
}

/// The parts that must all hold and that need no calculation.
fn without(filter: &Filter) -> Option<Filter> {
    match filter {
        Filter::All(parts) => Some(Filter::All(parts.iter().filter_map(without).collect())),
        other => (!in_filter(other)).then(|| other.clone()),
    }
}

fn in_filter(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(in_filter),
        Filter::Not(part) => in_filter(part),
        Filter::Test(Test { field, condition }) => {
            in_field(field) || matches!(condition, Condition::CompareField(_, other) if in_field(other))
        }
        Filter::Row(_, fields) => fields.iter().any(|(field, _)| in_field(field)),
        Filter::InRecords(field, _) => in_field(field),
        Filter::Words(_) => false,
    }
}

fn in_field(field: &FieldRef) -> bool {
    in_source(&field.source)
}

fn in_source(source: &Source) -> bool {
    match source {
        Source::Evaluated(_) => true,
        Source::Formula(formula) => formula.fields.values().any(in_field),
        Source::Window(window) => {
            let ordered = window.order.iter().map(|key| &key.field);
            window
                .field
                .iter()
                .chain(&window.partition)
                .chain(ordered)
                .any(in_field)
        }
        Source::Present(source) => in_source(source),
        Source::Column(_) | Source::Part(_) | Source::Summary(_) | Source::Rank(_) => false,
    }
}

impl SqlWriter {
    /// ` LEFT JOIN (…) x0 ON …` for each of the scope's calculations.
    pub(super) fn evaluated(&mut self, scope: &Scope) {
        for (place, evaluated) in scope.evaluated.iter().enumerate() {
            let values = evaluated.values.get().map(Values::to_sql);
            let values = values.unwrap_or_else(|| SqlValue::Json("[]".to_owned()));
            let (before, after) = self.dialect().evaluated(evaluated.class);
            self.push(" LEFT JOIN (").push(&before);
            self.value(values).push(after).push(") ");
            self.evaluated_alias(place).push(" ON ");
            self.evaluated_alias(place).push(".").name(ID).push(" = ");
            self.column(evaluated.table, SystemField::Id.name());
        }
    }

    /// The calculated value.
    pub(super) fn evaluated_value(&mut self, place: usize) -> &mut Self {
        self.evaluated_alias(place).push(".").name(VALUE)
    }

    fn evaluated_alias(&mut self, place: usize) -> &mut Self {
        self.push("x").number(u64::try_from(place).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shared_and_count_until_they_are_let_go_of() {
        let bytes = ValueBytes::default();
        let one = bytes.of("[1]".to_owned());
        let other = bytes.clone().of("[]".to_owned());
        assert_eq!(bytes.count(), 5);
        let (SqlValue::SharedJson(bound), SqlValue::SharedJson(again)) = (one.to_sql(), one.to_sql()) else {
            panic!("values are bound as what is shared");
        };
        assert!(Arc::ptr_eq(&bound, &again) && &*bound == "[1]");
        drop(one);
        assert_eq!(bytes.count(), 2);
        drop(other);
        assert_eq!(bytes.count(), 0);
    }

    #[test]
    fn only_what_must_hold_and_needs_no_calculation_narrows() {
        let test = |source: Source| {
            Filter::Test(Test {
                field: FieldRef {
                    table: 0,
                    source,
                    class: Class::Text,
                },
                condition: Condition::Null(true),
            })
        };
        let column = || test(Source::Column("name".to_owned()));
        let calculated = || test(Source::Evaluated(0));
        let kept = |filter: Filter, expected: Option<Filter>| assert_eq!(without(&filter), expected);
        kept(calculated(), None);
        kept(column(), Some(column()));
        kept(
            Filter::All(vec![column(), calculated(), Filter::Any(vec![column(), calculated()])]),
            Some(Filter::All(vec![column()])),
        );
        kept(Filter::Not(Box::new(calculated())), None);
        assert!(in_filter(&Filter::Any(vec![column(), calculated()])));
    }
}
