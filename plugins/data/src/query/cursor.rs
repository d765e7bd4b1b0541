//! Cursors: where a page ended, as a text that clients hand back. A page after a cursor is found by values, not by counting,
//! so records that come or go before it move nothing.

mod segment;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::coerce::whole_or_real;
use super::filter::{Class, Comparison, Condition, FieldRef, Filter, Source, Test};
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::store::{Cell, SqlValue};

pub use segment::{Segment, segments};

const NONE: &str = "the cursor is none; use the nextCursor of the page before";

/// One field of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// The field.
    pub field: FieldRef,
    /// Its name as it was written: part of what makes a cursor fit.
    pub name: String,
    /// From great to small.
    pub descending: bool,
    /// Null comes before all others.
    pub nulls_first: bool,
    /// There is always a value.
    pub filled: bool,
}

impl SortKey {
    /// The same order, walked the other way.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            descending: !self.descending,
            nulls_first: !self.nulls_first,
            ..self.clone()
        }
    }

    /// Records without a value come after those that have one.
    fn nulls_follow(&self) -> bool {
        !self.nulls_first && !self.filled
    }

    /// It is the id of the records, of which no database takes null: it needs no word on where nulls stand, and the index of the
    /// primary key serves an order without one.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.filled
            && self.field.table == 0
            && matches!(&self.field.source, Source::Column(column) if column == SystemField::Id.name())
    }
}

/// The order as text, so that a cursor is not used with another one.
fn signature(order: &[SortKey]) -> String {
    let part = |key: &SortKey| {
        let descending = if key.descending { "-" } else { "" };
        let nulls = if key.nulls_first == key.descending { "!" } else { "" };
        format!("{descending}{}{nulls}", key.name)
    };
    order.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The cursor after a record with these values, one for each field of the order.
#[must_use]
pub fn encode<'a>(order: &[SortKey], cells: impl Iterator<Item = Cell<'a>>) -> String {
    let values: Vec<Value> = cells
        .map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => json!(integer),
            // All bits, since reading decimals may be off by the last one, and then a record comes twice or never.
            Cell::Real(real) => match whole_or_real(real) {
                SqlValue::Integer(integer) => json!(integer),
                _ => json!({ "r": format!("{:x}", real.to_bits()) }),
            },
            Cell::Text(text) => json!(text),
        })
        .collect();
    URL_SAFE_NO_PAD.encode(json!([signature(order), values]).to_string())
}

/// The values of a cursor.
///
/// # Errors
/// `InvalidQuery` when it is none, or of another order.
pub fn decode(order: &[SortKey], text: &str) -> Result<Vec<SqlValue>> {
    let wrong = |message: &str| DataError::InvalidQuery {
        message: message.to_owned(),
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong(NONE))?;
    let (made_for, values): (String, Vec<Value>) = serde_json::from_slice(&bytes).map_err(|_| wrong(NONE))?;
    if made_for != signature(order) || values.len() != order.len() {
        return Err(wrong(
            "the cursor is of another order; keep the order from page to page",
        ));
    }
    let values = values.into_iter().zip(order);
    values
        .map(|(value, key)| read(&value, key.field.class).ok_or_else(|| wrong(NONE)))
        .collect()
}

/// A value of the class: a cursor is a text that clients may change, and a database fails where a number stands for a text.
fn read(value: &Value, class: Class) -> Option<SqlValue> {
    Some(match (class, value) {
        (_, Value::Null) => SqlValue::Null,
        // Truth values are told as 0 and 1.
        (Class::Boolean, Value::Number(number)) => match number.as_i64()? {
            0 => SqlValue::Boolean(false),
            1 => SqlValue::Boolean(true),
            _ => return None,
        },
        (Class::Number, Value::Number(number)) => SqlValue::Integer(number.as_i64()?),
        (Class::Number, Value::Object(real)) => {
            let bits = u64::from_str_radix(real.get("r")?.as_str()?, 16).ok()?;
            SqlValue::Real(Some(f64::from_bits(bits)).filter(|real| real.is_finite())?)
        }
        (Class::Text | Class::Date | Class::DateTime | Class::Time, value) => match value {
            Value::String(text) if !text.contains('\0') => SqlValue::Text(text.clone()),
            // What a foreign hand stored where texts are.
            Value::Number(number) => SqlValue::Text(number.as_i64()?.to_string()),
            _ => return None,
        },
        _ => return None,
    })
}

/// Records that come after these values in the order.
#[must_use]
pub fn after(order: &[SortKey], values: &[SqlValue]) -> Filter {
    let filter = following(order, values);
    match order
        .iter()
        .zip(values)
        .next()
        .and_then(|(key, value)| bound(key, value))
    {
        // Says nothing new, but an index finds its place by it.
        Some(bound) if order.len() > 1 => Filter::All(vec![bound, filter]),
        _ => filter,
    }
}

/// The same, without the bound: the first field is beyond its value, or it is the same and the second is beyond its own, …
fn following(order: &[SortKey], values: &[SqlValue]) -> Filter {
    let mut alternatives = Vec::with_capacity(order.len());
    for (index, (key, value)) in order.iter().zip(values).enumerate() {
        let Some(beyond) = beyond(key, value) else { continue };
        let mut parts = all_same(&order[..index], values);
        parts.push(beyond);
        alternatives.push(Filter::All(parts));
    }
    Filter::Any(alternatives)
}

fn test(field: &FieldRef, condition: Condition) -> Filter {
    Filter::Test(Test {
        field: field.clone(),
        condition,
    })
}

fn same(field: &FieldRef, value: &SqlValue) -> Filter {
    match value {
        SqlValue::Null => test(field, Condition::Null(true)),
        value => test(field, Condition::Compare(Comparison::Same, value.clone())),
    }
}

/// These fields have their values.
fn all_same(order: &[SortKey], values: &[SqlValue]) -> Vec<Filter> {
    let each = order.iter().zip(values);
    each.map(|(key, value)| same(&key.field, value)).collect()
}

/// The first field is at or beyond the value, when that is one range of an index.
fn bound(key: &SortKey, value: &SqlValue) -> Option<Filter> {
    if value.is_null() || key.nulls_follow() {
        return None;
    }
    Some(compared(key, value, Comparison::AtMost, Comparison::AtLeast))
}

/// The field against the value, in the direction of its order.
fn compared(key: &SortKey, value: &SqlValue, descending: Comparison, ascending: Comparison) -> Filter {
    let comparison = if key.descending { descending } else { ascending };
    test(&key.field, Condition::Compare(comparison, value.clone()))
}

fn beyond(key: &SortKey, value: &SqlValue) -> Option<Filter> {
    match value {
        SqlValue::Null if key.nulls_first => Some(test(&key.field, Condition::Null(false))),
        SqlValue::Null => None,
        value => {
            let further = compared(key, value, Comparison::Less, Comparison::Greater);
            if key.nulls_follow() {
                let nulls = test(&key.field, Condition::Null(true));
                return Some(Filter::Any(vec![further, nulls]));
            }
            Some(further)
        }
    }
}
