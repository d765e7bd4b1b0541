//! Cursors: where a page ended, as a text that clients hand back. A page after a cursor is found by values, not by counting,
//! so records that come or go before it move nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::filter::{Comparison, Condition, FieldRef, Filter, Test};
use crate::error::{DataError, Result};
use crate::store::{Cell, SqlValue};

/// One field of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// The field.
    pub field: FieldRef,
    /// Its name as it was written: part of what makes a cursor fit.
    pub name: String,
    /// From great to small.
    pub descending: bool,
}

/// The order as text, so that a cursor is not used with another one.
fn signature(order: &[SortKey]) -> String {
    let part = |key: &SortKey| format!("{}{}", if key.descending { "-" } else { "" }, key.name);
    order.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The cursor after a record with these values, one for each field of the order.
#[must_use]
pub fn encode<'a>(order: &[SortKey], cells: impl Iterator<Item = Cell<'a>>) -> String {
    let values: Vec<Value> = cells
        .map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => json!(integer),
            Cell::Real(real) => json!(real),
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
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| wrong("the cursor is none; use the nextCursor of the page before"))?;
    let (made_for, values): (String, Vec<Value>) = serde_json::from_slice(&bytes)
        .map_err(|_| wrong("the cursor is none; use the nextCursor of the page before"))?;
    if made_for != signature(order) || values.len() != order.len() {
        return Err(wrong(
            "the cursor is of another order; keep the order from page to page",
        ));
    }
    values
        .into_iter()
        .map(|value| match value {
            Value::Null => Ok(SqlValue::Null),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Ok(SqlValue::Integer(integer)),
                (None, Some(real)) => Ok(SqlValue::Real(real)),
                _ => Err(wrong("the cursor is none; use the nextCursor of the page before")),
            },
            Value::String(text) => Ok(SqlValue::Text(text)),
            _ => Err(wrong("the cursor is none; use the nextCursor of the page before")),
        })
        .collect()
}

/// Records that come after these values. Null comes first when ascending and last when descending, as in every answer.
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

fn beyond(key: &SortKey, value: &SqlValue) -> Option<Filter> {
    match (key.descending, value) {
        (false, SqlValue::Null) => Some(test(&key.field, Condition::Null(false))),
        (true, SqlValue::Null) => None,
        (false, value) => Some(test(&key.field, Condition::Compare(Comparison::Greater, value.clone()))),
        (true, value) => Some(Filter::Any(vec![
            test(&key.field, Condition::Compare(Comparison::Less, value.clone())),
            test(&key.field, Condition::Null(true)),
        ])),
    }
}
