//! Whether a value that stands in a file can be one of a field: what can be told without the engine.

use serde_json::Value;

use crate::model::{FieldKind, FieldModel};

/// Catches the wrong sort of value, and options that are none; `null` fits everywhere. `Err` says what would fit. The forms of
/// texts, lengths and ranges are the engine's to judge.
pub(super) fn fits(field: &FieldModel, value: &Value) -> Result<(), String> {
    let option = |value: &Value| value.as_str().is_some_and(|value| field.options.accepts(value));
    let options = |fallback: &str| match field.options.is_empty() {
        true => fallback.to_owned(),
        false => format!("one of {}", field.options.values().collect::<Vec<_>>().join(", ")),
    };
    let plain = |fits: bool, expected: &str| (fits, expected.to_owned());
    let (fits, expected) = match field.kind {
        FieldKind::Number => plain(value.is_number(), "a number"),
        FieldKind::Boolean => plain(value.is_boolean(), "true or false"),
        FieldKind::Choice => (option(value), options("text")),
        FieldKind::List => {
            let fits = value.as_array().is_some_and(|items| items.iter().all(option));
            (fits, format!("a list of {}", options("texts")))
        }
        FieldKind::References => plain(value.is_array(), "a list of references"),
        FieldKind::Vector => plain(value.is_array(), "a list of numbers"),
        FieldKind::Location | FieldKind::Address => plain(value.is_object(), "a map"),
        FieldKind::Date | FieldKind::DateTime => plain(value.is_string(), "a date"),
        FieldKind::Text | FieldKind::Time | FieldKind::Reference | FieldKind::Autonumber => {
            plain(value.is_string(), "text")
        }
        FieldKind::File | FieldKind::Json | FieldKind::Formula | FieldKind::Summary => plain(true, ""),
    };
    if fits || value.is_null() { Ok(()) } else { Err(expected) }
}
