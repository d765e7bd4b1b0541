//! Policies a plugin would like applied to what it serves.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{integer, optional_integer, present, published, yes};
use crate::map_only::map_only;

/// Content security policy of its pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CspPolicy", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct CspPolicy {
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub directives: IndexMap<String, Vec<String>>,
    pub report_only: bool,
}

/// Cross-origin rules of its routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CorsPolicy", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct CorsPolicy {
    pub allowed_origins: Vec<String>,
    pub allowed_methods: Vec<String>,
    pub allowed_headers: Vec<String>,
    #[serde(default)]
    pub allow_credentials: bool,
    /// Seconds.
    #[serde(
        default,
        deserialize_with = "optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_age: Option<i64>,
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RateLimitStrategy {
    Fixed,
    #[default]
    Sliding,
    TokenBucket,
}

/// Requests allowed in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RateLimitPolicy", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct RateLimitPolicy {
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(deserialize_with = "integer")]
    pub max_requests: i64,
    #[serde(deserialize_with = "integer")]
    pub window_ms: i64,
    #[serde(default)]
    pub strategy: RateLimitStrategy,
}

/// How callers may prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationMethod {
    Jwt,
    Oauth2,
    ApiKey,
    Session,
    Certificate,
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuthenticationPolicy", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct AuthenticationPolicy {
    #[serde(default = "yes")]
    pub required: bool,
    pub methods: Vec<AuthenticationMethod>,
    /// Seconds.
    #[serde(
        default,
        deserialize_with = "optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub token_expiration: Option<i64>,
}

/// What is encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EncryptionPolicy", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct EncryptionPolicy {
    pub data_at_rest: bool,
    pub data_in_transit: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Bits.
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub min_key_length: Option<i64>,
}

impl Default for EncryptionPolicy {
    fn default() -> Self {
        Self {
            data_at_rest: false,
            data_in_transit: true,
            algorithm: None,
            min_key_length: None,
        }
    }
}

/// What is audited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditLogPolicy", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct AuditLogPolicy {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Days.
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub retention: Option<i64>,
}

impl Default for AuditLogPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            events: Vec::new(),
            retention: None,
        }
    }
}

/// All policies of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginSecurityPolicy",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginSecurityPolicy {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub csp: Option<CspPolicy>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cors: Option<CorsPolicy>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitPolicy>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationPolicy>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionPolicy>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub audit_log: Option<AuditLogPolicy>,
}

map_only! {
    CspPolicy, CorsPolicy, RateLimitPolicy, AuthenticationPolicy, EncryptionPolicy, AuditLogPolicy, PluginSecurityPolicy,
}
