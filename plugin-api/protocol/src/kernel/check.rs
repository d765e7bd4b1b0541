//! Readers that hold a document to the published schema: ranges, text shapes, and `null` refused where a key is absent.
//!
//! Named in the `serde` attributes of the kernel types, so a value that was read satisfies its schema. The other half,
//! [`published`], brings derived schemas to the form the protocol publishes. Text shapes are in [`shape`].

mod shape;

use std::fmt;

use schemars::Schema;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde_json::Value;

use crate::text::{DATE_TIME, EMAIL, UUID};

pub(crate) use self::shape::{
    AbsolutePath, CommandName, DateTime, DottedId, Email, EventName, ExtensionId, InterfaceId, Namespace, ObjectName,
    Pattern, PlainVersion, ProtocolId, Uri, Uuid,
};

/// Largest integer that every JSON implementation keeps exact.
const SAFE: u64 = 9_007_199_254_740_991;
const SAFE_SIGNED: i64 = 9_007_199_254_740_991;

/// An optional key that is present: `null` counts as a value, not as absence.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// An integer from 0 up.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole_in::<D, 0, SAFE>(deserializer)
}

/// An integer from `MIN` up.
pub(crate) fn whole_from<'de, D: Deserializer<'de>, const MIN: u64>(deserializer: D) -> Result<u64, D::Error> {
    whole_in::<D, MIN, SAFE>(deserializer)
}

/// An integer from `MIN` to `MAX`.
pub(crate) fn whole_in<'de, D, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<u64, D::Error>
where
    D: Deserializer<'de>,
{
    let value = integer(deserializer)?;
    match u64::try_from(value) {
        Ok(whole) if (MIN..=MAX).contains(&whole) => Ok(whole),
        _ if MAX == SAFE => Err(D::Error::invalid_value(
            Unexpected::Signed(value),
            &format!("at least {MIN}").as_str(),
        )),
        _ => Err(D::Error::invalid_value(
            Unexpected::Signed(value),
            &format!("{MIN} to {MAX}").as_str(),
        )),
    }
}

/// [`whole`] for an optional key.
pub(crate) fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole(deserializer).map(Some)
}

/// [`whole_from`] for an optional key.
pub(crate) fn optional_whole_from<'de, D, const MIN: u64>(deserializer: D) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    whole_from::<D, MIN>(deserializer).map(Some)
}

/// [`whole_in`] for an optional key.
pub(crate) fn optional_whole_in<'de, D, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    whole_in::<D, MIN, MAX>(deserializer).map(Some)
}

/// An integer of either sign. `3.0` is one, as JSON Schema has it.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Integer;

    impl Visitor<'_> for Integer {
        type Value = i64;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an integer")
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
            if (-SAFE_SIGNED..=SAFE_SIGNED).contains(&value) {
                Ok(value)
            } else {
                Err(E::invalid_value(Unexpected::Signed(value), &self))
            }
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
            match i64::try_from(value) {
                Ok(value) => self.visit_i64(value),
                Err(_) => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
            }
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<i64, E> {
            if value.fract() != 0.0 {
                return Err(E::invalid_type(Unexpected::Float(value), &self));
            }
            match format!("{value:.0}").parse() {
                Ok(value) => self.visit_i64(value),
                Err(_) => Err(E::invalid_value(Unexpected::Float(value), &self)),
            }
        }
    }

    deserializer.deserialize_i64(Integer)
}

/// [`integer`] for an optional key.
pub(crate) fn optional_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    integer(deserializer).map(Some)
}

/// A number from `MIN` up.
pub(crate) fn number_from<'de, D, const MIN: i32>(deserializer: D) -> Result<f64, D::Error>
where
    D: Deserializer<'de>,
{
    let value = f64::deserialize(deserializer)?;
    if value >= f64::from(MIN) {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(
            Unexpected::Float(value),
            &format!("at least {MIN}").as_str(),
        ))
    }
}

