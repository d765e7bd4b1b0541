//! One value of one field: is it of the field's kind and within its bounds, and how is it stored.

mod barcode;
mod color;
mod file;
mod nested;
mod number;
mod parts;
mod text;

use objectos_expression::Environment;
use serde_json::Value;

use crate::error::{FieldCode, FieldError};
use crate::model::{FieldKind, FieldModel, FieldSettings};
use crate::query::as_written;
use crate::query::coerce::coerce;
use crate::query::filter::Class;
use crate::record::{canonical_text, moment};
use crate::store::SqlValue;

/// The value as it is stored; `null` for nothing. Days and moments that name no zone are those of the environment's.
///
/// # Errors
/// Why it is refused.
pub fn normalise(field: &FieldModel, value: &Value, environment: &dyn Environment) -> Result<SqlValue, FieldError> {
    if holds_zero(value) {
        let what = "must not hold a zero character";
        return Err(refuse(field, FieldCode::InvalidFormat, what));
    }
    Ok(match normalised(field, value, environment)? {
        // What a database gives back later is what is answered now.
        SqlValue::Json(text) => SqlValue::Json(canonical_text(&text)),
        value => value,
    })
}

fn normalised(field: &FieldModel, value: &Value, environment: &dyn Environment) -> Result<SqlValue, FieldError> {
    if value.is_null() {
        return Ok(SqlValue::Null);
    }
    match field.kind {
        FieldKind::Text | FieldKind::Autonumber => text::text(field, value),
        FieldKind::Number => number::numeric(field, value),
        FieldKind::Boolean => match coerce(value, Class::Boolean) {
            Some(boolean) => Ok(boolean),
            None => Err(refuse(field, FieldCode::InvalidBoolean, "must be true or false")),
        },
        FieldKind::Date => {
            let value = as_written(value, Class::Date, environment);
            let hint = "must be a date such as 2026-02-28";
            moment_of(field, &value, Class::Date, FieldCode::InvalidDate, hint)
        }
        FieldKind::DateTime => {
            let value = as_written(value, Class::DateTime, environment);
            let hint = "must be a datetime such as 2026-02-28T12:00:00Z";
            moment_of(field, &value, Class::DateTime, FieldCode::InvalidDate, hint)
        }
        FieldKind::Time => moment_of(
            field,
            value,
            Class::Time,
            FieldCode::InvalidTime,
            "must be a time such as 12:00:00",
        ),
        FieldKind::Choice => choice(field, value),
        FieldKind::List => list(field, value),
        FieldKind::Reference => reference(field, value),
        FieldKind::References => references(field, value),
        FieldKind::File => file::file(field, value),
        FieldKind::Location => parts::location(field, value),
        FieldKind::Address => parts::address(field, value),
        FieldKind::Json => match &field.settings {
            FieldSettings::Parts(parts) => nested::nested(field, parts, value, environment),
            _ => Ok(SqlValue::Json(value.to_string())),
        },
        FieldKind::Vector => parts::vector(field, value),
        FieldKind::Formula | FieldKind::Summary => {
            Err(refuse(field, FieldCode::ReadOnly, "is computed and cannot be written"))
        }
    }
}

/// Whether there is a character 0 in it, which no database keeps: in a text, in an element, or in the name of a part.
#[must_use]
pub fn holds_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_zero),
        Value::Object(parts) => parts.iter().any(|(name, part)| name.contains('\0') || holds_zero(part)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn refuse(field: &FieldModel, code: FieldCode, what: &str) -> FieldError {
    FieldError::new(&field.name, code, format!("{} {what}", field.label))
}

fn moment_of(
    field: &FieldModel,
    value: &Value,
    class: Class,
    code: FieldCode,
    what: &str,
) -> Result<SqlValue, FieldError> {
    // A form that was left empty.
    if value.as_str() == Some("") {
        return Ok(SqlValue::Null);
    }
    coerce(value, class).ok_or_else(|| refuse(field, code, what))
}

fn choice(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let Value::String(text) = value else {
        return Err(refuse(field, FieldCode::InvalidType, "must be a text"));
    };
    if text.is_empty() {
        return Ok(SqlValue::Null);
    }
    option(field, text)?;
    Ok(SqlValue::Text(text.clone()))
}

fn option(field: &FieldModel, text: &str) -> Result<(), FieldError> {
    if field.options.accepts(text) {
        return Ok(());
    }
    let options: Vec<&str> = field.options.values().collect();
    let near = crate::model::nearest(text, options.iter().copied());
    let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
    let what = format!("has no option '{text}'{hint}");
    Err(refuse(field, FieldCode::InvalidOption, &what)
        .with_constraint(options.iter().map(|text| Value::from(*text)).collect::<Vec<_>>()))
}

fn texts<'a>(field: &FieldModel, value: &'a Value) -> Result<Vec<&'a str>, FieldError> {
    let wrong = || refuse(field, FieldCode::InvalidType, "must be a list of texts");
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect(),
        // One element without its brackets.
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text]),
        _ => Err(wrong()),
    }
}

fn json_list(items: Vec<&str>) -> SqlValue {
    SqlValue::Json(Value::from(items).to_string())
}

/// A set: what comes twice is kept once, where it came first.
fn list(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let mut kept: Vec<&str> = Vec::new();
    for item in texts(field, value)? {
        option(field, item)?;
        text::length(field, item)?;
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    Ok(json_list(kept))
}

fn id_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(id) => Some(id),
        // An expanded record that comes back.
        Value::Object(record) => record.get("id")?.as_str(),
        _ => None,
    }
}

fn reference(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    match id_of(value) {
        Some("") => Ok(SqlValue::Null),
        Some(id) => Ok(SqlValue::Text(id.to_owned())),
        None => Err(refuse(field, FieldCode::InvalidType, "must be the id of a record")),
    }
}

fn references(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let wrong = || refuse(field, FieldCode::InvalidType, "must be a list of ids");
    match value {
        Value::Array(items) => {
            let mut ids = Vec::with_capacity(items.len());
            for item in items {
                let id = id_of(item).filter(|id| !id.is_empty()).ok_or_else(wrong)?;
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            Ok(json_list(ids))
        }
        Value::String(id) if !id.is_empty() => Ok(json_list(vec![id])),
        _ => Err(wrong()),
    }
}

/// The moment in its stored form, for stamps.
#[must_use]
pub fn stamp(now_ms: i64) -> String {
    moment::from_ms(now_ms).unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}

#[cfg(test)]
mod tests;
