//! Ranges and defaults for numbers. Called through [`super`].

use serde::{Deserialize, Deserializer};

use super::{Checked, checked};
use crate::shared::Number;

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
pub(super) const SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// A default for a [`Number`].
pub(crate) const fn number<const VALUE: i64>() -> Number {
    Number::whole(VALUE)
}

/// A default for an unsigned integer.
pub(crate) const fn unsigned<const VALUE: u64>() -> u64 {
    VALUE
}

/// A default for a signed integer.
pub(crate) const fn signed<const VALUE: i64>() -> i64 {
    VALUE
}

impl Checked<Number> for Number {
    type Raw = Self;

    fn check(raw: &Self, check: &dyn Fn(&Number) -> Result<(), String>) -> Result<(), String> {
        check(raw)
    }

    fn finish(raw: Self) -> Self {
        raw
    }
}

/// An integer as it stands in the document: `3` and `3.0` are the same number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        number
            .as_i64()
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("expected a whole number, found {number}")))
    }
}

impl Checked<i64> for i64 {
    type Raw = Whole;

    fn check(raw: &Whole, check: &dyn Fn(&i64) -> Result<(), String>) -> Result<(), String> {
        check(&raw.0)
    }

    fn finish(raw: Whole) -> Self {
        raw.0
    }
}

impl Checked<i64> for u64 {
    type Raw = Whole;

    fn check(raw: &Whole, check: &dyn Fn(&i64) -> Result<(), String>) -> Result<(), String> {
        check(&raw.0)
    }

    fn finish(raw: Whole) -> Self {
        Self::try_from(raw.0).expect("every unsigned field is guarded with a minimum of zero or more")
    }
}

fn in_range<const MIN: i64, const MAX: i64>(value: &i64) -> Result<(), String> {
    if (MIN..=MAX).contains(value) {
        return Ok(());
    }
    Err(match MAX {
        SAFE_INTEGER => format!("expected a whole number of at least {MIN}, found {value}"),
        _ => format!("expected a whole number from {MIN} to {MAX}, found {value}"),
    })
}

/// An integer within `MIN..=MAX`.
pub(crate) fn integer_in<'de, const MIN: i64, const MAX: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<i64>,
{
    checked(deserializer, &in_range::<MIN, MAX>)
}

/// An integer of at least `MIN`.
pub(crate) fn integer_from<'de, const MIN: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<i64>,
{
    checked(deserializer, &in_range::<MIN, SAFE_INTEGER>)
}

/// Any integer that JSON keeps exactly.
pub(crate) fn safe_integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<i64>,
{
    checked(deserializer, &|value: &i64| {
        if (-SAFE_INTEGER..=SAFE_INTEGER).contains(value) {
            return Ok(());
        }
        Err(format!(
            "expected a whole number that JSON keeps exactly, found {value}"
        ))
    })
}

/// A number within `MIN..=MAX`.
pub(crate) fn number_in<'de, const MIN: i64, const MAX: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<Number>,
{
    checked(deserializer, &|value: &Number| {
        if (Number::whole(MIN)..=Number::whole(MAX)).contains(value) {
            return Ok(());
        }
        Err(format!("expected a number from {MIN} to {MAX}, found {value}"))
    })
}

/// A number of at least `MIN`.
pub(crate) fn number_from<'de, const MIN: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<Number>,
{
    checked(deserializer, &|value: &Number| {
        if *value >= Number::whole(MIN) {
            return Ok(());
        }
        Err(format!("expected a number of at least {MIN}, found {value}"))
    })
}

/// A number greater than zero.
pub(crate) fn number_above_zero<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<Number>,
{
    checked(deserializer, &|value: &Number| {
        if *value > Number::whole(0) {
            return Ok(());
        }
        Err(format!("expected a number above 0, found {value}"))
    })
}
