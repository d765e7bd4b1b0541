//! Orders, in all their spellings.

use serde_json::Value;

use crate::error::{DataError, Result};
use crate::query::SORT_FIELDS_MAX;

/// One field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortInput {
    /// Name or path of the field.
    pub field: String,
    /// From great to small.
    pub descending: bool,
    /// Where records without a value stand; first when ascending and last when descending, unless it is said.
    pub nulls: Option<Nulls>,
}

/// Where records without a value stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

impl SortInput {
    /// With null where it stands by itself.
    #[must_use]
    pub fn new(field: &str, descending: bool) -> Self {
        Self {
            field: field.to_owned(),
            descending,
            nulls: None,
        }
    }

    /// Whether records without a value come before all others.
    #[must_use]
    pub fn nulls_first(&self) -> bool {
        self.nulls.map_or(!self.descending, |nulls| nulls == Nulls::First)
    }
}

/// `[{field, order}]`, `[[field, "desc"]]`, `{field: "desc"}`, `"a,-b"`, `"a desc"`, or JSON of these as text.
pub(in crate::query) fn read_sort(value: &Value) -> Result<Vec<SortInput>> {
    let wrong = |message: String| DataError::InvalidSort { message };
    let order = match value {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            let inner: Value =
                serde_json::from_str(text).map_err(|error| wrong(format!("the order is no JSON: {error}")))?;
            return read_sort(&inner);
        }
        Value::String(text) => text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(sort_text)
            .collect::<Result<_>>()?,
        Value::Array(items) => match items.as_slice() {
            [Value::String(field), Value::String(order)] if direction(order).is_some() => {
                vec![SortInput::new(field, direction(order) == Some(true))]
            }
            items => items.iter().map(sort_item).collect::<Result<_>>()?,
        },
        Value::Object(map) if map.contains_key("field") => vec![sort_item(value)?],
        Value::Object(map) => map
            .iter()
            .map(|(field, order)| Ok(SortInput::new(field, descending(field, order)?)))
            .collect::<Result<_>>()?,
        other => return Err(wrong(format!("an order is a list of {{field, order}}, found {other}"))),
    };
    if order.len() > SORT_FIELDS_MAX {
        return Err(wrong(format!(
            "an order has at most {SORT_FIELDS_MAX} fields, found {}",
            order.len()
        )));
    }
    Ok(order)
}

fn sort_item(item: &Value) -> Result<SortInput> {
    match item {
        Value::String(text) => sort_text(text),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(field)] => Ok(SortInput::new(field, false)),
            [Value::String(field), order] => Ok(SortInput::new(field, descending(field, order)?)),
            _ => Err(DataError::InvalidSort {
                message: "an entry of the order is [field, 'asc' or 'desc']".to_owned(),
            }),
        },
        Value::Object(node) => {
            let Some(Value::String(field)) = node.get("field") else {
                return Err(DataError::InvalidSort {
                    message: "an entry of the order names no field".to_owned(),
                });
            };
            let order = node
                .get("order")
                .or_else(|| node.get("direction"))
                .unwrap_or(&Value::Null);
            Ok(SortInput {
                nulls: node
                    .get("nulls")
                    .map(|nulls| nulls_of(field, nulls))
                    .transpose()?
                    .flatten(),
                ..SortInput::new(field, descending(field, order)?)
            })
        }
        other => Err(DataError::InvalidSort {
            message: format!("an entry of the order is {{field, order}}, found {other}"),
        }),
    }
}

fn sort_text(text: &str) -> Result<SortInput> {
    let text = text.trim();
    if let Some(field) = text.strip_prefix('-') {
        return Ok(SortInput::new(field.trim(), true));
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.split_once([' ', ':']) {
        Some((field, order)) => {
            let (order, nulls) = split_nulls(order.trim());
            Ok(SortInput {
                nulls,
                ..SortInput::new(field.trim(), descending(field, &Value::String(order.to_owned()))?)
            })
        }
        None => Ok(SortInput::new(text, false)),
    }
}

fn direction(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "asc" | "ascending" | "1" => Some(false),
        "desc" | "descending" | "-1" => Some(true),
        _ => None,
    }
}

fn descending(field: &str, order: &Value) -> Result<bool> {
    let found = match order {
        Value::Null => Some(false),
        Value::String(word) => direction(word),
        Value::Number(number) => direction(&number.to_string()),
        _ => None,
    };
    found.ok_or_else(|| DataError::InvalidSort {
        message: format!("the order of '{field}' is 'asc' or 'desc', found {order}"),
    })
}

/// `desc nulls last`.
fn split_nulls(order: &str) -> (&str, Option<Nulls>) {
    let lower = order.to_ascii_lowercase();
    for (ending, nulls) in [("nulls first", Nulls::First), ("nulls last", Nulls::Last)] {
        if lower.ends_with(ending) {
            let order = order[..order.len() - ending.len()].trim_end();
            return (if order.is_empty() { "asc" } else { order }, Some(nulls));
        }
    }
    (order, None)
}

fn nulls_of(field: &str, nulls: &Value) -> Result<Option<Nulls>> {
    match nulls {
        Value::Null => Ok(None),
        Value::String(word) if word.eq_ignore_ascii_case("first") => Ok(Some(Nulls::First)),
        Value::String(word) if word.eq_ignore_ascii_case("last") => Ok(Some(Nulls::Last)),
        other => Err(DataError::InvalidSort {
            message: format!("the nulls of '{field}' are 'first' or 'last', found {other}"),
        }),
    }
}
