//! A JSON number that keeps whole numbers whole.
//!
//! Most numeric keys of the protocol are plain JSON numbers. Read as `f64` alone, `80` would be written back as `80.0`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A finite JSON number. `3` and `3.0` are equal.
#[derive(Clone, Copy)]
pub struct Number(Inner);

#[derive(Clone, Copy)]
enum Inner {
    Whole(i64),
    Float(f64),
}

impl Number {
    /// A whole number, usable in constants.
    #[must_use]
    pub const fn whole(value: i64) -> Self {
        Self(Inner::Whole(value))
    }

    /// A number with a fraction; `None` when it is not finite, since JSON has no such number.
    #[must_use]
    pub fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(Inner::Float(value)))
    }

    /// The value as floating point; whole numbers beyond 2^53 lose their last digits.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "documented")]
    pub const fn as_f64(self) -> f64 {
        match self.0 {
            Inner::Whole(value) => value as f64,
            Inner::Float(value) => value,
        }
    }

    /// The value when it is whole and fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Inner::Whole(value) => Some(value),
            Inner::Float(value) if value.fract() == 0.0 => format!("{value:.0}").parse().ok(),
            Inner::Float(_) => None,
        }
    }

    /// The value when it is whole, not negative, and fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        self.as_i64().and_then(|value| u64::try_from(value).ok())
    }

    /// The value when it is whole, not negative, and fits.
    #[must_use]
    pub fn as_usize(self) -> Option<usize> {
        self.as_i64().and_then(|value| usize::try_from(value).ok())
    }
}

impl Default for Number {
    fn default() -> Self {
        Self::whole(0)
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self::whole(value.into())
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::whole(value.into())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.0, other.0) {
            (Inner::Whole(left), Inner::Whole(right)) => Some(left.cmp(&right)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Inner::Whole(value) => value.fmt(f),
            Inner::Float(value) => value.fmt(f),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Inner::Whole(value) => serializer.serialize_i64(value),
            Inner::Float(value) => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number::whole(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond the range of i64 JSON numbers are approximate anyway"
    )]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(i64::try_from(value).map_or(Number(Inner::Float(value as f64)), Number::whole))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Number::float(value).ok_or_else(|| E::custom("expected a finite number"))
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

#[cfg(test)]
mod tests;
