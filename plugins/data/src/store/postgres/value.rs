//! Values to PostgreSQL and back, in its binary forms.
//!
//! The database says of which type each placeholder is (it knows the column or the cast beside it); the value is sent as one
//! of that type. What comes back is told by its type as well: numbers whole where they are whole, JSON without blanks.

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, PgTypeKind, PgValueFormat, Postgres};
use sqlx::{Arguments as _, Column as _, Encode, Row as _, Type, ValueRef as _};

use super::numeric;
use crate::record::canonical_number;
use crate::store::{Cell, Row, SqlValue};

/// How a type travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Boolean,
    Small,
    Medium,
    Large,
    Single,
    Double,
    Numeric,
    Text,
    Json,
    Jsonb,
    Other,
}

fn wire(info: &PgTypeInfo) -> Wire {
    if let PgTypeKind::Domain(base) = info.kind() {
        return wire(base);
    }
    match info.oid() {
        Some(Oid(16)) => Wire::Boolean,
        Some(Oid(20)) => Wire::Large,
        Some(Oid(21)) => Wire::Small,
        Some(Oid(23 | 26)) => Wire::Medium,
        Some(Oid(18 | 19 | 25 | 705 | 1042 | 1043)) => Wire::Text,
        Some(Oid(114)) => Wire::Json,
        Some(Oid(700)) => Wire::Single,
        Some(Oid(701)) => Wire::Double,
        Some(Oid(1700)) => Wire::Numeric,
        Some(Oid(3802)) => Wire::Jsonb,
        _ => Wire::Other,
    }
}

/// A value as bytes of the type that the database wants.
struct Parameter {
    info: PgTypeInfo,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for Parameter {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(25))
    }
}

impl Encode<'_, Postgres> for Parameter {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match &self.bytes {
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.info.clone())
    }
}

/// The values for placeholders of these types.
pub(super) fn arguments(types: &[PgTypeInfo], values: &[SqlValue]) -> Result<PgArguments, sqlx::Error> {
    let wrong = |message: String| sqlx::Error::Encode(message.into());
    if types.len() != values.len() {
        return Err(wrong(format!(
            "{} values for {} placeholders",
            values.len(),
            types.len()
        )));
    }
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), values.len() * 16);
    for (info, value) in types.iter().zip(values) {
        let bytes = bytes(wire(info), value).ok_or_else(|| wrong(format!("{value:?} is no value of type {info:?}")))?;
        let info = info.clone();
        arguments.add(Parameter { info, bytes }).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// `None`: the value is none of the type. `Some(None)`: null.
fn bytes(wire: Wire, value: &SqlValue) -> Option<Option<Vec<u8>>> {
    let bytes = match (wire, value) {
        (_, SqlValue::Null) => return Some(None),
        (Wire::Boolean, SqlValue::Boolean(boolean)) => vec![u8::from(*boolean)],
        (Wire::Boolean, SqlValue::Integer(integer @ (0 | 1))) => vec![u8::from(*integer == 1)],
        (Wire::Small, value) => i16::try_from(integer(value)?).ok()?.to_be_bytes().to_vec(),
        (Wire::Medium, value) => i32::try_from(integer(value)?).ok()?.to_be_bytes().to_vec(),
        (Wire::Large, value) => integer(value)?.to_be_bytes().to_vec(),
        (Wire::Double, value) => double(value)?.to_be_bytes().to_vec(),
        (Wire::Numeric, SqlValue::Real(real)) if real.is_finite() => numeric::encode_double(*real),
        (Wire::Numeric, value) => numeric::encode(&integer(value)?.to_string()),
        (Wire::Text, value) => text(value).into_bytes(),
        (Wire::Json, value) => value.as_text()?.as_bytes().to_vec(),
        (Wire::Jsonb, value) => {
            let text = value.as_text()?;
            let mut bytes = Vec::with_capacity(text.len() + 1);
            // The version of the format.
            bytes.push(1);
            bytes.extend_from_slice(text.as_bytes());
            bytes
        }
        _ => return None,
    };
    Some(Some(bytes))
}

fn integer(value: &SqlValue) -> Option<i64> {
    match value {
        SqlValue::Integer(integer) => Some(*integer),
        SqlValue::Boolean(boolean) => Some(i64::from(*boolean)),
        _ => None,
    }
}

fn double(value: &SqlValue) -> Option<f64> {
    match value {
        SqlValue::Real(real) => Some(*real),
        SqlValue::Integer(integer) => integer.to_string().parse().ok(),
        _ => None,
    }
}

fn text(value: &SqlValue) -> String {
    match value {
        SqlValue::Text(text) | SqlValue::Json(text) => text.clone(),
        SqlValue::SharedText(text) | SqlValue::SharedJson(text) => str::to_owned(text),
        SqlValue::Integer(integer) => integer.to_string(),
        SqlValue::Real(real) => ryu::Buffer::new().format(*real).to_owned(),
        SqlValue::Boolean(boolean) => i64::from(*boolean).to_string(),
        SqlValue::Null => String::new(),
    }
}

/// A row; documents are made compact when it is taken.
pub(super) struct PostgresCells {
    row: PgRow,
    documents: Vec<(usize, String)>,
}

impl PostgresCells {
    pub(super) fn new(row: PgRow) -> Self {
        let mut documents = Vec::new();
        for (index, column) in row.columns().iter().enumerate() {
            let wire = wire(column.type_info());
            if matches!(wire, Wire::Json | Wire::Jsonb)
                && let Ok(value) = row.try_get_raw(index)
                && let Ok(text) = value.as_str()
            {
                let binary = wire == Wire::Jsonb && value.format() == PgValueFormat::Binary;
                let text = if binary {
                    text.get(1..).unwrap_or_default()
                } else {
                    text
                };
                documents.push((index, compact(text)));
            }
        }
        Self { row, documents }
    }
}

impl Row for PostgresCells {
    fn cell(&self, index: usize) -> Cell<'_> {
        let Ok(value) = self.row.try_get_raw(index) else {
            return Cell::Null;
        };
        let Ok(bytes) = value.as_bytes() else {
            return Cell::Null;
        };
        match wire(&value.type_info()) {
            Wire::Boolean => Cell::Integer(i64::from(bytes.first() == Some(&1))),
            Wire::Small => fixed(bytes, |bytes| Cell::Integer(i16::from_be_bytes(bytes).into())),
            Wire::Medium => fixed(bytes, |bytes| Cell::Integer(i32::from_be_bytes(bytes).into())),
            Wire::Large => fixed(bytes, |bytes| Cell::Integer(i64::from_be_bytes(bytes))),
            Wire::Single => fixed(bytes, |bytes| Cell::Real(f32::from_be_bytes(bytes).into())),
            Wire::Double => fixed(bytes, |bytes| Cell::Real(f64::from_be_bytes(bytes))),
            Wire::Numeric => numeric::decode(bytes),
            Wire::Text => value.as_str().map_or(Cell::Null, Cell::Text),
            Wire::Json | Wire::Jsonb => self
                .documents
                .iter()
                .find(|(place, _)| *place == index)
                .map_or(Cell::Null, |(_, text)| Cell::Text(text)),
            // A type of a foreign hand: this platform makes none.
            Wire::Other => Cell::Null,
        }
    }
}

