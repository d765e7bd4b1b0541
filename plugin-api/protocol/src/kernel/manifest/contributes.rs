//! What a package contributes to the platform.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::check::{AbsolutePath, CommandName, Pattern, present, published, text};
use crate::map_only::map_only;

/// A kind of metadata file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedKind", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedKind {
    pub id: String,
    pub globs: Vec<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An entry of a menu.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedMenuItem", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedMenuItem {
    pub id: String,
    pub label: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A theme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedTheme", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedTheme {
    pub id: String,
    pub label: String,
    pub path: String,
}

/// Texts in one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedTranslation", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedTranslation {
    pub locale: String,
    pub path: String,
}

/// An action that automations may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedAction", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedAction {
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// A data driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedDriver", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedDriver {
    pub id: String,
    pub label: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A field type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedFieldType", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedFieldType {
    pub name: String,
    pub label: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A function for expressions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedFunction", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedFunction {
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub return_type: Option<String>,
}

/// Routes below a prefix, served by a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedRoute", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedRoute {
    #[serde(deserialize_with = "text::<_, AbsolutePath>")]
    #[schemars(regex(pattern = AbsolutePath::PATTERN))]
    pub prefix: String,
    pub service: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}

/// A command of the host program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ContributedCommand", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ContributedCommand {
    #[serde(deserialize_with = "text::<_, CommandName>")]
    #[schemars(regex(pattern = CommandName::PATTERN))]
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

/// All contributions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ManifestContributions",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct ManifestContributions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ContributedKind>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Place to entries.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub menus: IndexMap<String, Vec<ContributedMenuItem>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<ContributedTheme>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<ContributedTranslation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ContributedAction>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<ContributedDriver>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub field_types: Vec<ContributedFieldType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<ContributedFunction>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<ContributedRoute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<ContributedCommand>,
}

map_only! {
    ContributedKind, ContributedMenuItem, ContributedTheme, ContributedTranslation, ContributedAction, ContributedDriver, ContributedFieldType, ContributedFunction, ContributedRoute, ContributedCommand, ManifestContributions,
}
