//! Row level security: which rows a policy lets through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{email, guarded, identifier, integer_from, number_in, safe_integer, signed, some, yes};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number, OneOrMany};
use crate::text::{EMAIL, IDENTIFIER};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a policy governs. Source: `security/RLSOperation`.
    pub enum RlsOperation {
        Select = "select",
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        All = "all",
    }
}

/// A condition that rows must meet to be seen or written. Source: `security/RowLevelSecurityPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RowLevelSecurityPolicy", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RowLevelSecurityPolicy {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    pub object: String,
    pub operation: RlsOperation,
    /// Expression that existing rows must meet.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub using: Option<String>,
    /// Expression that written rows must meet.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub check: Option<String>,
    /// Roles it applies to; everybody when left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub roles: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Policies of higher priority come first.
    #[serde(default, deserialize_with = "safe_integer")]
    pub priority: i64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tags: Option<Vec<String>>,
}

/// What is written down about decisions. Source: `security/RLSAuditConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RlsAuditConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RlsAuditConfig {
    pub enabled: bool,
    pub log_level: RlsLogLevel,
    pub destination: RlsAuditDestination,
    #[serde(deserialize_with = "number_in::<0, 1, _, _>")]
    #[schemars(range(min = 0, max = 1))]
    pub sample_rate: Number,
    #[serde(default = "signed::<90>", deserialize_with = "safe_integer")]
    pub retention_days: i64,
    #[serde(default)]
    pub include_row_data: bool,
    #[serde(default = "yes")]
    pub alert_on_denied: bool,
}

wire_enum! {
    /// `logLevel` in `security/RLSAuditConfig`.
    pub enum RlsLogLevel {
        All = "all",
        DeniedOnly = "denied_only",
        GrantedOnly = "granted_only",
        None = "none",
    }
}

wire_enum! {
    /// `destination` in `security/RLSAuditConfig`.
    pub enum RlsAuditDestination {
        SystemLog = "system_log",
        AuditTrail = "audit_trail",
        External = "external",
    }
}

/// Row level security as a whole. Source: `security/RLSConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RlsConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RlsConfig {
    pub enabled: bool,
    pub default_policy: RlsDefault,
    pub allow_superuser_bypass: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bypass_roles: Option<Vec<String>>,
    pub log_evaluations: bool,
    pub cache_results: bool,
    /// How long outcomes are kept.
    #[serde(deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub cache_ttl_seconds: u64,
    pub prefetch_user_context: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub audit: Option<RlsAuditConfig>,
}

impl Default for RlsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            default_policy: RlsDefault::Deny,
            allow_superuser_bypass: true,
            bypass_roles: None,
            log_evaluations: false,
            cache_results: true,
            cache_ttl_seconds: 300,
            prefetch_user_context: true,
            audit: None,
        }
    }
}

wire_enum! {
    /// `defaultPolicy` in `security/RLSConfig`.
    #[derive(Default)]
    pub enum RlsDefault {
        #[default]
        Deny = "deny",
        Allow = "allow",
    }
}

/// What policies may ask about the caller. Source: `security/RLSUserContext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RlsUserContext", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RlsUserContext {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub role: Option<OneOrMany>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub department: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub attributes: Option<JsonMap>,
}

/// The outcome of one policy. Source: `security/RLSEvaluationResult`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RlsEvaluationResult", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RlsEvaluationResult {
    pub policy_name: String,
    pub granted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub duration_ms: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub using_result: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub check_result: Option<bool>,
}

/// A decision that was written down. Source: `security/RLSAuditEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RlsAuditEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RlsAuditEvent {
    pub timestamp: String,
    pub user_id: String,
    pub operation: RlsAuditOperation,
    pub object: String,
    pub policy_name: String,
    pub granted: bool,
    pub evaluation_duration_ms: Number,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub matched_condition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub row_count: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<JsonMap>,
}

wire_enum! {
    /// `operation` in `security/RLSAuditEvent`.
    pub enum RlsAuditOperation {
        Select = "select",
        Insert = "insert",
        Update = "update",
        Delete = "delete",
    }
}

map_only! {
    RowLevelSecurityPolicy, RlsAuditConfig, RlsConfig, RlsUserContext, RlsEvaluationResult, RlsAuditEvent,
}
