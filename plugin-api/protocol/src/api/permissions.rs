//! Requests and answers about permissions.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::GetDiscoveryRequest;
use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::security::{FieldPermission, ObjectPermission};
use crate::wire_enum::wire_enum;

/// Asks whether the caller may do something. Source: `api/CheckPermissionRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CheckPermissionRequest", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CheckPermissionRequest {
    pub object: String,
    pub action: PermissionAction,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub record_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field: Option<String>,
}

wire_enum! {
    /// Something that can be permitted. Source: `api/CheckPermissionRequest`.
    pub enum PermissionAction {
        Create = "create",
        Read = "read",
        Edit = "edit",
        Delete = "delete",
        Transfer = "transfer",
        Restore = "restore",
        Purge = "purge",
    }
}

/// Whether, and if not, why. Source: `api/CheckPermissionResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CheckPermissionResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CheckPermissionResponse {
    pub allowed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub reason: Option<String>,
}

/// Asks what the caller may do with an object. Source: `api/GetObjectPermissionsRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetObjectPermissionsRequest", deny_unknown_fields)]
pub struct GetObjectPermissionsRequest {
    pub object: String,
}

/// What the caller may do with an object and its fields. Source: `api/GetObjectPermissionsResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "GetObjectPermissionsResponse",
    rename_all = "camelCase",
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct GetObjectPermissionsResponse {
    pub object: String,
    pub permissions: ObjectPermission,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field_permissions: Option<IndexMap<String, FieldPermission>>,
}

/// The same shape as [`GetDiscoveryRequest`]. Source: `api/GetEffectivePermissionsRequest`.
pub type GetEffectivePermissionsRequest = GetDiscoveryRequest;

/// What the caller may do with every object. Source: `api/GetEffectivePermissionsResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "GetEffectivePermissionsResponse",
    rename_all = "camelCase",
    deny_unknown_fields
)]
pub struct GetEffectivePermissionsResponse {
    pub objects: IndexMap<String, ObjectPermission>,
    pub system_permissions: Vec<String>,
}

map_only! {
    CheckPermissionRequest, CheckPermissionResponse, GetObjectPermissionsRequest, GetObjectPermissionsResponse, GetEffectivePermissionsResponse,
}
