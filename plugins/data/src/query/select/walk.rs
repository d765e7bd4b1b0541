//! Whether an index has the records of a page in their order, and for how many fields of it. Only looks at what the catalogue
//! declares; what an operator added, or that a database decides otherwise, changes how fast a page comes and never what is in it.

use super::super::cursor::SortKey;
use super::super::filter::{Comparison, Condition, FieldRef, Filter, Scope, Source, Test};
use crate::model::{IndexMethod, IndexModel};

/// Fields of an order, from the first on, that come in their order out of one index of the object; 0 where none has them.
pub(super) fn depth(scope: &Scope, filter: &Filter, order: &[SortKey]) -> usize {
    // Both sides of a right or full join are read whole.
    if scope.outer.is_some() {
        return 0;
    }
    let mut fixed = Vec::new();
    collect_fixed(filter, &mut fixed);
    let indexes = scope.layout.object.indexes.iter();
    indexes
        .filter(|index| is_whole(index, scope.binned))
        .map(|index| served(&index.fields, &fixed, order))
        .max()
        .unwrap_or_default()
}

/// The index has every record that is looked at, under the values themselves.
fn is_whole(index: &IndexModel, binned: bool) -> bool {
    let live = index.live.is_none() || !binned;
    index.method == IndexMethod::Btree && !index.ignore_case && index.partial.is_none() && live
}

/// Fields that have one value in all records do not matter for the order of an index.
fn served(fields: &[String], fixed: &[&str], order: &[SortKey]) -> usize {
    let mut depth = 0;
    for field in fields {
        let next = order.get(depth).and_then(|key| column(&key.field));
        if next == Some(field.as_str()) {
            depth += 1;
        } else if !fixed.contains(&field.as_str()) {
            break;
        }
    }
    depth
}

/// The columns of which the filter leaves one value, or null alone.
fn collect_fixed<'f>(filter: &'f Filter, fixed: &mut Vec<&'f str>) {
    match filter {
        Filter::All(parts) => parts.iter().for_each(|part| collect_fixed(part, fixed)),
        Filter::Test(Test {
            field,
            condition: Condition::Compare(Comparison::Same, _) | Condition::Null(true),
        }) => fixed.extend(column(field)),
        _ => {}
    }
}

/// The column of the object's own table.
fn column(field: &FieldRef) -> Option<&str> {
    match &field.source {
        Source::Column(column) if field.table == 0 => Some(column),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::filter::Class;
    use crate::store::SqlValue;

    fn field(name: &str) -> FieldRef {
        FieldRef {
            table: 0,
            source: Source::Column(name.to_owned()),
            class: Class::Text,
        }
    }

    fn test(name: &str, condition: Condition) -> Filter {
        Filter::Test(Test {
            field: field(name),
            condition,
        })
    }

    #[test]
    fn an_index_serves_the_fields_that_it_begins_with() {
        let check = |index: &str, fixed: &str, order: &str, expected: usize| {
            let fields: Vec<String> = index.split(' ').map(str::to_owned).collect();
            let fixed: Vec<&str> = fixed.split(' ').collect();
            let key = |name: &str| SortKey {
                field: field(name),
                name: name.to_owned(),
                descending: false,
                nulls_first: true,
                filled: false,
            };
            let order: Vec<SortKey> = order.split(' ').map(key).collect();
            assert_eq!(served(&fields, &fixed, &order), expected, "{fields:?} {fixed:?}");
        };
        check("a", "", "a id", 1);
        check("a b", "", "a b id", 2);
        check("a b", "", "a c id", 1);
        check("a b", "", "b id", 0);
        check("a b", "a", "b id", 1);
        check("a b c", "b", "a c id", 2);
        check("a b", "a", "a b id", 2);
        check("a", "b", "id", 0);
    }

    #[test]
    fn only_what_must_hold_leaves_one_value() {
        let same = |name: &str| test(name, Condition::Compare(Comparison::Same, SqlValue::Integer(1)));
        let filter = Filter::All(vec![
            same("a"),
            Filter::All(vec![test("b", Condition::Null(true))]),
            Filter::Any(vec![same("c"), same("d")]),
            Filter::Not(Box::new(same("e"))),
            test("f", Condition::Null(false)),
            test("g", Condition::Compare(Comparison::Less, SqlValue::Integer(1))),
        ]);
        let mut fixed = Vec::new();
        collect_fixed(&filter, &mut fixed);
        assert_eq!(fixed, ["a", "b"]);
    }
}