fn fixed<const SIZE: usize>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> Cell<'static>) -> Cell<'static> {
    bytes.try_into().map_or(Cell::Null, read)
}

/// JSON in the form in which it was stored: without the blanks that the database puts between its parts, and with numbers as
/// this platform writes them.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut begin) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        if at < begin {
            continue;
        }
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
        } else if byte == b'"' {
            quoted = true;
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            // A blank is one byte, so both places are between characters.
            out.push_str(&text[begin..at]);
            begin = at + 1;
        } else if byte.is_ascii_digit() || byte == b'-' {
            let length = text[at..]
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
                .count();
            out.push_str(&text[begin..at]);
            out.push_str(&number(&text[at..at + length]));
            begin = at + length;
        }
    }
    out.push_str(&text[begin..]);
    out
}

fn number(text: &str) -> Cow<'_, str> {
    // Whole numbers that surely have 64 bits are written in one way.
    if text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(canonical_number(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_loses_its_blanks_and_nothing_else() {
        assert_eq!(
            compact("{\"a b\": [1, 2, \"x \\\" , y\\\\\"], \"ü\": {} }"),
            "{\"a b\":[1,2,\"x \\\" , y\\\\\"],\"ü\":{}}"
        );
        assert_eq!(compact("\" \""), "\" \"");
        assert_eq!(compact("[0.0000001, 12, -1.50, \"0.10\"]"), "[1e-7,12,-1.5,\"0.10\"]");
    }

    #[test]
    fn a_value_is_sent_as_the_type_that_is_wanted() {
        assert_eq!(
            bytes(Wire::Large, &SqlValue::Boolean(true)),
            Some(Some(vec![0, 0, 0, 0, 0, 0, 0, 1]))
        );
        assert_eq!(bytes(Wire::Text, &SqlValue::Integer(7)), Some(Some(b"7".to_vec())));
        assert_eq!(
            bytes(Wire::Jsonb, &SqlValue::Json("[]".to_owned())),
            Some(Some(b"\x01[]".to_vec()))
        );
        let shared = SqlValue::SharedJson("[]".into());
        for (wire, expected) in [(Wire::Jsonb, "\u{1}[]"), (Wire::Json, "[]"), (Wire::Text, "[]")] {
            assert_eq!(
                bytes(wire, &shared),
                Some(Some(expected.as_bytes().to_vec())),
                "{wire:?}"
            );
        }
        assert_eq!(bytes(Wire::Jsonb, &SqlValue::Integer(7)), None);
        assert_eq!(bytes(Wire::Medium, &SqlValue::Integer(1 << 40)), None);
        assert_eq!(bytes(Wire::Boolean, &SqlValue::Text("true".to_owned())), None);
        assert_eq!(bytes(Wire::Other, &SqlValue::Null), Some(None));
    }
}
