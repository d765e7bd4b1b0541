//! Events of the audit trail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{date_time, email, guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::text::{DATE_TIME, EMAIL};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What an audit entry tells of. Source: `system/AuditEventType`.
    pub enum AuditEventType {
        DataCreate = "data.create",
        DataRead = "data.read",
        DataUpdate = "data.update",
        DataDelete = "data.delete",
        DataExport = "data.export",
        DataImport = "data.import",
        DataBulkUpdate = "data.bulk_update",
        DataBulkDelete = "data.bulk_delete",
        AuthLogin = "auth.login",
        AuthLoginFailed = "auth.login_failed",
        AuthLogout = "auth.logout",
        AuthSessionCreated = "auth.session_created",
        AuthSessionExpired = "auth.session_expired",
        AuthPasswordReset = "auth.password_reset",
        AuthPasswordChanged = "auth.password_changed",
        AuthEmailVerified = "auth.email_verified",
        AuthMfaEnabled = "auth.mfa_enabled",
        AuthMfaDisabled = "auth.mfa_disabled",
        AuthAccountLocked = "auth.account_locked",
        AuthAccountUnlocked = "auth.account_unlocked",
        AuthzPermissionGranted = "authz.permission_granted",
        AuthzPermissionRevoked = "authz.permission_revoked",
        AuthzRoleAssigned = "authz.role_assigned",
        AuthzRoleRemoved = "authz.role_removed",
        AuthzRoleCreated = "authz.role_created",
        AuthzRoleUpdated = "authz.role_updated",
        AuthzRoleDeleted = "authz.role_deleted",
        AuthzPolicyCreated = "authz.policy_created",
        AuthzPolicyUpdated = "authz.policy_updated",
        AuthzPolicyDeleted = "authz.policy_deleted",
        SystemConfigChanged = "system.config_changed",
        SystemPluginInstalled = "system.plugin_installed",
        SystemPluginUninstalled = "system.plugin_uninstalled",
        SystemBackupCreated = "system.backup_created",
        SystemBackupRestored = "system.backup_restored",
        SystemIntegrationAdded = "system.integration_added",
        SystemIntegrationRemoved = "system.integration_removed",
        SecurityAccessDenied = "security.access_denied",
        SecuritySuspiciousActivity = "security.suspicious_activity",
        SecurityDataBreach = "security.data_breach",
        SecurityApiKeyCreated = "security.api_key_created",
        SecurityApiKeyRevoked = "security.api_key_revoked",
    }
}

wire_enum! {
    /// How much an audit entry matters. Source: `system/AuditEventSeverity`.
    #[derive(Default)]
    pub enum AuditEventSeverity {
        Debug = "debug",
        #[default]
        Info = "info",
        Notice = "notice",
        Warning = "warning",
        Error = "error",
        Critical = "critical",
        Alert = "alert",
        Emergency = "emergency",
    }
}

/// Who did it. Source: `system/AuditEventActor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEventActor", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditEventActor {
    #[serde(rename = "type")]
    pub kind: AuditActorKind,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_agent: Option<String>,
}

wire_enum! {
    /// `type` in `system/AuditEventActor`.
    pub enum AuditActorKind {
        User = "user",
        System = "system",
        Service = "service",
        ApiClient = "api_client",
        Integration = "integration",
    }
}

/// What it was done to. Source: `system/AuditEventTarget`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEventTarget", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditEventTarget {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<JsonMap>,
}

/// One field before and after. Source: `system/AuditEventChange`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEventChange", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditEventChange {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub old_value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub new_value: Option<Value>,
}

/// An entry of the audit trail. Source: `system/AuditEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditEvent {
    pub id: String,
    pub event_type: AuditEventType,
    #[serde(default)]
    pub severity: AuditEventSeverity,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub timestamp: String,
    pub actor: AuditEventActor,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub target: Option<AuditEventTarget>,
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub changes: Option<Vec<AuditEventChange>>,
    #[serde(default)]
    pub result: AuditResult,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub location: Option<AuditLocation>,
}

wire_enum! {
    /// Whether it succeeded. Source: `system/AuditEvent`.
    #[derive(Default)]
    pub enum AuditResult {
        #[default]
        Success = "success",
        Failure = "failure",
        Partial = "partial",
    }
}

/// `location` in `system/AuditEvent`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditLocation", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditLocation {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub city: Option<String>,
}

/// Which entries to read. Source: `system/AuditEventFilter`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEventFilter", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AuditEventFilter {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub event_types: Option<Vec<AuditEventType>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub severities: Option<Vec<AuditEventSeverity>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub actor_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub time_range: Option<TimeRange>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub result: Option<AuditResult>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub search_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub custom_filters: Option<JsonMap>,
}

/// `timeRange` in `system/AuditEventFilter`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "TimeRange", deny_unknown_fields)]
pub struct TimeRange {
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub from: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub to: String,
}

map_only! {
    AuditEventActor, AuditEventTarget, AuditEventChange, AuditLocation, AuditEvent, TimeRange, AuditEventFilter,
}
