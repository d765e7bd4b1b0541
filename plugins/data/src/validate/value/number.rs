//! Numbers: range, digits, steps, and amounts with their currency.

use objectos_plugin_api::protocol::data::FieldType;
use serde_json::Value;

use super::refuse;
use crate::error::{FieldCode, FieldError};
use crate::model::{ColumnType, CurrencyModel, FieldModel, FieldSettings};
use crate::query::coerce::{number, whole_or_real};
use crate::record::json::round;
use crate::store::SqlValue;

pub(super) fn numeric(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let value = match (&field.settings, value) {
        (FieldSettings::Currency(currency), Value::Object(_)) => amount(field, currency, value)?,
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
    range(field, real)?;
    step(field, real)?;
    Ok(parsed)
}

fn range(field: &FieldModel, real: f64) -> Result<(), FieldError> {
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
    Ok(())
}

/// Steps are counted from the least value, or from nought.
fn step(field: &FieldModel, real: f64) -> Result<(), FieldError> {
    let Some(step) = field.limits.step else { return Ok(()) };
    let steps = (real - field.limits.min.unwrap_or_default()) / step;
    if (steps - steps.round()).abs() > 1e-9 * steps.abs().max(1.0) {
        let what = format!("must go in steps of {step}");
        return Err(refuse(field, FieldCode::InvalidNumber, &what).with_constraint(step));
    }
    Ok(())
}

/// The number in `data/CurrencyValue`. Where the currency itself goes is the engine's.
fn amount<'v>(field: &FieldModel, currency: &CurrencyModel, value: &'v Value) -> Result<&'v Value, FieldError> {
    let wrong = |what: &str| refuse(field, FieldCode::InvalidFormat, what);
    let known = |key: &String| matches!(key.as_str(), "value" | "currency");
    let parts = value
        .as_object()
        .filter(|parts| parts.keys().all(known))
        .ok_or_else(|| wrong("must be an amount {value, currency}"))?;
    let code = match parts.get("currency") {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(code),
        Some(_) => return Err(wrong("must have a currency such as EUR")),
    };
    match (currency, code) {
        (CurrencyModel::Plain, Some(_)) => Err(wrong(
            "keeps no currency: write the amount alone, or declare `currencyConfig`",
        )),
        (CurrencyModel::Fixed(fixed), Some(code)) if code != fixed => {
            let what = format!("is in {fixed}");
            Err(refuse(field, FieldCode::InvalidOption, &what).with_constraint(fixed.as_str()))
        }
        _ => Ok(parts.get("value").unwrap_or(&Value::Null)),
    }
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
    if whole {
        return exact(field, rounded);
    }
    Ok(whole_or_real(rounded))
}

/// A whole number as its column holds it: digit by digit, up to the 64 bits that it has.
fn exact(field: &FieldModel, real: f64) -> Result<SqlValue, FieldError> {
    if let Ok(integer) = format!("{real:.0}").parse::<i64>() {
        return Ok(SqlValue::Integer(integer));
    }
    let (code, bound, word) = if real < 0.0 {
        (FieldCode::MinValue, i64::MIN, "least")
    } else {
        (FieldCode::MaxValue, i64::MAX, "most")
    };
    Err(refuse(field, code, &format!("must be at {word} {bound}")).with_constraint(bound))
}

/// For comparing with bounds; beyond 2^53 the last digits do not matter there.
fn integer_as_real(integer: i64) -> f64 {
    integer.to_string().parse().unwrap_or(f64::MAX)
}
