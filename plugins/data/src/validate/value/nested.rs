//! Records within a field: each value is held against the field that it is of, with the way to it in the message.

use objectos_expression::Environment;
use serde_json::{Map, Value};

use super::{normalise, refuse};
use crate::error::{FieldCode, FieldError};
use crate::model::{FieldModel, PartsModel, nearest};
use crate::store::SqlValue;

/// What is wrong, and where within the value.
struct Fault {
    at: String,
    error: FieldError,
}

/// A record, or a list of records.
pub(super) fn nested(
    field: &FieldModel,
    parts: &PartsModel,
    value: &Value,
    environment: &dyn Environment,
) -> Result<SqlValue, FieldError> {
    let checked = match value {
        // A form that was left empty.
        Value::String(text) if text.is_empty() => return Ok(SqlValue::Null),
        Value::Object(record) if !parts.many => one(parts, record, "", environment),
        Value::Array(items) if parts.many => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(record) => one(parts, record, &format!("[{index}]"), environment),
                other => Err(Fault {
                    at: format!("[{index}]"),
                    error: FieldError::new("", FieldCode::InvalidType, format!("{other} is no record")),
                }),
            })
            .collect::<Result<Vec<Value>, Fault>>()
            .map(Value::Array),
        _ => {
            let what = if parts.many {
                "must be a list of records"
            } else {
                "must be a record"
            };
            return Err(refuse(field, FieldCode::InvalidType, what));
        }
    };
    match checked {
        Ok(value) => Ok(SqlValue::Json(value.to_string())),
        Err(Fault { at, error }) => {
            let message = format!("{}, at {at}: {}", field.label, error.message);
            let mut told = FieldError::new(&field.name, error.code, message);
            told.constraint = error.constraint;
            Err(told)
        }
    }
}

fn one(
    parts: &PartsModel,
    record: &Map<String, Value>,
    within: &str,
    environment: &dyn Environment,
) -> Result<Value, Fault> {
    let at = |name: &str| match within {
        "" => name.to_owned(),
        within => format!("{within}.{name}"),
    };
    if let Some(wrong) = record.keys().find(|name| !parts.fields.contains_key(*name)) {
        let hint = nearest(wrong, parts.fields.keys().map(String::as_str))
            .map(|name| format!("; did you mean '{name}'?"))
            .unwrap_or_default();
        let message = format!("there is no such field{hint}");
        return Err(Fault {
            at: at(wrong),
            error: FieldError::new("", FieldCode::InvalidFormat, message),
        });
    }
    let mut out = Map::new();
    for (name, part) in &parts.fields {
        let given = record.get(name);
        let stored = normalise(part, given.unwrap_or(&Value::Null), environment);
        let stored = stored.map_err(|error| Fault { at: at(name), error })?;
        if part.required && is_empty(&stored) {
            let error = refuse(part, FieldCode::Required, "is required");
            return Err(Fault { at: at(name), error });
        }
        if given.is_some() {
            out.insert(name.clone(), plain(stored));
        }
    }
    Ok(Value::Object(out))
}

fn is_empty(value: &SqlValue) -> bool {
    match value {
        SqlValue::Null => true,
        SqlValue::Text(text) => text.trim().is_empty(),
        SqlValue::Json(text) => text == "[]" || text == "null",
        _ => false,
    }
}

fn plain(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Boolean(boolean) => Value::Bool(boolean),
        SqlValue::Integer(integer) => Value::from(integer),
        SqlValue::Real(real) => Value::from(real),
        SqlValue::Text(text) => Value::String(text),
        SqlValue::SharedText(text) => Value::String(str::to_owned(&text)),
        SqlValue::Json(text) => serde_json::from_str(&text).unwrap_or_default(),
        SqlValue::SharedJson(text) => serde_json::from_str(&text).unwrap_or_default(),
    }
}
