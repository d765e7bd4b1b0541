//! Cursors: where a page ended, as a text that clients hand back. A page after a cursor is found by values, not by counting,
//! so records that come or go before it move nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::coerce::whole_or_real;
use super::filter::{Class, Comparison, Condition, FieldRef, Filter, Test};
use crate::error::{DataError, Result};
use crate::store::{Cell, SqlValue};

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

fn read(value: &Value, class: Class) -> Option<SqlValue> {
    Some(match value {
        Value::Null => SqlValue::Null,
        // Truth values are told as 0 and 1.
        Value::Number(number) if class == Class::Boolean => SqlValue::Boolean(number.as_i64()? == 1),
        Value::Number(number) => SqlValue::Integer(number.as_i64()?),
        Value::Object(real) => {
            let bits = u64::from_str_radix(real.get("r")?.as_str()?, 16).ok()?;
            SqlValue::Real(Some(f64::from_bits(bits)).filter(|real| real.is_finite())?)
        }
        Value::String(text) if !text.contains('\0') => SqlValue::Text(text.clone()),
        Value::String(_) | Value::Bool(_) | Value::Array(_) => return None,
    })
}

/// Records that come after these values in the order.
#[must_use]
pub fn after(order: &[SortKey], values: &[SqlValue]) -> Filter {
    let mut alternatives = Vec::with_capacity(order.len());
    for (index, (key, value)) in order.iter().zip(values).enumerate() {
        let Some(beyond) = beyond(key, value) else { continue };
        let mut parts: Vec<Filter> = order[..index]
            .iter()
            .zip(values)
            .map(|(key, value)| same(&key.field, value))
            .collect();
        parts.push(beyond);
        alternatives.push(Filter::All(parts));
    }
    let filter = Filter::Any(alternatives);
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

/// The first field is at or beyond the value, when that is one range of an index.
fn bound(key: &SortKey, value: &SqlValue) -> Option<Filter> {
    if value.is_null() || !(key.nulls_first || key.filled) {
        return None;
    }
    let comparison = if key.descending {
        Comparison::AtMost
    } else {
        Comparison::AtLeast
    };
    Some(test(&key.field, Condition::Compare(comparison, value.clone())))
}

fn beyond(key: &SortKey, value: &SqlValue) -> Option<Filter> {
    let later_nulls = !key.nulls_first && !key.filled;
    let comparison = if key.descending {
        Comparison::Less
    } else {
        Comparison::Greater
    };
    match value {
        SqlValue::Null if key.nulls_first => Some(test(&key.field, Condition::Null(false))),
        SqlValue::Null => None,
        value => {
            let further = test(&key.field, Condition::Compare(comparison, value.clone()));
            if later_nulls {
                let nulls = test(&key.field, Condition::Null(true));
                return Some(Filter::Any(vec![further, nulls]));
            }
            Some(further)
        }
    }
}
