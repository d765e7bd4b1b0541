//! Audit trail, logging, encryption and masking. Source: the `system` folder of the protocol.

use objectos_protocol::system;

use super::entries;

entries! {
    "system/AuditEventSeverity" => system::AuditEventSeverity,
    "system/EncryptionAlgorithm" => system::EncryptionAlgorithm,
    "system/LogLevel" => system::LogLevel,
    "system/KeyManagementProvider" => system::KeyManagementProvider,
    "system/MaskingStrategy" => system::MaskingStrategy,
    "system/AuditEventChange" => system::AuditEventChange,
    "system/AuditEventTarget" => system::AuditEventTarget,
    "system/KeyRotationPolicy" => system::KeyRotationPolicy,
    "system/AuditEventActor" => system::AuditEventActor,
    "system/AuditEventType" => system::AuditEventType,
    "system/MaskingRule" => system::MaskingRule,
    "system/AuditStorageConfig" => system::AuditStorageConfig,
    "system/LoggerConfig" => system::LoggerConfig,
    "system/AuditRetentionPolicy" => system::AuditRetentionPolicy,
    "system/EncryptionConfig" => system::EncryptionConfig,
    "system/AuditEventFilter" => system::AuditEventFilter,
    "system/SuspiciousActivityRule" => system::SuspiciousActivityRule,
    "system/AuditEvent" => system::AuditEvent,
    "system/AuditConfig" => system::AuditConfig,
}
