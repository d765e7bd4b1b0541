//! SCIM messages: lists, patches, bulk, errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, integer_from, integer_in, list_from, safe_integer, some};
use crate::identity::ScimResource;
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::wire_enum::wire_enum;

/// A page of resources. Source: `identity/SCIMListResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimListResponse", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimListResponse {
    #[serde(default = "list_schemas", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub schemas: Vec<String>,
    #[serde(deserialize_with = "integer_from::<0, _, _>")]
    pub total_results: u64,
    #[serde(rename = "Resources")]
    pub resources: Vec<ScimResource>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_from::<1, _, _>"
    )]
    #[schemars(range(min = 1))]
    pub start_index: Option<u64>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_from::<0, _, _>"
    )]
    pub items_per_page: Option<u64>,
}

/// One change. Source: `identity/SCIMPatchOperation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimPatchOperation", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimPatchOperation {
    pub op: ScimPatchKind,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub value: Option<Value>,
}

wire_enum! {
    /// `op` in `identity/SCIMPatchOperation`.
    pub enum ScimPatchKind {
        Add = "add",
        Remove = "remove",
        Replace = "replace",
    }
}

/// Changes to a resource. Source: `identity/SCIMPatchRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimPatchRequest", deny_unknown_fields)]
pub struct ScimPatchRequest {
    #[serde(default = "patch_request_schemas", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub schemas: Vec<String>,
    #[serde(rename = "Operations", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub operations: Vec<ScimPatchOperation>,
}

/// One request of several. Source: `identity/SCIMBulkOperation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimBulkOperation", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimBulkOperation {
    pub method: ScimMethod,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bulk_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub version: Option<String>,
}

wire_enum! {
    /// `method` in `identity/SCIMBulkOperation`.
    pub enum ScimMethod {
        POST = "POST",
        PUT = "PUT",
        PATCH = "PATCH",
        DELETE = "DELETE",
    }
}

/// Several requests in one. Source: `identity/SCIMBulkRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimBulkRequest", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimBulkRequest {
    #[serde(default = "bulk_request_schemas")]
    pub schemas: Vec<ScimBulkRequestUrn>,
    #[serde(deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub operations: Vec<ScimBulkOperation>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe_integer")]
    pub fail_on_errors: Option<i64>,
}

wire_enum! {
    /// `schemas` in `identity/SCIMBulkRequest`.
    pub enum ScimBulkRequestUrn {
        V2 = "urn:ietf:params:scim:api:messages:2.0:BulkRequest",
    }
}

/// The outcome of one request of several. Source: `identity/SCIMBulkResponseOperation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimBulkResponseOperation", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimBulkResponseOperation {
    pub method: ScimMethod,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bulk_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub location: Option<String>,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub response: Option<Value>,
}

/// Outcomes of several requests. Source: `identity/SCIMBulkResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimBulkResponse", deny_unknown_fields)]
pub struct ScimBulkResponse {
    #[serde(default = "bulk_response_schemas")]
    pub schemas: Vec<ScimBulkResponseUrn>,
    pub operations: Vec<ScimBulkResponseOperation>,
}

wire_enum! {
    /// `schemas` in `identity/SCIMBulkResponse`.
    pub enum ScimBulkResponseUrn {
        V2 = "urn:ietf:params:scim:api:messages:2.0:BulkResponse",
    }
}

/// Why a request failed. Source: `identity/SCIMError`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimError", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimError {
    #[serde(default = "error_schemas", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub schemas: Vec<String>,
    #[serde(deserialize_with = "integer_in::<400, 599, _, _>")]
    #[schemars(range(min = 400, max = 599))]
    pub status: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scim_type: Option<ScimErrorKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub detail: Option<String>,
}

wire_enum! {
    /// Why a request was not acceptable. Source: `identity/SCIMError`.
    pub enum ScimErrorKind {
        InvalidFilter = "invalidFilter",
        TooMany = "tooMany",
        Uniqueness = "uniqueness",
        Mutability = "mutability",
        InvalidSyntax = "invalidSyntax",
        InvalidPath = "invalidPath",
        NoTarget = "noTarget",
        InvalidValue = "invalidValue",
        InvalidVers = "invalidVers",
        Sensitive = "sensitive",
    }
}

fn list_schemas() -> Vec<String> {
    ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        .map(str::to_owned)
        .to_vec()
}

fn patch_request_schemas() -> Vec<String> {
    ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        .map(str::to_owned)
        .to_vec()
}

fn bulk_request_schemas() -> Vec<ScimBulkRequestUrn> {
    vec![ScimBulkRequestUrn::V2]
}

fn bulk_response_schemas() -> Vec<ScimBulkResponseUrn> {
    vec![ScimBulkResponseUrn::V2]
}

fn error_schemas() -> Vec<String> {
    ["urn:ietf:params:scim:api:messages:2.0:Error"]
        .map(str::to_owned)
        .to_vec()
}

map_only! {
    ScimListResponse, ScimPatchOperation, ScimPatchRequest, ScimBulkOperation, ScimBulkRequest, ScimBulkResponseOperation, ScimBulkResponse, ScimError,
}
