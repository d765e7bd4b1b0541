//! Which fields a query returns.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, some};
use crate::map_only::map_only;

/// A field by name, or a relation with the fields wanted from it. Source: `data/FieldNode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldNode {
    /// The field's name.
    Name(String),
    /// A field under another name, or a relation.
    Nested(NestedField),
}

impl FieldNode {
    /// The field's name in either form.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Nested(nested) => &nested.field,
        }
    }
}

impl JsonSchema for FieldNode {
    fn schema_name() -> Cow<'static, str> {
        "FieldNode".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<NestedField>()] })
    }
}

/// A field with its alias, or a relation with the fields wanted from the other record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NestedField", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct NestedField {
    /// Name of the field or relation.
    pub field: String,
    /// Fields of the related record.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<Vec<FieldNode>>,
    /// Key in the answer in place of the field's name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub alias: Option<String>,
}

map_only! { NestedField }