/// A number from `MIN` to `MAX`.
pub(crate) fn number_in<'de, D, const MIN: i32, const MAX: i32>(deserializer: D) -> Result<f64, D::Error>
where
    D: Deserializer<'de>,
{
    let value = f64::deserialize(deserializer)?;
    if (f64::from(MIN)..=f64::from(MAX)).contains(&value) {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(
            Unexpected::Float(value),
            &format!("{MIN} to {MAX}").as_str(),
        ))
    }
}

/// [`number_from`] for an optional key.
pub(crate) fn optional_number_from<'de, D, const MIN: i32>(deserializer: D) -> Result<Option<f64>, D::Error>
where
    D: Deserializer<'de>,
{
    number_from::<D, MIN>(deserializer).map(Some)
}

/// [`number_in`] for an optional key.
pub(crate) fn optional_number_in<'de, D, const MIN: i32, const MAX: i32>(
    deserializer: D,
) -> Result<Option<f64>, D::Error>
where
    D: Deserializer<'de>,
{
    number_in::<D, MIN, MAX>(deserializer).map(Some)
}

/// A number above 0.
pub(crate) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value > 0.0 {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(Unexpected::Float(value), &"a number above 0"))
    }
}

/// Text of the shape `P`.
pub(crate) fn text<'de, D, P>(deserializer: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
    P: Pattern,
{
    let value = String::deserialize(deserializer)?;
    if P::holds(&value) {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(Unexpected::Str(&value), &P::SHAPE))
    }
}

/// [`text`] for an optional key.
pub(crate) fn optional_text<'de, D, P>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
    P: Pattern,
{
    text::<D, P>(deserializer).map(Some)
}

/// Default of a switch that is on.
pub(crate) fn yes() -> bool {
    true
}

/// Default of a count or a time.
pub(crate) fn unsigned<const VALUE: u64>() -> u64 {
    VALUE
}

/// Default of a priority.
pub(crate) fn signed<const VALUE: i64>() -> i64 {
    VALUE
}

/// Default of a factor.
pub(crate) fn one() -> f64 {
    1.0
}

/// Brings a derived schema to the published form: no `null` beside an optional key, no Rust integer formats, the limits
/// of exact integers, and beside each text format the pattern that goes with it.
pub(crate) fn published(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.as_object_mut().and_then(|object| object.get_mut("properties")) else {
        return;
    };
    for property in properties.values_mut() {
        without_null(property);
        without_rust_formats(property);
        without_doubled_minimum(property);
        with_limits_and_patterns(property);
    }
}

/// Integers are those JSON keeps exactly; the published formats come with patterns that say more than the format.
fn with_limits_and_patterns(schema: &mut Value) {
    let Value::Object(keys) = schema else {
        return;
    };
    if keys.get("type").is_some_and(|name| name == "integer") {
        if !keys.contains_key("exclusiveMinimum") {
            keys.entry("minimum").or_insert_with(|| (-SAFE_SIGNED).into());
        }
        keys.entry("maximum").or_insert_with(|| SAFE_SIGNED.into());
    }
    let pattern = match keys.get("format").and_then(Value::as_str) {
        Some("date-time") => Some(DATE_TIME),
        Some("uuid") => Some(UUID),
        Some("email") => Some(EMAIL),
        _ => None,
    };
    if let Some(pattern) = pattern {
        keys.entry("pattern").or_insert_with(|| pattern.into());
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = keys.get_mut(key) {
            with_limits_and_patterns(inner);
        }
    }
}

/// `u64` brings a minimum of 0, which says nothing beside "above 0".
fn without_doubled_minimum(property: &mut Value) {
    if let Value::Object(property) = property
        && property.contains_key("exclusiveMinimum")
    {
        property.remove("minimum");
    }
}

fn without_null(property: &mut Value) {
    let Value::Object(property) = property else {
        return;
    };
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(choices)) = property.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        property.remove("anyOf");
        for (key, value) in only {
            property.entry(key).or_insert(value);
        }
    }
}

fn without_rust_formats(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if let Some("uint64" | "int64" | "double" | "uint32" | "uint16") =
                keys.get("format").and_then(Value::as_str)
            {
                keys.remove("format");
            }
            for key in ["items", "additionalProperties"] {
                if let Some(inner) = keys.get_mut(key) {
                    without_rust_formats(inner);
                }
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
