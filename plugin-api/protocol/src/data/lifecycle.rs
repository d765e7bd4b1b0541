//! What an object does beside storing records: tenancy, soft delete, versions, partitions, change capture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, number_from, some};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::wire_enum::wire_enum;

/// How records of tenants are kept apart. Source: `data/TenancyConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "TenancyConfig", rename_all = "camelCase", deny_unknown_fields)]
pub struct TenancyConfig {
    pub enabled: bool,
    pub strategy: TenancyStrategy,
    /// Holds the tenant's id.
    #[serde(default = "default_tenant_id")]
    pub tenant_field: String,
    #[serde(default)]
    pub cross_tenant_access: bool,
}

wire_enum! {
    /// `strategy` in `data/TenancyConfig`.
    pub enum TenancyStrategy {
        Shared = "shared",
        Isolated = "isolated",
        Hybrid = "hybrid",
    }
}

/// Deleted records are marked and kept. Source: `data/SoftDeleteConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SoftDeleteConfig", rename_all = "camelCase", deny_unknown_fields)]
pub struct SoftDeleteConfig {
    pub enabled: bool,
    /// Holds the time of deletion.
    #[serde(default = "default_deleted_at")]
    pub field: String,
    /// Detail records are marked with their master.
    #[serde(default)]
    pub cascade_delete: bool,
}

/// Earlier versions of records are kept. Source: `data/VersioningConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VersioningConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct VersioningConfig {
    pub enabled: bool,
    pub strategy: VersioningStrategy,
    /// Days a version is kept; for ever when left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number_from::<1, _, _>"
    )]
    #[schemars(range(min = 1))]
    pub retention_days: Option<Number>,
    /// Holds the version number.
    #[serde(default = "default_version")]
    pub version_field: String,
}

wire_enum! {
    /// `strategy` in `data/VersioningConfig`.
    pub enum VersioningStrategy {
        Snapshot = "snapshot",
        Delta = "delta",
        EventSourcing = "event-sourcing",
    }
}

/// The table is divided. Source: `data/PartitioningConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PartitioningConfig", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct PartitioningConfig {
    pub enabled: bool,
    pub strategy: PartitioningStrategy,
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub interval: Option<String>,
}

wire_enum! {
    /// `strategy` in `data/PartitioningConfig`.
    pub enum PartitioningStrategy {
        Range = "range",
        Hash = "hash",
        List = "list",
    }
}

/// Changes are sent on as a stream. Source: `data/CDCConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CdcConfig", deny_unknown_fields)]
pub struct CdcConfig {
    pub enabled: bool,
    pub events: Vec<ChangeKind>,
    pub destination: String,
}

wire_enum! {
    /// A kind of change to a record. Source: `data/CDCConfig`.
    pub enum ChangeKind {
        Insert = "insert",
        Update = "update",
        Delete = "delete",
    }
}

fn default_tenant_id() -> String {
    "tenant_id".to_owned()
}

fn default_deleted_at() -> String {
    "deleted_at".to_owned()
}

fn default_version() -> String {
    "version".to_owned()
}

map_only! {
    TenancyConfig, SoftDeleteConfig, VersioningConfig, PartitioningConfig, CdcConfig,
}
