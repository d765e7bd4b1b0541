//! Results of security scans an author ships with a plugin.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::HealthCheckStatus;
use crate::kernel::check::{
    DateTime, integer, optional_integer, optional_number_in, optional_text, present, published, text,
};
use crate::map_only::map_only;

/// How bad it is, from `kernel/VulnerabilitySeverity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VulnerabilitySeverity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

/// A known weakness, from `kernel/KernelSecurityVulnerability`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginVulnerability", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginVulnerability {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cve: Option<String>,
    pub id: String,
    pub severity: VulnerabilitySeverity,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    pub title: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub remediation: Option<String>,
    pub description: String,
    pub affected_versions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<String>,
    #[serde(
        default,
        deserialize_with = "optional_number_in::<_, 0, 10>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0, max = 10))]
    pub cvss_score: Option<f64>,
    #[serde(default)]
    pub exploit_available: bool,
    #[serde(default)]
    pub patch_available: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub workaround: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub discovered_date: Option<String>,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub published_date: Option<String>,
}

/// The program that scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Scanner", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct Scanner {
    pub name: String,
    pub version: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CodeIssueSeverity {
    Error,
    Warning,
    Info,
}

/// A finding in the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CodeIssue", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct CodeIssue {
    pub severity: CodeIssueSeverity,
    #[serde(rename = "type")]
    pub kind: String,
    pub file: String,
    #[serde(
        default,
        deserialize_with = "optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub line: Option<i64>,
    pub message: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// A weakness of something the plugin links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DependencyVulnerability", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct DependencyVulnerability {
    pub package: String,
    pub version: String,
    pub vulnerability: PluginVulnerability,
}

/// Whether licences fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LicenseStatus {
    Compliant,
    NonCompliant,
    Unknown,
}

/// A licence that does not fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LicenseIssue", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct LicenseIssue {
    pub package: String,
    pub license: String,
    pub reason: String,
}

/// Licences of all that is linked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LicenseCompliance", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct LicenseCompliance {
    pub status: LicenseStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<LicenseIssue>,
}

/// Findings counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScanSummary", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ScanSummary {
    #[serde(deserialize_with = "integer")]
    pub total_vulnerabilities: i64,
    #[serde(deserialize_with = "integer")]
    pub critical_count: i64,
    #[serde(deserialize_with = "integer")]
    pub high_count: i64,
    #[serde(deserialize_with = "integer")]
    pub medium_count: i64,
    #[serde(deserialize_with = "integer")]
    pub low_count: i64,
    #[serde(deserialize_with = "integer")]
    pub info_count: i64,
}

/// One scan, from `kernel/KernelSecurityScanResult`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginScanResult", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginScanResult {
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    pub scanner: Scanner,
    pub status: HealthCheckStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<PluginVulnerability>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_issues: Vec<CodeIssue>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependency_vulnerabilities: Vec<DependencyVulnerability>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub license_compliance: Option<LicenseCompliance>,
    pub summary: ScanSummary,
}

map_only! {
    PluginVulnerability, Scanner, CodeIssue, DependencyVulnerability, LicenseIssue, LicenseCompliance, ScanSummary, PluginScanResult,
}
