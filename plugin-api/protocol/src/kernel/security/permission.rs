//! Permissions a plugin asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{present, published, yes};
use crate::map_only::map_only;

/// What a permission is about, from `kernel/ResourceType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ResourceType {
    #[serde(rename = "data.object")]
    DataObject,
    #[serde(rename = "data.record")]
    DataRecord,
    #[serde(rename = "data.field")]
    DataField,
    #[serde(rename = "ui.view")]
    UiView,
    #[serde(rename = "ui.dashboard")]
    UiDashboard,
    #[serde(rename = "ui.report")]
    UiReport,
    #[serde(rename = "system.config")]
    SystemConfig,
    #[serde(rename = "system.plugin")]
    SystemPlugin,
    #[serde(rename = "system.api")]
    SystemApi,
    #[serde(rename = "system.service")]
    SystemService,
    #[serde(rename = "storage.file")]
    StorageFile,
    #[serde(rename = "storage.database")]
    StorageDatabase,
    #[serde(rename = "network.http")]
    NetworkHttp,
    #[serde(rename = "network.websocket")]
    NetworkWebsocket,
    #[serde(rename = "process.spawn")]
    ProcessSpawn,
    #[serde(rename = "process.env")]
    ProcessEnv,
}

/// What may be done with it, from `kernel/PermissionAction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PermissionAction {
    Create,
    Read,
    Update,
    Delete,
    Execute,
    Manage,
    Configure,
    Share,
    Export,
    Import,
    Admin,
}

/// How far a permission reaches, from `kernel/PermissionScope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PermissionScope {
    Global,
    Tenant,
    User,
    Resource,
    #[default]
    Plugin,
}

/// Narrowing of a permission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PermissionFilter", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PermissionFilter {
    /// Names, hosts, paths or variables, depending on the resource; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_ids: Vec<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// One thing a plugin asks for, from `kernel/Permission`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginPermission", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginPermission {
    pub id: String,
    pub resource: ResourceType,
    pub actions: Vec<PermissionAction>,
    #[serde(default)]
    pub scope: PermissionScope,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filter: Option<PermissionFilter>,
    pub description: String,
    /// The plugin cannot run without it.
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// Permissions under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PermissionGroup", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PermissionGroup {
    pub name: String,
    pub description: String,
    /// Ids.
    pub permissions: Vec<String>,
}

/// What the author suggests where nothing was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultGrant {
    #[default]
    Prompt,
    Allow,
    Deny,
    Inherit,
}

/// All permissions of a plugin, from `kernel/PermissionSet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PermissionSet", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PermissionSet {
    pub permissions: Vec<PluginPermission>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<PermissionGroup>,
    #[serde(default)]
    pub default_grant: DefaultGrant,
}

map_only! {
    PermissionFilter, PluginPermission, PermissionGroup, PermissionSet,
}
