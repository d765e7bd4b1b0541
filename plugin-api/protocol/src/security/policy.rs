//! Security policies of an organisation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, identifier, number, some};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::text::IDENTIFIER;

/// What a password must be. Source: `security/PasswordPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PasswordPolicy", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct PasswordPolicy {
    pub min_length: Number,
    pub require_uppercase: bool,
    pub require_lowercase: bool,
    pub require_numbers: bool,
    pub require_symbols: bool,
    /// Days until a new password is asked for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expiration_days: Option<Number>,
    /// How many earlier passwords may not be used again.
    pub history_count: Number,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: Number::from(8),
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: false,
            expiration_days: None,
            history_count: Number::from(3),
        }
    }
}

/// Where users may come from. Source: `security/NetworkPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NetworkPolicy", rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPolicy {
    pub trusted_ranges: Vec<String>,
    #[serde(default)]
    pub block_unknown: bool,
    #[serde(default)]
    pub vpn_required: bool,
}

/// How long a session lasts; times in minutes. Source: `security/SessionPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SessionPolicy", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SessionPolicy {
    /// Minutes without a request.
    pub idle_timeout: Number,
    /// Minutes in all.
    pub absolute_timeout: Number,
    pub force_mfa: bool,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            idle_timeout: Number::from(30),
            absolute_timeout: Number::from(480),
            force_mfa: false,
        }
    }
}

/// What is written down, and for how long. Source: `security/AuditPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditPolicy", rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditPolicy {
    /// Days entries are kept.
    #[serde(default = "number::<180>")]
    pub log_retention_days: Number,
    pub sensitive_fields: Vec<String>,
    #[serde(default)]
    pub capture_read: bool,
}

/// A set of security rules for some profiles. Source: `security/Policy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Policy", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Policy {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub password: Option<PasswordPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub network: Option<NetworkPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub session: Option<SessionPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub audit: Option<AuditPolicy>,
    #[serde(default)]
    pub is_default: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub assigned_profiles: Option<Vec<String>>,
}

map_only! {
    PasswordPolicy, NetworkPolicy, SessionPolicy, AuditPolicy, Policy,
}
