//! Values of filters as the field has them. Query strings carry text only, so text is read as what the field is.

use serde_json::Value;

use super::filter::Class;
use crate::record::{canonical, moment};
use crate::store::SqlValue;

/// The value as one of the class; `None` when it cannot be. Null is null.
#[must_use]
pub fn coerce(value: &Value, class: Class) -> Option<SqlValue> {
    if value.is_null() {
        return Some(SqlValue::Null);
    }
    match class {
        Class::Text | Class::List => text(value).map(SqlValue::Text),
        Class::Number => number(value),
        Class::Boolean => boolean(value).map(SqlValue::Boolean),
        Class::Date => moment_text(value, moment::parse_date).map(SqlValue::Text),
        Class::DateTime => moment_text(value, moment::parse_datetime).map(SqlValue::Text),
        Class::Time => value.as_str().and_then(moment::parse_time).map(SqlValue::Text),
        Class::Document => Some(SqlValue::Json(canonical(value))),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        // An expanded relation, sent back as it came.
        Value::Object(record) => record.get("id").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number out of a number or its text: whole ones exactly, the rest as doubles.
#[must_use]
pub fn number(value: &Value) -> Option<SqlValue> {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Some(SqlValue::Integer(integer)),
            (None, Some(real)) if real.is_finite() => Some(whole_or_real(real)),
            _ => None,
        },
        Value::String(text) => {
            let text = text.trim();
            if let Ok(integer) = text.parse::<i64>() {
                return Some(SqlValue::Integer(integer));
            }
            // `parse` also takes "inf" and "nan".
            let plain = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
            let real = plain
                .then(|| text.parse::<f64>().ok())?
                .filter(|real| real.is_finite())?;
            Some(whole_or_real(real))
        }
        _ => None,
    }
}

/// A double without a fraction becomes a whole number, as long as that is exact.
#[must_use]
pub fn whole_or_real(real: f64) -> SqlValue {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if real.fract() == 0.0
        && real.abs() <= EXACT
        && let Ok(integer) = format!("{real:.0}").parse::<i64>()
    {
        return SqlValue::Integer(integer);
    }
    SqlValue::Real(real)
}

fn moment_text(value: &Value, parse: fn(&str) -> Option<String>) -> Option<String> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(ms) => parse(&moment::from_ms(ms.as_i64()?)?),
        _ => None,
    }
}
