//! Texts: their form by type, and their length.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use objectos_plugin_api::protocol::data::{BarcodeFormat, FieldType};
use serde_json::Value;

use super::{barcode, color, refuse};
use crate::error::{FieldCode, FieldError};
use crate::model::{FieldModel, FieldSettings};
use crate::store::SqlValue;
use crate::validate::form::{is_address, is_currency_code, is_email, is_password_hash, is_phone, is_url};

pub(super) fn text(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let Value::String(text) = value else {
        return Err(refuse(field, FieldCode::InvalidType, "must be a text"));
    };
    let secret = field.encrypted && field.field_type == FieldType::Password;
    if text.is_empty() && (field.unique || field.external_id || secret) {
        // A form that was left empty: two of them are not equal, and there is no secret in it.
        return Ok(SqlValue::Null);
    }
    if !text.is_empty() {
        form(field, text)?;
        // The length is that of the password.
        if !(field.is_hashed() && is_password_hash(text)) {
            length(field, text)?;
        }
    }
    Ok(SqlValue::Text(text.clone()))
}

fn form(field: &FieldModel, text: &str) -> Result<(), FieldError> {
    let (fits, code, what) = match (field.field_type, &field.settings) {
        (FieldType::Email, _) => (
            is_email(text),
            FieldCode::InvalidEmail,
            "must be an e-mail address".to_owned(),
        ),
        (FieldType::Url, FieldSettings::Url(protocols)) if !protocols.is_empty() => {
            let what = format!("must be an address that begins with {}", protocols.join(", "));
            (is_address(text, protocols), FieldCode::InvalidUrl, what)
        }
        (FieldType::Url, _) => {
            let what = "must be an address such as https://example.com".to_owned();
            (is_url(text), FieldCode::InvalidUrl, what)
        }
        (FieldType::Phone, _) => {
            let what = "must be a telephone number".to_owned();
            (is_phone(text), FieldCode::InvalidPhone, what)
        }
        (FieldType::Color, settings) => {
            let (format, alpha) = match settings {
                FieldSettings::Color { format, alpha } => (*format, *alpha),
                _ => (None, None),
            };
            let what = format!("must be a colour such as {}", color::example(format, alpha));
            (color::is_color(text, format, alpha), FieldCode::InvalidFormat, what)
        }
        (FieldType::Qrcode, settings) => {
            let format = match settings {
                FieldSettings::Barcode(format) => *format,
                _ => BarcodeFormat::Qr,
            };
            let what = format!("cannot be printed as {format}");
            (barcode::fits(text, format), FieldCode::InvalidFormat, what)
        }
        (FieldType::Signature, _) => {
            let what = "must be an image as a data address, or the address of one".to_owned();
            (is_signature(text), FieldCode::InvalidFormat, what)
        }
        (_, FieldSettings::CurrencyCode) => {
            let what = "must be the code of a currency such as EUR".to_owned();
            (is_currency_code(text), FieldCode::InvalidFormat, what)
        }
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(refuse(field, code, &what)) }
}

/// `data:image/png;base64,…`, `https://…` or a path of this server.
fn is_signature(text: &str) -> bool {
    match text.strip_prefix("data:image/") {
        Some(rest) => rest
            .split_once(";base64,")
            .is_some_and(|(kind, data)| !kind.is_empty() && !data.is_empty() && STANDARD.decode(data).is_ok()),
        None => is_url(text) || (text.starts_with('/') && !text.contains(char::is_whitespace)),
    }
}

pub(super) fn length(field: &FieldModel, text: &str) -> Result<(), FieldError> {
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
