//! The records after a cursor, cut into parts of which each is one range of an index. The parts follow each other in the order and
//! share no record, so a page is read from one after the other until it is full, each in the order of the index and no further
//! than the page reaches. One condition for all of them would be a choice ("less, or null, or the same and …"), for which a
//! database finds all records first and sorts them then, or walks the index from its begin.
//!
//! Which index there is, and so how many fields of the order it serves, the caller says (`select::walk`).

use super::{SortKey, all_same, bound, compared, following, test};
use crate::query::filter::{Comparison, Condition, Filter};
use crate::store::SqlValue;

/// A part of the records after a cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Which records.
    pub filter: Filter,
    /// The order among them: without the fields that are the same in all.
    pub order: Vec<SortKey>,
}

/// The records after these values, as parts that follow each other; `depth` fields of the order, from the first on, are those of an
/// index. None when the depth is 0.
#[must_use]
pub fn segments(order: &[SortKey], values: &[SqlValue], depth: usize) -> Vec<Segment> {
    let depth = depth.min(order.len()).min(values.len());
    let mut segments = Vec::with_capacity(depth + 1);
    // From those that have most in common with the cursor to those that lie furthest.
    for place in (0..depth).rev() {
        let before = all_same(&order[..place], values);
        let own = of_field(&order[place..], &values[place..], place + 1 == depth);
        segments.extend(own.into_iter().map(|(filter, order)| {
            let mut parts = before.clone();
            parts.push(filter);
            Segment {
                filter: Filter::All(parts),
                order,
            }
        }));
    }
    segments
}

/// Those that differ from the cursor in the first of these fields; with the last field of the index also those that are the same
/// in it and come later by the others.
fn of_field(order: &[SortKey], values: &[SqlValue], last: bool) -> Vec<(Filter, Vec<SortKey>)> {
    let (Some((key, rest)), Some((value, later))) = (order.split_first(), values.split_first()) else {
        return Vec::new();
    };
    let null = |null: bool| test(&key.field, Condition::Null(null));
    let mut parts = Vec::with_capacity(2);
    if value.is_null() {
        if last && !rest.is_empty() {
            let filter = Filter::All(vec![null(true), following(rest, later)]);
            parts.push((filter, rest.to_vec()));
        }
        if key.nulls_first {
            parts.push((null(false), without_nulls(key, rest)));
        }
        return parts;
    }
    let beyond = compared(key, value, Comparison::Less, Comparison::Greater);
    let filter = if last && one_way(order, values) {
        let comparison = if key.descending {
            Comparison::Less
        } else {
            Comparison::Greater
        };
        let each = order.iter().zip(values);
        Filter::Row(
            comparison,
            each.map(|(key, value)| (key.field.clone(), value.clone())).collect(),
        )
    } else if last && !rest.is_empty() {
        let mut same = all_same(&order[..1], values);
        same.push(following(rest, later));
        let choice = Filter::Any(vec![beyond, Filter::All(same)]);
        // Without nulls it is one range, whose begin the bound is.
        let filled = SortKey {
            filled: true,
            ..key.clone()
        };
        Filter::All(bound(&filled, value).into_iter().chain([choice]).collect())
    } else {
        beyond
    };
    parts.push((filter, without_nulls(key, rest)));
    if key.nulls_follow() {
        parts.push((null(true), rest.to_vec()));
    }
    parts
}

/// All go the same way, and nothing is null but what comes before the values: one comparison of all says what comes after them.
fn one_way(order: &[SortKey], values: &[SqlValue]) -> bool {
    let first = order.first().is_some_and(|key| key.descending);
    let rest = order.iter().skip(1);
    order.len() > 1
        && !values.iter().any(SqlValue::is_null)
        && rest.clone().all(|key| key.descending == first && !key.nulls_follow())
}

/// The order of records of which each has a value in the first field: where null would stand is said as indexes have it.
fn without_nulls(key: &SortKey, rest: &[SortKey]) -> Vec<SortKey> {
    let first = SortKey {
        nulls_first: !key.descending,
        ..key.clone()
    };
    std::iter::once(first).chain(rest.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
