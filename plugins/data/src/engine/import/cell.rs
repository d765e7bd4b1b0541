//! Texts of a table become values of the kinds that the fields have. What does not look like one stays a text, and the checks
//! of the field say what is wrong with it.

use serde_json::Value;

use crate::engine::Fields;
use crate::model::{FieldKind, FieldModel};
use crate::record::Layout;

/// Gives every cell the type of its field. An empty cell is nothing.
pub(super) fn give_types(layout: &Layout, record: &mut Fields) {
    for (name, value) in record.iter_mut() {
        let Value::String(text) = &*value else { continue };
        let Some(field) = layout.object.field(name) else {
            continue;
        };
        *value = typed(field, text);
    }
}

fn typed(field: &FieldModel, text: &str) -> Value {
    let trimmed = text.trim();
    let as_text = || Value::String(text.to_owned());
    match field.kind {
        FieldKind::Number => serde_json::from_str(trimmed)
            .ok()
            .filter(Value::is_number)
            .unwrap_or_else(as_text),
        FieldKind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => as_text(),
        },
        FieldKind::List | FieldKind::References if !trimmed.starts_with('[') => {
            let parts = trimmed.split(';').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        FieldKind::List
        | FieldKind::References
        | FieldKind::File
        | FieldKind::Location
        | FieldKind::Address
        | FieldKind::Json
        | FieldKind::Vector => serde_json::from_str(trimmed).unwrap_or_else(|_| as_text()),
        _ => as_text(),
    }
}
