//! The parts against the order itself, over every record there can be of a few values.

use std::cmp::Ordering;

use super::super::after;
use super::*;
use crate::query::filter::{Class, FieldRef, Source, Test};

/// Two fields that may be null, and the id.
type Record = [Option<i64>; 3];

const FIELDS: [&str; 3] = ["a", "b", "id"];

fn records() -> Vec<Record> {
    let values = [None, Some(1), Some(2)];
    let mut records = Vec::new();
    for a in values {
        for b in values {
            for _ in 0..2 {
                // Not in the order of the others.
                let id = i64::try_from(records.len()).unwrap() * 7 % 18;
                records.push([a, b, Some(id)]);
            }
        }
    }
    records
}

fn place(field: &FieldRef) -> usize {
    let Source::Column(column) = &field.source else {
        panic!("not a column: {field:?}")
    };
    FIELDS.iter().position(|known| known == column).unwrap()
}

fn compared_by(order: &[SortKey], left: &Record, right: &Record) -> Ordering {
    let by_key = |key: &SortKey| {
        let (left, right) = (left[place(&key.field)], right[place(&key.field)]);
        let nulls = if key.nulls_first {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        match (left, right) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => nulls,
            (Some(_), None) => nulls.reverse(),
            (Some(left), Some(right)) if key.descending => right.cmp(&left),
            (Some(left), Some(right)) => left.cmp(&right),
        }
    };
    order
        .iter()
        .map(by_key)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// What a database would say. Nothing is compared with null but by the test for it, so unknown and false are the same here.
fn holds(filter: &Filter, record: &Record) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| holds(part, record)),
        Filter::Any(parts) => parts.iter().any(|part| holds(part, record)),
        Filter::Test(Test { field, condition }) => {
            let own = record[place(field)];
            match condition {
                Condition::Null(null) => own.is_none() == *null,
                Condition::Compare(comparison, SqlValue::Integer(value)) => own.is_some_and(|own| match comparison {
                    Comparison::Same => own == *value,
                    Comparison::Other => own != *value,
                    Comparison::Greater => own > *value,
                    Comparison::AtLeast => own >= *value,
                    Comparison::Less => own < *value,
                    Comparison::AtMost => own <= *value,
                }),
                other => panic!("not in a cursor: {other:?}"),
            }
        }
        Filter::Row(comparison, fields) => {
            for (field, value) in fields {
                let SqlValue::Integer(value) = value else {
                    panic!("not in a cursor: {value:?}")
                };
                // Null is unknown.
                let Some(own) = record[place(field)] else { return false };
                match own.cmp(value) {
                    Ordering::Equal => {}
                    other => {
                        return other == Ordering::Greater && *comparison == Comparison::Greater
                            || other == Ordering::Less && *comparison == Comparison::Less;
                    }
                }
            }
            false
        }
        other => panic!("not in a cursor: {other:?}"),
    }
}

/// In the order of the segment; what stays equal keeps its place, so a field that is missing there is seen.
fn found(segment: &Segment, all: &[Record]) -> Vec<Record> {
    let mut found: Vec<Record> = all
        .iter()
        .filter(|record| holds(&segment.filter, record))
        .copied()
        .collect();
    found.sort_by(|left, right| compared_by(&segment.order, left, right));
    found
}

fn key(name: &str, descending: bool, nulls_first: bool) -> SortKey {
    SortKey {
        field: FieldRef {
            table: 0,
            source: Source::Column(name.to_owned()),
            class: Class::Number,
        },
        name: name.to_owned(),
        descending,
        nulls_first,
        filled: name == "id",
    }
}

fn check(order: &[SortKey]) {
    let mut all = records();
    all.sort_by(|left, right| compared_by(order, left, right));
    // Read in another order than it is answered.
    let stored = records();
    for (index, record) in all.iter().enumerate() {
        let value = |key: &SortKey| record[place(&key.field)].map_or(SqlValue::Null, SqlValue::Integer);
        let values: Vec<SqlValue> = order.iter().map(value).collect();
        let expected = &all[index + 1..];
        let whole = Segment {
            filter: after(order, &values),
            order: order.to_vec(),
        };
        assert_eq!(found(&whole, &stored), expected, "after {record:?} by {order:?}");
        for depth in 1..=order.len() {
            let parts = segments(order, &values, depth);
            let walked: Vec<Record> = parts.iter().flat_map(|part| found(part, &stored)).collect();
            assert_eq!(walked, expected, "after {record:?} by {order:?}, depth {depth}");
        }
    }
}

#[test]
fn the_parts_together_are_what_comes_after_in_its_order() {
    let directions = [(false, true), (false, false), (true, true), (true, false)];
    for (a_descending, a_nulls) in directions {
        for id_descending in [false, true] {
            let id = || key("id", id_descending, !id_descending);
            let a = || key("a", a_descending, a_nulls);
            check(&[id()]);
            check(&[a(), id()]);
            for (b_descending, b_nulls) in directions {
                let b = || key("b", b_descending, b_nulls);
                check(&[a(), b(), id()]);
                check(&[a(), id(), b()]);
            }
        }
    }
}

#[test]
fn a_field_without_null_is_one_range() {
    let check = |key: SortKey, value: SqlValue, expected: usize| {
        let parts = segments(&[key, self::key("id", false, true)], &[value, SqlValue::Integer(1)], 1);
        assert_eq!(parts.len(), expected, "{parts:?}");
    };
    let filled = SortKey {
        filled: true,
        ..key("a", true, false)
    };
    check(filled, SqlValue::Integer(1), 1);
    // Nulls were before, come after, or are left.
    check(key("a", false, true), SqlValue::Integer(1), 1);
    check(key("a", true, false), SqlValue::Integer(1), 2);
    check(key("a", true, false), SqlValue::Null, 1);
    check(key("a", false, true), SqlValue::Null, 2);
    assert_eq!(segments(&[key("a", true, false)], &[SqlValue::Null], 0), []);
}
