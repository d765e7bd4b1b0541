//! One value of one field: is it of the field's kind and within its bounds, and how is it stored.

use objectos_plugin_api::protocol::data::FieldType;
use serde_json::{Map, Value};

use super::form::{is_email, is_phone, is_url};
use crate::error::{FieldCode, FieldError};
use crate::model::{ColumnType, FieldKind, FieldModel};
use crate::query::coerce::{coerce, number, whole_or_real};
use crate::query::filter::Class;
use crate::record::json::round;
use crate::record::moment;
use crate::store::SqlValue;

/// The value as it is stored; `null` for nothing.
///
/// # Errors
/// Why it is refused.
pub fn normalise(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    if value.is_null() {
        return Ok(SqlValue::Null);
    }
    match field.kind {
        FieldKind::Text | FieldKind::Autonumber => text(field, value),
        FieldKind::Number => numeric(field, value),
        FieldKind::Boolean => match coerce(value, Class::Boolean) {
            Some(boolean) => Ok(boolean),
            None => Err(refuse(field, FieldCode::InvalidBoolean, "must be true or false")),
        },
        FieldKind::Date => moment_of(
            field,
            value,
            Class::Date,
            FieldCode::InvalidDate,
            "must be a date such as 2026-02-28",
        ),
        FieldKind::DateTime => {
            let hint = "must be a datetime such as 2026-02-28T12:00:00Z";
            moment_of(field, value, Class::DateTime, FieldCode::InvalidDate, hint)
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
        FieldKind::File => file(field, value),
        FieldKind::Location => location(field, value),
        FieldKind::Address => address(field, value),
        FieldKind::Json => Ok(SqlValue::Json(value.to_string())),
        FieldKind::Vector => vector(field, value),
        FieldKind::Formula | FieldKind::Summary => {
            Err(refuse(field, FieldCode::ReadOnly, "is computed and cannot be written"))
        }
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

fn text(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let Value::String(text) = value else {
        return Err(refuse(field, FieldCode::InvalidType, "must be a text"));
    };
    if text.contains('\0') {
        return Err(refuse(
            field,
            FieldCode::InvalidFormat,
            "must not hold a zero character",
        ));
    }
    if !text.is_empty() {
        let (fits, code, what) = match field.field_type {
            FieldType::Email => (is_email(text), FieldCode::InvalidEmail, "must be an e-mail address"),
            FieldType::Url => (
                is_url(text),
                FieldCode::InvalidUrl,
                "must be an address such as https://example.com",
            ),
            FieldType::Phone => (is_phone(text), FieldCode::InvalidPhone, "must be a telephone number"),
            _ => (true, FieldCode::InvalidFormat, ""),
        };
        if !fits {
            return Err(refuse(field, code, what));
        }
        length(field, text)?;
    }
    Ok(SqlValue::Text(text.clone()))
}

fn length(field: &FieldModel, text: &str) -> Result<(), FieldError> {
    if let Some(least) = field.limits.min_length
        && text.chars().count() < least
    {
        let what = format!("must have at least {least} characters");
        return Err(refuse(field, FieldCode::MinLength, &what).with_constraint(least));
    }
    if let Some(most) = field.limits.max_length {
        // No character is shorter than a byte.
        if text.len() > most && text.chars().count() > most {
            let what = format!("must have at most {most} characters");
            return Err(refuse(field, FieldCode::MaxLength, &what).with_constraint(most));
        }
    }
    Ok(())
}

fn numeric(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    // `data/CurrencyValue`
    let value = match value.get("value") {
        Some(inner) if field.field_type == FieldType::Currency => inner,
        _ => value,
    };
    if value.is_null() || value.as_str() == Some("") {
        return Ok(SqlValue::Null);
    }
    let Some(parsed) = number(value) else {
        return Err(refuse(field, FieldCode::InvalidNumber, "must be a number"));
    };
    let parsed = scaled(field, parsed)?;
    let real = match &parsed {
        SqlValue::Integer(integer) => integer_as_real(*integer),
        SqlValue::Real(real) => *real,
        _ => return Ok(parsed),
    };
    if let Some(least) = field.limits.min.filter(|least| real < *least) {
        return Err(refuse(field, FieldCode::MinValue, &format!("must be at least {least}")).with_constraint(least));
    }
    if let Some(most) = field.limits.max.filter(|most| real > *most) {
        return Err(refuse(field, FieldCode::MaxValue, &format!("must be at most {most}")).with_constraint(most));
    }
    if let Some(digits) = field.limits.precision {
        let scale = field.limits.scale.unwrap_or_default();
        let whole_digits = i32::try_from(digits.saturating_sub(scale)).unwrap_or(i32::MAX).min(300);
        if real.abs() >= 10_f64.powi(whole_digits) {
            let what = format!("must have at most {digits} digits, {scale} of them behind the point");
            return Err(refuse(field, FieldCode::MaxValue, &what).with_constraint(digits));
        }
    }
    Ok(parsed)
}

/// Money and percentages are rounded to their scale; any other number with more decimals than it may have is refused.
fn scaled(field: &FieldModel, value: SqlValue) -> Result<SqlValue, FieldError> {
    let whole = field.column == Some(ColumnType::Integer);
    let scale = if whole { Some(0) } else { field.limits.scale };
    let (SqlValue::Real(real), Some(scale)) = (&value, scale) else {
        return Ok(value);
    };
    let rounded = round(*real, scale);
    let rounds = matches!(field.field_type, FieldType::Currency | FieldType::Percent);
    if !rounds && (rounded - real).abs() > f64::EPSILON * real.abs() {
        let what = match scale {
            0 => "must be a whole number".to_owned(),
            scale => format!("must have at most {scale} decimals"),
        };
        return Err(refuse(field, FieldCode::MaxScale, &what).with_constraint(scale));
    }
    Ok(whole_or_real(rounded))
}

/// For comparing with bounds; beyond 2^53 the last digits do not matter there.
fn integer_as_real(integer: i64) -> f64 {
    integer.to_string().parse().unwrap_or(f64::MAX)
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

fn list(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let items = texts(field, value)?;
    for item in &items {
        option(field, item)?;
        length(field, item)?;
    }
    Ok(json_list(items))
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

fn file(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let one = |value: &Value| matches!(value, Value::String(_) | Value::Object(_));
    let fits = match value {
        Value::Array(files) => files.iter().all(one),
        other => one(other),
    };
    if !fits {
        return Err(refuse(
            field,
            FieldCode::InvalidType,
            "must be a file, or a list of files",
        ));
    }
    if value.as_str() == Some("") {
        return Ok(SqlValue::Null);
    }
    Ok(SqlValue::Json(value.to_string()))
}

fn location(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let wrong = |what: &str| Err(refuse(field, FieldCode::InvalidFormat, what));
    let Value::Object(parts) = value else {
        return wrong("must be {latitude, longitude}");
    };
    let part = |name: &str| parts.get(name).and_then(Value::as_f64);
    let (Some(latitude), Some(longitude)) = (part("latitude"), part("longitude")) else {
        return wrong("must have a latitude and a longitude");
    };
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(refuse(field, FieldCode::MaxValue, "is not a place on earth"));
    }
    known_parts(
        field,
        parts,
        &["latitude", "longitude", "altitude", "accuracy"],
        Value::is_number,
    )?;
    Ok(SqlValue::Json(value.to_string()))
}

fn address(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let Value::Object(parts) = value else {
        return Err(refuse(
            field,
            FieldCode::InvalidFormat,
            "must be an address {street, city, …}",
        ));
    };
    let names = [
        "street",
        "city",
        "state",
        "postalCode",
        "country",
        "countryCode",
        "formatted",
    ];
    known_parts(field, parts, &names, Value::is_string)?;
    Ok(SqlValue::Json(value.to_string()))
}

fn known_parts(
    field: &FieldModel,
    parts: &Map<String, Value>,
    names: &[&str],
    fits: fn(&Value) -> bool,
) -> Result<(), FieldError> {
    for (name, value) in parts {
        if !names.contains(&name.as_str()) {
            return Err(refuse(
                field,
                FieldCode::InvalidFormat,
                &format!("has no part '{name}'"),
            ));
        }
        if !value.is_null() && !fits(value) {
            return Err(refuse(
                field,
                FieldCode::InvalidType,
                &format!("has a '{name}' of the wrong kind"),
            ));
        }
    }
    Ok(())
}

fn vector(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let numbers = value.as_array().filter(|items| items.iter().all(Value::is_number));
    let Some(numbers) = numbers else {
        return Err(refuse(field, FieldCode::InvalidType, "must be a list of numbers"));
    };
    if let Some(dimensions) = field
        .limits
        .dimensions
        .filter(|dimensions| *dimensions != numbers.len())
    {
        let what = format!("must have {dimensions} numbers, found {}", numbers.len());
        return Err(refuse(field, FieldCode::InvalidFormat, &what).with_constraint(dimensions));
    }
    Ok(SqlValue::Json(value.to_string()))
}

/// The moment in its stored form, for stamps.
#[must_use]
pub fn stamp(now_ms: i64) -> String {
    moment::from_ms(now_ms).unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}

#[cfg(test)]
mod tests;
