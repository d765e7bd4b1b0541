//! Permission sets: what a holder may do with objects and fields.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, snake_name, some};
use crate::map_only::map_only;
use crate::security::RowLevelSecurityPolicy;
use crate::shared::JsonMap;
use crate::text::SNAKE_NAME;

/// What a holder may do with records of an object. Nothing unless said. Source: `security/ObjectPermission`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ObjectPermission", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ObjectPermission {
    pub allow_create: bool,
    pub allow_read: bool,
    pub allow_edit: bool,
    pub allow_delete: bool,
    pub allow_transfer: bool,
    pub allow_restore: bool,
    pub allow_purge: bool,
    /// Sees every record, whoever owns it.
    pub view_all_records: bool,
    /// Changes every record, whoever owns it.
    pub modify_all_records: bool,
}

/// Whether a holder may read and change a field. Source: `security/FieldPermission`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FieldPermission", default, deny_unknown_fields)]
pub struct FieldPermission {
    pub readable: bool,
    pub editable: bool,
}

impl Default for FieldPermission {
    fn default() -> Self {
        Self {
            readable: true,
            editable: false,
        }
    }
}

/// Permissions that are given together. Source: `security/PermissionSet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PermissionSet", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct PermissionSet {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    /// A profile is the basis; each user has exactly one.
    #[serde(default)]
    pub is_profile: bool,
    /// Permissions by object name.
    pub objects: IndexMap<String, ObjectPermission>,
    /// Permissions by `object.field`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<IndexMap<String, FieldPermission>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub system_permissions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub row_level_security: Option<Vec<RowLevelSecurityPolicy>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub context_variables: Option<JsonMap>,
}

map_only! {
    ObjectPermission, FieldPermission, PermissionSet,
}
