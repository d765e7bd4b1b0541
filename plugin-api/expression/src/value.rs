//! Values, and the way from and to JSON.
//!
//! A value borrows its text from the record or the expression where it can, so that a comparison allocates nothing.
//! Not here: operators and functions (`operator`, `function`). Called by the evaluator and by whoever reads a result.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::calendar;
use crate::error::EvaluationError;
use crate::number;
use crate::types::Type;
use crate::zone::Zone;

/// The value of an expression.
///
/// A number without a fraction, up to 2^53, is always an `Integer`, so that equal numbers are equal values.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing known.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; finite.
    Number(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Days since 1970-01-01, years 1 to 9999.
    Date(i32),
    /// Milliseconds since 1970-01-01T00:00:00Z, years 1 to 9999.
    DateTime(i64),
    /// Milliseconds since midnight.
    Time(i64),
    /// Several values.
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// The number as a value: whole numbers as integers, null for what is not finite.
    pub fn number(number: f64) -> Value<'static> {
        match number::safe_integer(number) {
            Some(integer) => Value::Integer(integer),
            None if number.is_finite() => Value::Number(number),
            None => Value::Null,
        }
    }

    /// A date by its days since 1970-01-01; null outside the years 1 to 9999.
    pub fn date(day: i32) -> Value<'static> {
        if calendar::is_day(day) {
            Value::Date(day)
        } else {
            Value::Null
        }
    }

    /// A moment by its milliseconds since 1970-01-01T00:00:00Z; null outside the years 1 to 9999.
    pub fn datetime(ms: i64) -> Value<'static> {
        if calendar::is_moment(ms) {
            Value::DateTime(ms)
        } else {
            Value::Null
        }
    }

    /// A text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Value<'a> {
        Value::Text(text.into())
    }

    /// The type of the value.
    pub const fn value_type(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Boolean(_) => Type::Boolean,
            Value::Integer(_) | Value::Number(_) => Type::Number,
            Value::Text(_) => Type::Text,
            Value::Date(_) => Type::Date,
            Value::DateTime(_) => Type::DateTime,
            Value::Time(_) => Type::Time,
            Value::List(_) => Type::List,
        }
    }

    /// Whether the value is null.
    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether there is nothing to see: null, the empty text, the empty list.
    pub fn is_blank(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            _ => false,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Integer(integer) => Some(number::float(*integer)),
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Cuts the ties to record and expression.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Boolean(boolean) => Value::Boolean(boolean),
            Value::Integer(integer) => Value::Integer(integer),
            Value::Number(number) => Value::Number(number),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Date(day) => Value::Date(day),
            Value::DateTime(ms) => Value::DateTime(ms),
            Value::Time(ms) => Value::Time(ms),
            Value::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
        }
    }

    /// The value as JSON: numbers as numbers, `"2026-01-15"`, `"2026-01-15T12:30:45.000Z"`, `"12:30:45"`, lists as arrays.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Boolean(boolean) => Json::Bool(*boolean),
            Value::Integer(integer) => Json::from(*integer),
            Value::Number(number) => Json::from(*number),
            Value::Text(text) => Json::from(text.as_ref()),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            moment => Json::from(moment.to_text().as_ref()),
        }
    }

    /// The value as people and `TEXT()` write it; null is empty, list items are joined by `, `. A number that is not whole has 15
    /// digits at most, 18 of them after the point.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Value::Null => Cow::Borrowed(""),
            Value::Boolean(true) => Cow::Borrowed("true"),
            Value::Boolean(false) => Cow::Borrowed("false"),
            Value::Integer(integer) => Cow::Owned(integer.to_string()),
            Value::Number(number) => Cow::Owned(number::text(*number)),
            Value::Text(text) => Cow::Borrowed(text.as_ref()),
            Value::Date(day) => Cow::Owned(calendar::format_date(*day)),
            Value::DateTime(ms) => Cow::Owned(calendar::format_moment(*ms)),
            Value::Time(ms) => Cow::Owned(calendar::format_time(*ms)),
            Value::List(items) => Cow::Owned(items.iter().map(Value::to_text).collect::<Vec<_>>().join(", ")),
        }
    }

    /// Reads a stored JSON value as the given type.
    ///
    /// Dates, datetimes and times come as ISO 8601 text, datetimes also as milliseconds since 1970; booleans also as 0 and 1; a
    /// number also as text of digits or as `{"value": 12.5}` (schema `data/CurrencyValue`); a text also as `{"id": "..."}` (an
    /// expanded relation). `Any` takes scalars and arrays as they are. Errors: `TypeMismatch`.
    pub fn from_json(json: &'a Json, expected: Type, place: &str) -> Result<Value<'a>, EvaluationError> {
        let value = match (json, expected) {
            (Json::Null, _) => Some(Value::Null),
            (Json::Bool(boolean), Type::Boolean | Type::Any) => Some(Value::Boolean(*boolean)),
            (Json::Number(number), Type::Number | Type::Any) => Some(number_of_json(number)),
            (Json::Number(number), Type::Boolean) => match number.as_i64() {
                Some(0) => Some(Value::Boolean(false)),
                Some(1) => Some(Value::Boolean(true)),
                _ => None,
            },
            (Json::Number(number), Type::DateTime) => number.as_i64().map(Value::datetime),
            (Json::Number(number), Type::Text) => Some(Value::Text(Cow::Owned(number.to_string()))),
            (Json::String(text), Type::Text | Type::Any) => Some(Value::Text(Cow::Borrowed(text))),
            (Json::String(text), Type::Number) => number::parse(text).map(Value::number),
            (Json::String(text), _) => read_moment(text, expected, &Zone::UTC),
            (Json::Array(items), Type::List | Type::Any) => Some(Value::List(
                items
                    .iter()
                    .map(|item| Value::from_json(item, Type::Any, place))
                    .collect::<Result<_, _>>()?,
            )),
            (Json::Object(parts), Type::Number) => match parts.get("value") {
                Some(Json::Number(number)) => Some(number_of_json(number)),
                Some(Json::Null) => Some(Value::Null),
                _ => None,
            },
            (Json::Object(parts), Type::Text | Type::Any) => match parts.get("id") {
                Some(Json::String(id)) => Some(Value::Text(Cow::Borrowed(id))),
                _ => None,
            },
            _ => None,
        };
        value.ok_or_else(|| mismatch(place, expected, &json.to_string()))
    }

    /// Makes the value of the type that a formula field declares. Null stays null.
    ///
    /// Number takes text of digits and booleans (1, 0); text takes everything; boolean takes numbers (not 0) and the words `true`
    /// and `false`; date, datetime and time take ISO 8601 text and each other as far as they can. Errors: `TypeMismatch`.
    pub fn convert_to(self, target: Type, zone: &Zone) -> Result<Value<'a>, EvaluationError> {
        let found = self.value_type();
        if self.is_null() || target == found || target.is_open() {
            return Ok(self);
        }
        let converted = match (&self, target) {
            (Value::Boolean(boolean), Type::Number) => Some(Value::Integer(i64::from(*boolean))),
            (Value::Text(text), Type::Number) => number::parse(text).map(Value::number),
            (Value::List(_), _) => None,
            (value, Type::Text) => Some(Value::Text(Cow::Owned(value.to_text().into_owned()))),
            (value, Type::Boolean) if found == Type::Number => Some(Value::Boolean(value.as_number() != Some(0.0))),
            (Value::Text(text), Type::Boolean) => match text.as_ref() {
                "true" => Some(Value::Boolean(true)),
                "false" => Some(Value::Boolean(false)),
                _ => None,
            },
            (Value::Text(text), _) => read_moment(text, target, zone),
            (Value::DateTime(ms), Type::Date) => Some(Value::Date(zone.split(*ms).0)),
            (Value::DateTime(ms), Type::Time) => Some(Value::Time(zone.split(*ms).1)),
            (Value::Date(day), Type::DateTime) => Some(Value::datetime(zone.join(*day, 0))),
            _ => None,
        };
        converted.ok_or_else(|| mismatch("the result", target, &self.to_text()))
    }
}

