//! Writes stored values as JSON, straight into the answer.

use objectos_expression::Type;
use objectos_plugin_api::protocol::data::FieldType;

use crate::model::{ColumnType, FieldKind, FieldModel};
use crate::store::Cell;

/// What stands in the place of a secret that has a value. No secret can be this text: written back, it changes nothing.
pub const SECRET_MASK: &str = "••••••";

/// How a stored value becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text as text, numbers as numbers.
    Plain,
    /// 0 and 1 as false and true.
    Boolean,
    /// A JSON document as it is.
    Document,
    /// A number as the text of it, for texts that a foreign hand stored as numbers.
    Text,
    /// A number rounded to so many decimals: the result of a sum.
    Rounded(u32),
    /// A sum or a mean without a number of decimals: as many digits as do not depend on the order of adding.
    Figure,
    /// The hash of a password: told to the system alone.
    Secret,
    /// An encrypted secret: decrypted for the system alone, [`SECRET_MASK`] for everybody else.
    Sealed,
    /// An encrypted text: decrypted for whoever may read it.
    Opened,
}

impl Form {
    /// The form of a stored field.
    #[must_use]
    pub fn of(field: &FieldModel) -> Self {
        match field.column {
            Some(_) if field.encrypted && field.field_type == FieldType::Password => Self::Sealed,
            Some(_) if field.encrypted => Self::Opened,
            Some(_) if field.field_type == FieldType::Password => Self::Secret,
            Some(ColumnType::Boolean) => Self::Boolean,
            Some(ColumnType::Json) => Self::Document,
            Some(ColumnType::Integer | ColumnType::Number | ColumnType::Decimal) => Self::Plain,
            Some(_) => Self::Text,
            None if field.kind == FieldKind::Summary => field.limits.scale.map_or(Self::Figure, Self::Rounded),
            None if field.kind == FieldKind::Formula && field.expression_type() == Type::Boolean => Self::Boolean,
            None => Self::Plain,
        }
    }
}

impl Form {
    /// How the system sees it: nothing is kept from it.
    #[must_use]
    pub const fn for_system(self) -> Self {
        match self {
            Self::Secret => Self::Text,
            Self::Sealed => Self::Opened,
            other => other,
        }
    }

    /// Encrypted in the store. What is there is text only once [`crate::record::Layout::open`] has opened it.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Sealed | Self::Opened)
    }

    /// Never in what is kept beside the record or shown to hooks and rules: there it is null.
    #[must_use]
    pub const fn is_kept_back(self) -> bool {
        matches!(self, Self::Secret | Self::Sealed | Self::Opened)
    }
}

/// Writes a value.
pub fn write_value(out: &mut Vec<u8>, form: Form, cell: Cell<'_>) {
    match (form, cell) {
        (_, Cell::Null) | (Form::Secret, _) => out.extend_from_slice(b"null"),
        // Who opens a value does so before; this one nobody opened.
        (Form::Sealed | Form::Opened, _) => write_text(out, SECRET_MASK),
        (Form::Boolean, Cell::Integer(integer)) => {
            out.extend_from_slice(if integer == 0 { b"false" } else { b"true" });
        }
        (Form::Document, Cell::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (Form::Text, Cell::Integer(integer)) => write_text(out, itoa::Buffer::new().format(integer)),
        (Form::Text, Cell::Real(real)) => write_text(out, ryu::Buffer::new().format(real)),
        (Form::Rounded(scale), Cell::Real(real)) => write_number(out, round(real, scale)),
        (Form::Figure, Cell::Real(real)) => write_number(out, figure(real)),
        (_, Cell::Integer(integer)) => out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes()),
        (_, Cell::Real(real)) => write_number(out, real),
        (_, Cell::Text(text)) => write_text(out, text),
    }
}

/// Writes text with its quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    // The only failure of this writer is the vector's, and that one aborts.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a number: whole ones without a fraction, as every other JSON writer of the platform does.
fn write_number(out: &mut Vec<u8>, real: f64) {
    if !real.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    let text = ryu::Buffer::new().format_finite(real).to_owned();
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(&text).as_bytes());
}

/// Up to here every whole number is a double.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Rounded to 15 digits: what every double can tell, whatever way it was added up. A whole number has no digits that depend on
/// that, and stays as it is. The same as `Construct::Figure`, so that a figure is what a query compares with.
#[must_use]
pub fn figure(real: f64) -> f64 {
    if real.fract() == 0.0 && real.abs() <= WHOLE_MAX {
        return real;
    }
    format!("{real:.14e}").parse().unwrap_or(real)
}

/// Rounded half away from zero to so many decimals, as shown: `1.005` to two decimals is `1.01`. The same as `ROUND` in formulas,
/// so that a rounded field is what a query compares with.
#[must_use]
pub fn round(real: f64, scale: u32) -> f64 {
    if scale > 15 || !real.is_finite() {
        return real;
    }
    objectos_expression::round(real, i64::from(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_json() {
        let check = |form: Form, cell: Cell<'_>, expected: &str| {
            let mut out = Vec::new();
            write_value(&mut out, form, cell);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{form:?} {cell:?}");
        };
        check(Form::Plain, Cell::Null, "null");
        check(Form::Plain, Cell::Integer(9_007_199_254_740_993), "9007199254740993");
        check(Form::Plain, Cell::Real(19.99), "19.99");
        check(Form::Plain, Cell::Real(3.0), "3");
        check(Form::Plain, Cell::Real(1e300), "1e300");
        check(Form::Plain, Cell::Real(f64::NAN), "null");
        check(Form::Text, Cell::Text("a\"b\n\u{1}ü"), "\"a\\\"b\\n\\u0001ü\"");
        check(Form::Text, Cell::Integer(7), "\"7\"");
        check(Form::Boolean, Cell::Integer(1), "true");
        check(Form::Boolean, Cell::Integer(0), "false");
        check(Form::Document, Cell::Text("{\"a\":[1]}"), "{\"a\":[1]}");
        check(Form::Secret, Cell::Text("hunter2"), "null");
        check(Form::Sealed, Cell::Text("$sealed$1$a$AAAA"), "\"••••••\"");
        check(Form::Sealed, Cell::Null, "null");
        check(Form::Opened, Cell::Text("$sealed$1$a$AAAA"), "\"••••••\"");
        check(Form::Rounded(2), Cell::Real(0.1 + 0.2), "0.3");
        check(Form::Figure, Cell::Real(0.1 + 0.2), "0.3");
        check(Form::Figure, Cell::Real(0.1 + 0.7), "0.8");
        check(Form::Figure, Cell::Real(9_007_199_254_740_991.0), "9007199254740991");
        check(Form::Figure, Cell::Real(1e300), "1e300");
        check(Form::Figure, Cell::Real(-0.0), "-0");
        check(Form::Figure, Cell::Integer(9_007_199_254_740_993), "9007199254740993");
    }

    #[test]
    fn rounding_is_what_people_expect() {
        let check = |real: f64, scale: u32, expected: f64| {
            assert!(
                (round(real, scale) - expected).abs() < f64::EPSILON,
                "{real} to {scale}: {}",
                round(real, scale)
            );
        };
        check(1.005, 2, 1.01);
        check(-1.005, 2, -1.01);
        check(2.5, 0, 3.0);
        check(0.125, 2, 0.13);
        check(1e300, 2, 1e300);
        check(0.0, 2, 0.0);
    }
}
