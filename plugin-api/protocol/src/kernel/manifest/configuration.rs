//! Settings a package takes, as the manifest describes them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::check::{present, published};
use crate::map_only::map_only;

/// Type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    String,
    Number,
    Boolean,
    Array,
    Object,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SettingProperty", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct SettingProperty {
    #[serde(rename = "type")]
    pub kind: SettingType,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Never shown or logged.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
    /// Allowed values.
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// All settings of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ManifestConfiguration", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ManifestConfiguration {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub properties: IndexMap<String, SettingProperty>,
}

map_only! {
    SettingProperty, ManifestConfiguration,
}
