//! What is audited, where it is kept and for how long.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{email, guarded, identifier_up_to, integer_from, number_in, some, unsigned, uri, yes};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};
use crate::system::{AuditEventSeverity, AuditEventType};
use crate::text::{EMAIL, IDENTIFIER};
use crate::wire_enum::wire_enum;

/// Where the audit trail is kept. Source: `system/AuditStorageConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditStorageConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditStorageConfig {
    /// `type` on the wire.
    #[serde(rename = "type")]
    pub kind: AuditStorageKind,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub connection_string: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub config: Option<JsonMap>,
    #[serde(default = "yes")]
    pub buffer_enabled: bool,
    #[serde(default = "unsigned::<100>", deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub buffer_size: u64,
    #[serde(default = "unsigned::<5>", deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub flush_interval_seconds: u64,
    #[serde(default = "yes")]
    pub compression: bool,
}

wire_enum! {
    /// `type` in `system/AuditStorageConfig`.
    pub enum AuditStorageKind {
        Database = "database",
        Elasticsearch = "elasticsearch",
        Mongodb = "mongodb",
        Clickhouse = "clickhouse",
        S3 = "s3",
        Gcs = "gcs",
        AzureBlob = "azure_blob",
        Custom = "custom",
    }
}

/// How long the audit trail is kept. Source: `system/AuditRetentionPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "AuditRetentionPolicy",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct AuditRetentionPolicy {
    #[serde(deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub retention_days: u64,
    pub archive_after_retention: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub archive_storage: Option<ArchiveStorage>,
    /// Days by event type.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_from::<1, _, _>"
    )]
    #[schemars(extend("additionalProperties" = serde_json::json!({ "type": "integer", "minimum": 1 })))]
    pub custom_retention: Option<IndexMap<String, u64>>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_from::<1, _, _>"
    )]
    #[schemars(range(min = 1))]
    pub minimum_retention_days: Option<u64>,
}

impl Default for AuditRetentionPolicy {
    fn default() -> Self {
        Self {
            retention_days: 180,
            archive_after_retention: true,
            archive_storage: None,
            custom_retention: None,
            minimum_retention_days: None,
        }
    }
}

/// `archiveStorage` in `system/AuditRetentionPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ArchiveStorage", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ArchiveStorage {
    #[serde(rename = "type")]
    pub kind: ArchiveStorageKind,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bucket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub credentials: Option<JsonMap>,
}

wire_enum! {
    /// `archiveStorage.type` in `system/AuditRetentionPolicy`.
    pub enum ArchiveStorageKind {
        S3 = "s3",
        Gcs = "gcs",
        AzureBlob = "azure_blob",
        Filesystem = "filesystem",
    }
}

/// So many events in so much time raise an alarm. Source: `system/SuspiciousActivityRule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SuspiciousActivityRule", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SuspiciousActivityRule {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub event_types: Vec<AuditEventType>,
    pub condition: SuspiciousActivityCondition,
    pub actions: Vec<SuspiciousActivityAction>,
    #[serde(default = "warning")]
    pub alert_severity: AuditEventSeverity,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub notifications: Option<SuspiciousActivityNotifications>,
}

/// `condition` in `system/SuspiciousActivityRule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "SuspiciousActivityCondition",
    rename_all = "camelCase",
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct SuspiciousActivityCondition {
    #[serde(deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub threshold: u64,
    #[serde(deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub window_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub group_by: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filters: Option<JsonMap>,
}

wire_enum! {
    /// `actions` in `system/SuspiciousActivityRule`.
    pub enum SuspiciousActivityAction {
        Alert = "alert",
        LockAccount = "lock_account",
        BlockIp = "block_ip",
        RequireMfa = "require_mfa",
        LogCritical = "log_critical",
        Webhook = "webhook",
    }
}

/// `notifications` in `system/SuspiciousActivityRule`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SuspiciousActivityNotifications", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SuspiciousActivityNotifications {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "email")]
    #[schemars(extend("items" = serde_json::json!({ "type": "string", "format": "email", "pattern": EMAIL })))]
    pub email: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub slack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub webhook: Option<String>,
}

/// The audit trail as a whole. Source: `system/AuditConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditConfig {
    #[serde(deserialize_with = "identifier_up_to::<64, _, _>")]
    #[schemars(regex(pattern = IDENTIFIER), length(max = 64))]
    pub name: String,
    pub label: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub event_types: Option<Vec<AuditEventType>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub exclude_event_types: Option<Vec<AuditEventType>>,
    #[serde(default)]
    pub minimum_severity: AuditEventSeverity,
    pub storage: AuditStorageConfig,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub retention_policy: Option<AuditRetentionPolicy>,
    #[serde(default)]
    pub suspicious_activity_rules: Vec<SuspiciousActivityRule>,
    #[serde(default)]
    pub include_sensitive_data: bool,
    /// Fields whose values are not written down.
    #[serde(default = "default_redact_fields")]
    pub redact_fields: Vec<String>,
    #[serde(default)]
    pub log_reads: bool,
    /// Share of reads that is written down, 0 to 1.
    #[serde(default = "default_read_sampling_rate", deserialize_with = "number_in::<0, 1, _, _>")]
    #[schemars(range(min = 0, max = 1))]
    pub read_sampling_rate: Number,
    #[serde(default = "yes")]
    pub log_system_events: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub custom_handlers: Option<Vec<AuditHandler>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub compliance: Option<AuditCompliance>,
}

/// `customHandlers` in `system/AuditConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditHandler", rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditHandler {
    pub event_type: AuditEventType,
    pub handler_id: String,
}

/// `compliance` in `system/AuditConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditCompliance", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditCompliance {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub standards: Option<Vec<ComplianceStandard>>,
    pub immutable_logs: bool,
    pub require_signing: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub signing_key: Option<String>,
}

impl Default for AuditCompliance {
    fn default() -> Self {
        Self {
            standards: None,
            immutable_logs: true,
            require_signing: false,
            signing_key: None,
        }
    }
}

wire_enum! {
    /// `compliance.standards` in `system/AuditConfig`.
    pub enum ComplianceStandard {
        Sox = "sox",
        Hipaa = "hipaa",
        Gdpr = "gdpr",
        PciDss = "pci_dss",
        Iso27001 = "iso_27001",
        Fedramp = "fedramp",
    }
}

const fn warning() -> AuditEventSeverity {
    AuditEventSeverity::Warning
}

fn default_redact_fields() -> Vec<String> {
    [
        "password",
        "passwordHash",
        "token",
        "apiKey",
        "secret",
        "creditCard",
        "ssn",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn default_read_sampling_rate() -> Number {
    Number::float(0.1).expect("the default is finite")
}

map_only! {
    AuditStorageConfig, ArchiveStorage, AuditRetentionPolicy, SuspiciousActivityCondition, SuspiciousActivityNotifications, SuspiciousActivityRule, AuditHandler, AuditCompliance, AuditConfig,
}
