//! Every protocol type we implement, by the path of its published schema.
//!
//! A new type needs one line in the list of its family, and is audited from then on.

mod api;
mod data;
mod identity;
mod kernel;
mod security;
mod shared;
mod system;
mod ui;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One implemented type.
#[derive(Debug)]
pub(super) struct Entry {
    /// Path of the published schema, such as `data/Object`.
    pub(super) path: &'static str,
    /// Our schema of the form that is written: complete, with defaulted keys required.
    pub(super) written: fn() -> Value,
    /// Our schema of the form that is read: defaulted keys may be left out.
    pub(super) readable: fn() -> Value,
    /// Reads a document and writes it again.
    pub(super) rewrite: fn(&Value) -> Result<Value, String>,
}

impl Entry {
    const fn new<T: JsonSchema + Serialize + DeserializeOwned>(path: &'static str) -> Self {
        Self {
            path,
            written: written::<T>,
            readable: readable::<T>,
            rewrite: rewrite::<T>,
        }
    }
}

fn written<T: JsonSchema>() -> Value {
    named_root(
        SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<T>()
            .to_value(),
    )
}

fn readable<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// The document with its root among the named parts, as it stands where another type uses it.
fn named_root(mut root: Value) -> Value {
    let Some(keywords) = root.as_object_mut() else {
        return root;
    };
    keywords.shift_remove("$schema");
    let Some(Value::String(name)) = keywords.shift_remove("title") else {
        return root;
    };
    let mut parts = keywords.shift_remove("$defs").unwrap_or_else(|| json!({}));
    let pointer = format!("#/$defs/{name}");
    parts[&name] = root;
    rename_references(&mut parts, &pointer);
    json!({ "$ref": pointer, "$defs": parts })
}

/// References to the root become references to its name.
fn rename_references(value: &mut Value, pointer: &str) {
    match value {
        Value::Object(keywords) => {
            for (key, inner) in keywords {
                if key == "$ref" && inner == "#" {
                    *inner = json!(pointer);
                } else {
                    rename_references(inner, pointer);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, pointer)),
        _ => {}
    }
}

fn rewrite<T: Serialize + DeserializeOwned>(document: &Value) -> Result<Value, String> {
    let value: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}

macro_rules! entries {
    ($( $path:literal => $type:ty, )+) => {
        pub(super) static ENTRIES: &[super::Entry] = &[$( super::Entry::new::<$type>($path) ),+];
    };
}

use entries;

/// All entries, parts before wholes so that a difference is told at the type it belongs to.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [
        shared::ENTRIES,
        system::ENTRIES,
        data::ENTRIES,
        api::ENTRIES,
        security::ENTRIES,
        identity::ENTRIES,
        ui::ENTRIES,
        kernel::ENTRIES,
    ]
    .into_iter()
    .flatten()
}
