//! A definition on its way in, and as a file among the others.

use serde_json::{Value, json};

use super::{Items, PACKAGE, refuse};
use crate::app::{PackageSource, SourceFile};
use crate::error::{DataError, Result};

/// Beginning of the names that belong to plugins.
const PLUGIN_PREFIX: &str = "sys_";
/// Bytes of one definition.
const DEFINITION_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn check_name(kind: &str, name: &str) -> Result<()> {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|character| character.is_ascii_alphanumeric() || "_.-".contains(character));
    if !begins || !goes_on || name.len() > 128 {
        return Err(refuse::bad_name(kind, name, "use letters, digits, '_', '.' and '-'"));
    }
    if name.starts_with(PLUGIN_PREFIX) {
        return Err(refuse::bad_name(
            kind,
            name,
            "names that begin with 'sys_' belong to plugins",
        ));
    }
    Ok(())
}

/// The definition alone: an answer of the server that comes back holds it twice, and says its type.
pub(super) fn checked(kind: &str, name: &str, definition: Value) -> Result<Value> {
    let Value::Object(mut map) = definition else {
        return Err(refuse::no_object(kind, name));
    };
    if let Some(Value::Object(inner)) = map.get("item")
        && map.get("name").and_then(Value::as_str) == Some(name)
    {
        map = inner.clone();
    }
    if kind == "object" && map.get("type").and_then(Value::as_str) == Some("object") {
        map.remove("type");
    }
    match map.get("name") {
        None => {
            map.insert("name".to_owned(), json!(name));
        }
        Some(Value::String(own)) if own == name => {}
        Some(_) => return Err(refuse::other_name(kind, name)),
    }
    Ok(Value::Object(map))
}

pub(super) fn source_file(kind: &str, name: &str, definition: &Value, modified_ms: i64) -> Result<SourceFile> {
    let text = definition.to_string();
    if text.len() > DEFINITION_BYTES_MAX {
        return Err(DataError::TooMany {
            what: "bytes of a definition",
            count: text.len(),
            max: DEFINITION_BYTES_MAX,
        });
    }
    Ok(SourceFile {
        name: format!("saved/{name}.{kind}.json"),
        text,
        modified_ms,
    })
}

/// All items as one package.
pub(super) fn package(items: &Items) -> Option<PackageSource> {
    (!items.is_empty()).then(|| PackageSource {
        id: PACKAGE.to_owned(),
        manifest: None,
        manifest_file: String::new(),
        files: items.values().cloned().collect(),
    })
}