/// Reads text as a date, datetime or time.
pub(crate) fn read_moment(text: &str, target: Type, zone: &Zone) -> Option<Value<'static>> {
    match target {
        Type::Date => calendar::parse_date(text)
            .or_else(|| calendar::parse_moment(text, &Zone::UTC).map(|(ms, _)| calendar::split(ms, 0).0))
            .map(Value::Date),
        Type::DateTime => calendar::parse_moment(text, zone).map(|(ms, _)| Value::datetime(ms)),
        Type::Time => calendar::parse_time(text).map(Value::Time),
        _ => None,
    }
}

/// How two values of one kind are ordered; nothing for values that have no common order.
///
/// Numbers by value, texts by code point, false before true.
pub(crate) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => {
            left.as_number()?.partial_cmp(&right.as_number()?)?
        }
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        _ => return None,
    })
}

pub(crate) fn mismatch(place: &str, expected: Type, found: &str) -> EvaluationError {
    let mut shown: String = found.chars().take(40).collect();
    if shown.len() < found.len() {
        shown.push('…');
    }
    EvaluationError::TypeMismatch {
        place: place.to_owned(),
        expected,
        found: format!("`{shown}`"),
    }
}

fn number_of_json(number: &serde_json::Number) -> Value<'static> {
    match number.as_i64() {
        Some(integer) => Value::Integer(integer),
        None => number.as_f64().map_or(Value::Null, Value::number),
    }
}

#[cfg(test)]
mod tests;
