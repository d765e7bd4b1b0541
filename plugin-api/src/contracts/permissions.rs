//! `permissions`: what a principal may do with an object, as one access plan that the data engine turns into its query.
//! No provider, or an error of it: refused.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Context, Result};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// See records.
    Read,
    /// Make records.
    Create,
    /// Change records.
    Update,
    /// Delete records.
    Delete,
}

/// The question; the principal is the context's. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequest {
    /// Name of the object.
    pub object: String,
    /// What is about to be done.
    pub operation: Operation,
}

/// Which fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldAccess {
    /// Every field.
    All,
    /// Every field but these.
    Except(Vec<String>),
    /// No field.
    #[default]
    None,
}

/// The answer. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPlan {
    /// False: refused altogether.
    pub allowed: bool,
    /// Only records that match this filter (`data/FilterCondition`) exist for the principal; absent is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
    /// A written record must match this filter afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Value>,
    /// Fields that may be read.
    pub readable: FieldAccess,
    /// Fields that may be written.
    pub writable: FieldAccess,
}

/// What a principal may do.
#[service(name = "permissions", version = "1.0.0")]
pub trait Permissions {
    /// The plan for one operation on one object.
    async fn access_plan(&self, context: Context, request: AccessRequest) -> Result<AccessPlan>;
}
