//! Small values of a query: numbers, switches, names.

use serde_json::Value;

use crate::error::{DataError, Result};

pub(super) fn wrong(message: impl Into<String>) -> DataError {
    DataError::InvalidQuery {
        message: message.into(),
    }
}

pub(super) fn read_number(key: &str, value: &Value) -> Result<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| match number.as_f64() {
            Some(float) if float.fract() == 0.0 && (0.0..=9.0e15).contains(&float) => {
                format!("{float:.0}").parse().ok()
            }
            _ => None,
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong(format!("'{key}' takes a whole number from 0, found {value}")))
}

pub(super) fn read_boolean(key: &str, value: &Value) -> Result<bool> {
    match value {
        Value::Bool(boolean) => Ok(*boolean),
        Value::String(text) if matches!(text.as_str(), "true" | "1") => Ok(true),
        Value::String(text) if matches!(text.as_str(), "false" | "0") => Ok(false),
        _ => Err(wrong(format!("'{key}' takes true or false, found {value}"))),
    }
}

/// A list of names, or names with commas.
pub(in crate::query) fn read_names(key: &str, value: &Value) -> Result<Vec<String>> {
    match value {
        Value::String(text) => Ok(split_names(text)),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.trim().to_owned()),
                other => Err(wrong(format!("'{key}' takes names, found {other}"))),
            })
            .collect(),
        other => Err(wrong(format!("'{key}' takes a list of names, found {other}"))),
    }
}

/// Names with commas.
fn split_names(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
