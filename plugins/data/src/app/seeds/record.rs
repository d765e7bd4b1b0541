//! One record of a seed file against its object.

use objectos_plugin_api::protocol::data::DatasetMode;
use serde_json::{Map, Value};

use super::SeedFile;
use crate::app::literal;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::app::yaml::Node;
use crate::model::{FieldKind, FieldModel, ObjectModel, SystemField};

/// The fields of one record; what is wrong with them goes to `problems`.
pub(super) fn read(
    file: &SeedFile,
    object: &ObjectModel,
    path: &KeyPath,
    node: &Node,
    external_id: &str,
    problems: &mut Problems,
) -> Map<String, Value> {
    let mut fields = Map::new();
    for entry in node.entries() {
        let at = path.key(&entry.key);
        let Some(field) = object.field(&entry.key) else {
            let message = format!("`{}` has no field `{}`", object.name, entry.key);
            problems.push(
                file.document
                    .key_error(&at, message)
                    .suggest(object.nearest_field(&entry.key)),
            );
            continue;
        };
        if !field.stored() || field.system == Some(SystemField::DeletedAt) {
            let message = format!("`{}` is filled by the system", entry.key);
            problems.push(file.document.key_error(&at, message).hint("remove it"));
            continue;
        }
        let value = value(field, &entry.value);
        if let Err(expected) = literal::fits(field, &value) {
            problems.push(file.document.error(&at, format!("expected {expected}, found {value}")));
        }
        fields.insert(entry.key.clone(), value);
    }
    for field in object
        .fields
        .values()
        .filter(|field| field.required && field.default.is_none() && field.autonumber.is_none())
    {
        let given = fields.get(&field.name).is_some_and(|value| !value.is_null());
        let counts = file.mode != DatasetMode::Update && field.system.is_none() && field.name != external_id;
        if counts && !given && !node.entries().iter().any(|entry| entry.key == field.name) {
            problems.push(
                file.document
                    .error(path, format!("the required field `{}` is missing", field.name)),
            );
        }
    }
    fields
}

/// A number in a text field means what was written: a postal code of `01067`.
fn value(field: &FieldModel, node: &Node) -> Value {
    let textual = matches!(
        field.kind,
        FieldKind::Text | FieldKind::Choice | FieldKind::Reference | FieldKind::Autonumber | FieldKind::Time
    );
    match node.written() {
        Some(written) if textual => Value::String(written.to_owned()),
        _ => node.to_json(),
    }
}
