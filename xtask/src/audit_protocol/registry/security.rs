//! Permissions, row level security, sharing, policies. Source: the `security` folder of the protocol.

use objectos_protocol::security;

use super::entries;

entries! {
    "security/SharingRuleType" => security::SharingRuleType,
    "security/SharingLevel" => security::SharingLevel,
    "security/RLSOperation" => security::RlsOperation,
    "security/TerritoryType" => security::TerritoryType,
    "security/ShareRecipientType" => security::ShareRecipientType,
    "security/OWDModel" => security::OrgDefault,
    "security/FieldPermission" => security::FieldPermission,
    "security/TerritoryModel" => security::TerritoryModel,
    "security/SessionPolicy" => security::SessionPolicy,
    "security/NetworkPolicy" => security::NetworkPolicy,
    "security/AuditPolicy" => security::AuditPolicy,
    "security/RLSEvaluationResult" => security::RlsEvaluationResult,
    "security/PasswordPolicy" => security::PasswordPolicy,
    "security/RLSUserContext" => security::RlsUserContext,
    "security/RLSAuditConfig" => security::RlsAuditConfig,
    "security/ObjectPermission" => security::ObjectPermission,
    "security/RLSAuditEvent" => security::RlsAuditEvent,
    "security/Territory" => security::Territory,
    "security/RowLevelSecurityPolicy" => security::RowLevelSecurityPolicy,
    "security/RLSConfig" => security::RlsConfig,
    "security/Policy" => security::Policy,
    "security/SharingRule" => security::SharingRule,
    "security/PermissionSet" => security::PermissionSet,
}
