//! How kernels take their arguments apart. Null has been dealt with before, except in kernels that take null.

use std::borrow::Cow;
use std::ops::Range;

use crate::calendar;
use crate::error::EvaluationError;
use crate::number;
use crate::types::Type;
use crate::value::{Value, mismatch, read_moment};
use crate::zone::Zone;

pub(super) type Answer<'a> = Result<Value<'a>, EvaluationError>;

/// A date or a moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Day(i32),
    Ms(i64),
}

impl Moment {
    /// The local day and the milliseconds of that day.
    pub(super) fn split(self, zone: &Zone) -> (i32, i64) {
        match self {
            Moment::Day(day) => (day, 0),
            Moment::Ms(ms) => zone.split(ms),
        }
    }

    /// The same kind of moment on another local day.
    pub(super) fn on_day(self, day: Option<i32>, zone: &Zone) -> Value<'static> {
        match (self, day) {
            (_, None) => Value::Null,
            (Moment::Day(_), Some(day)) => Value::date(day),
            (Moment::Ms(ms), Some(day)) => {
                let (_, ms_of_day) = zone.split(ms);
                Value::datetime(zone.join(day, ms_of_day))
            }
        }
    }
}

pub(super) fn number(arguments: &[Value<'_>], index: usize) -> Result<f64, EvaluationError> {
    let value = &arguments[index];
    value.as_number().ok_or_else(|| wrong(value, Type::Number))
}

/// A whole number; digits after the point are cut off. Nothing beyond 2^53.
pub(super) fn whole(arguments: &[Value<'_>], index: usize) -> Result<Option<i64>, EvaluationError> {
    match &arguments[index] {
        Value::Integer(integer) => Ok(Some(*integer)),
        _ => Ok(number::whole(number(arguments, index)?)),
    }
}

/// A count: not below 0, at most 2^53.
pub(super) fn count(arguments: &[Value<'_>], index: usize) -> Result<usize, EvaluationError> {
    let count = number(arguments, index)?.clamp(0.0, number::SAFE_INTEGER);
    Ok(number::whole(count)
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0))
}

pub(super) fn text<'v>(arguments: &'v [Value<'_>], index: usize) -> Result<&'v str, EvaluationError> {
    match &arguments[index] {
        Value::Text(text) => Ok(text),
        other => Err(wrong(other, Type::Text)),
    }
}

/// The part of a text argument between the bytes that `cut` gives, without a copy where the text is borrowed.
pub(super) fn slice<'a>(arguments: &[Value<'a>], index: usize, cut: impl Fn(&str) -> Range<usize>) -> Answer<'a> {
    match &arguments[index] {
        Value::Text(Cow::Borrowed(text)) => Ok(Value::Text(Cow::Borrowed(&text[cut(text)]))),
        Value::Text(Cow::Owned(text)) => Ok(Value::Text(Cow::Owned(text[cut(text)].to_owned()))),
        other => Err(wrong(other, Type::Text)),
    }
}

pub(super) fn moment(arguments: &[Value<'_>], index: usize) -> Result<Moment, EvaluationError> {
    match &arguments[index] {
        Value::Date(day) => Ok(Moment::Day(*day)),
        Value::DateTime(ms) => Ok(Moment::Ms(*ms)),
        value @ Value::Text(text) => {
            if let Some(day) = calendar::parse_date(text) {
                return Ok(Moment::Day(day));
            }
            match read_moment(text, Type::DateTime, &Zone::UTC) {
                Some(Value::DateTime(ms)) => Ok(Moment::Ms(ms)),
                _ => Err(wrong(value, Type::Date)),
            }
        }
        other => Err(wrong(other, Type::Date)),
    }
}

pub(super) fn wrong(value: &Value<'_>, expected: Type) -> EvaluationError {
    mismatch("an argument", expected, &value.to_text())
}
