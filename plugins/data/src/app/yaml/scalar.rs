//! What a plain scalar is, by the core schema of YAML 1.2.

use serde_json::Number;

use super::NodeValue;

/// The value of a plain scalar that is not text; `None` is text. `Err` is a number that JSON cannot hold.
pub(super) fn resolve(text: &str) -> Result<Option<NodeValue>, &'static str> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Boolean(true),
        "false" | "False" | "FALSE" => NodeValue::Boolean(false),
        _ if is_infinite(text) => return Err("expected a finite number"),
        _ => match number(text) {
            Some(number) => NodeValue::Number {
                number,
                written: text.to_owned(),
            },
            None => return Ok(None),
        },
    }))
}

fn is_infinite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn number(text: &str) -> Option<Number> {
    integer(text).or_else(|| float(text))
}

fn integer(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix: u32| {
        let fits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        fits.then(|| u64::from_str_radix(digits, radix).ok().map(Number::from))
            .flatten()
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let signed = unsigned.parse::<i64>().map(Number::from).ok();
    signed.or_else(|| unsigned.parse::<u64>().map(Number::from).ok())
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    (mantissa_fits && exponent_fits)
        .then(|| text.parse::<f64>().ok().and_then(Number::from_f64))
        .flatten()
}
