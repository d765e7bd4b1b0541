//! What a plugin may do: `kernel/PluginSecurityManifest` and its parts.
//!
//! Read by the kernel before a plugin's file is opened. `permissions` is enforced (grants); `trustLevel` is what the
//! author claims and never raises what a signature proves.

mod permission;
mod policy;
mod sandbox;
mod scan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{DateTime, Email, Uri, optional_integer, optional_text, present, published, text};
use crate::map_only::map_only;

pub use self::permission::{
    DefaultGrant, PermissionAction, PermissionFilter, PermissionGroup, PermissionScope, PermissionSet,
    PluginPermission, ResourceType,
};
pub use self::policy::{
    AuditLogPolicy, AuthenticationMethod, AuthenticationPolicy, CorsPolicy, CspPolicy, EncryptionPolicy,
    PluginSecurityPolicy, RateLimitPolicy, RateLimitStrategy,
};
pub use self::sandbox::{
    AccessMode, ContainerEngineConfig, ContainerNetworkMode, ContainerResources, ContainerRuntime, CpuSandbox,
    EnvironmentSandbox, FilesystemSandbox, MemorySandbox, NetworkMode, NetworkSandbox, ProcessSandbox, RuntimeConfig,
    SandboxConfig, SandboxEngine, SandboxEngineConfig, SandboxLevel, SandboxResourceLimits, V8IsolateConfig,
    WasmEngineConfig,
};
pub use self::scan::{
    CodeIssue, CodeIssueSeverity, DependencyVulnerability, LicenseCompliance, LicenseIssue, LicenseStatus,
    PluginScanResult, PluginVulnerability, ScanSummary, Scanner, VulnerabilitySeverity,
};

/// How far a plugin is trusted, highest first, from `kernel/PluginTrustLevel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginTrustLevel {
    Verified,
    Trusted,
    Community,
    Untrusted,
    Blocked,
}

/// What the author says about a signature; the kernel reads the detached one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CodeSigning", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct CodeSigning {
    pub signed: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: Option<String>,
}

/// A certificate somebody issued for the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Certification", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct Certification {
    pub name: String,
    pub issuer: String,
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub issued_date: String,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub expiry_date: Option<String>,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, Uri>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "uri"))]
    pub certificate_url: Option<String>,
}

/// Where to report a weakness.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SecurityContact", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct SecurityContact {
    #[serde(
        deserialize_with = "optional_text::<_, Email>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "email"))]
    pub email: Option<String>,
    #[serde(
        deserialize_with = "optional_text::<_, Uri>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub pgp_key: Option<String>,
}

/// How reports are handled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "VulnerabilityDisclosure",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct VulnerabilityDisclosure {
    #[serde(
        deserialize_with = "optional_text::<_, Uri>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "uri"))]
    pub policy_url: Option<String>,
    /// Hours.
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub response_time: Option<i64>,
    pub bug_bounty: bool,
}

/// The security half of a plugin document, from `kernel/PluginSecurityManifest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginSecurityManifest", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginSecurityManifest {
    pub plugin_id: String,
    pub trust_level: PluginTrustLevel,
    pub permissions: PermissionSet,
    pub sandbox: SandboxConfig,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub policy: Option<PluginSecurityPolicy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scan_results: Vec<PluginScanResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<PluginVulnerability>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub code_signing: Option<CodeSigning>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certifications: Vec<Certification>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub security_contact: Option<SecurityContact>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub vulnerability_disclosure: Option<VulnerabilityDisclosure>,
}

map_only! {
    CodeSigning, Certification, SecurityContact, VulnerabilityDisclosure, PluginSecurityManifest,
}
