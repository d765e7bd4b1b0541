//! Operators of a filter, for tools that build filters from typed parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, some};
use crate::map_only::map_only;

/// Equal or not. Source: `data/EqualityOperator`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EqualityOperator", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EqualityOperator {
    #[serde(rename = "$eq", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub equal: Option<Value>,
    #[serde(rename = "$ne", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub not_equal: Option<Value>,
}

/// One of, or none of. Source: `data/SetOperator`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SetOperator", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SetOperator {
    #[serde(rename = "$in", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub any_of: Option<Vec<Value>>,
    #[serde(rename = "$nin", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub none_of: Option<Vec<Value>>,
}

/// About parts of a text. Source: `data/StringOperator`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StringOperator", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct StringOperator {
    #[serde(
        rename = "$contains",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub contains: Option<String>,
    #[serde(
        rename = "$startsWith",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub starts_with: Option<String>,
    #[serde(
        rename = "$endsWith",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub ends_with: Option<String>,
}

/// About values that are not there. Source: `data/SpecialOperator`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SpecialOperator", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SpecialOperator {
    #[serde(rename = "$null", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub null: Option<bool>,
    #[serde(
        rename = "$exists",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub exists: Option<bool>,
}

map_only! {
    EqualityOperator, SetOperator, StringOperator, SpecialOperator,
}
