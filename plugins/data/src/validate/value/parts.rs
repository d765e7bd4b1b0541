//! Values with several parts: places, addresses, vectors.

use serde_json::{Map, Value};

use super::refuse;
use crate::error::{FieldCode, FieldError};
use crate::model::{FieldModel, FieldSettings};
use crate::store::SqlValue;

/// How far the length of a normalized vector may be from 1: what is left of it in numbers of 32 bits.
const LENGTH_TOLERANCE: f64 = 1e-3;

pub(super) fn location(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let wrong = |what: &str| Err(refuse(field, FieldCode::InvalidFormat, what));
    let Value::Object(parts) = value else {
        return wrong("must be {latitude, longitude}");
    };
    let part = |name: &str| parts.get(name).and_then(Value::as_f64);
    let (Some(latitude), Some(longitude)) = (part("latitude"), part("longitude")) else {
        return wrong("must have a latitude and a longitude");
    };
    for (name, degrees, most) in [("latitude", latitude, 90.0), ("longitude", longitude, 180.0)] {
        let (code, bound) = match degrees {
            degrees if degrees < -most => (FieldCode::MinValue, -most),
            degrees if degrees > most => (FieldCode::MaxValue, most),
            _ => continue,
        };
        let what = format!("has a {name} that is not on earth: it goes from -{most} to {most}");
        return Err(refuse(field, code, &what).with_constraint(bound));
    }
    known_parts(
        field,
        parts,
        &["latitude", "longitude", "altitude", "accuracy"],
        Value::is_number,
    )?;
    Ok(SqlValue::Json(value.to_string()))
}

pub(super) fn address(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
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
            let near = crate::model::nearest(name, names.iter().copied());
            let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            return Err(refuse(
                field,
                FieldCode::InvalidFormat,
                &format!("has no part '{name}'{hint}"),
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

pub(super) fn vector(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let numbers: Option<Vec<f64>> = value
        .as_array()
        .and_then(|items| items.iter().map(Value::as_f64).collect());
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
    if let FieldSettings::Vector { normalized: true, .. } = field.settings {
        let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
        if (length - 1.0).abs() > LENGTH_TOLERANCE {
            let what = format!("must have the length 1, and has {length:.4}");
            return Err(refuse(field, FieldCode::InvalidFormat, &what).with_constraint(1));
        }
    }
    Ok(SqlValue::Json(value.to_string()))
}
