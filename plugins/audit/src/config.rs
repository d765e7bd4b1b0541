//! What an operator sets: `system/AuditConfig`, in which `name`, `label` and `storage` have defaults, and some keys of our
//! own. What the protocol knows and this plugin does not do is refused, not ignored.

use objectos_plugin_api::protocol::system::{
    ArchiveStorageKind, AuditConfig, AuditEventSeverity, AuditRetentionPolicy, AuditStorageKind,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::HashMap, path::PathBuf};

use crate::error::{AuditError, Result};

const DAY_MS: i64 = 86_400_000;

/// Everything set.
#[derive(Clone, Debug)]
pub(crate) struct AuditSettings {
    /// The protocol's part.
    pub(crate) audit: AuditConfig,
    /// Our part.
    pub(crate) own: OwnSettings,
}

/// Keys that the protocol does not have.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct OwnSettings {
    /// Severity by type of event.
    pub(crate) severities: HashMap<String, AuditEventSeverity>,
    /// File with the signing key.
    pub(crate) signing_key_file: Option<PathBuf>,
    /// A checkpoint after so many rows.
    pub(crate) checkpoint_rows: u64,
    /// Further objects whose changes are left out.
    pub(crate) excluded_objects: Vec<String>,
    /// How often retention looks, milliseconds.
    pub(crate) retention_interval_ms: u64,
    /// Rows in one export.
    pub(crate) export_max: u64,
}

impl Default for OwnSettings {
    fn default() -> Self {
        Self {
            severities: HashMap::new(),
            signing_key_file: None,
            checkpoint_rows: 1_000,
            excluded_objects: Vec::new(),
            retention_interval_ms: 3_600_000,
            export_max: 100_000,
        }
    }
}

const OWN_KEYS: [&str; 6] = [
    "severities",
    "signingKeyFile",
    "checkpointRows",
    "excludedObjects",
    "retentionIntervalMs",
    "exportMax",
];

fn wrong(message: impl Into<String>) -> AuditError {
    AuditError::Configuration(message.into())
}

impl AuditSettings {
    /// Reads the plugin's configuration.
    ///
    /// # Errors
    /// `Configuration`, with the key and what to do.
    pub(crate) fn read(config: &Value) -> Result<Self> {
        let given = config.as_object().cloned().unwrap_or_default();
        let mut own = Map::new();
        let mut audit = json!({ "name": "audit", "label": "Audit", "storage": { "type": "database" } });
        for (key, value) in given {
            if OWN_KEYS.contains(&key.as_str()) {
                own.insert(key, value);
            } else {
                audit[key] = value;
            }
        }
        let own = serde_json::from_value(Value::Object(own)).map_err(|error| wrong(error.to_string()))?;
        let audit = serde_json::from_value(audit).map_err(|error| wrong(error.to_string()))?;
        let settings = Self { audit, own };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        let audit = &self.audit;
        if audit.storage.kind != AuditStorageKind::Database {
            return Err(wrong(format!(
                "storage.type: `{}` is not supported; rows are kept in the database, use `database`",
                audit.storage.kind
            )));
        }
        if audit
            .custom_handlers
            .as_ref()
            .is_some_and(|handlers| !handlers.is_empty())
        {
            return Err(wrong(
                "customHandlers is not supported: let the plugin listen to `audit.event.recorded` instead",
            ));
        }
        if let Some(storage) = audit
            .retention_policy
            .as_ref()
            .and_then(|policy| policy.archive_storage.as_ref())
            && storage.kind != ArchiveStorageKind::Filesystem
        {
            return Err(wrong(format!(
                "retentionPolicy.archiveStorage.type: `{}` is not supported; use `filesystem`",
                storage.kind
            )));
        }
        let signs = self.own.signing_key_file.is_some() || self.signing_key_text().is_some();
        if audit
            .compliance
            .as_ref()
            .is_some_and(|compliance| compliance.require_signing)
            && !signs
        {
            return Err(wrong(
                "compliance.requireSigning is on and there is no key: set signingKeyFile or compliance.signingKey",
            ));
        }
        if self.own.signing_key_file.is_some() && self.signing_key_text().is_some() {
            return Err(wrong("set signingKeyFile or compliance.signingKey, not both"));
        }
        Ok(())
    }

    /// The key that stands in the configuration itself.
    pub(crate) fn signing_key_text(&self) -> Option<&str> {
        self.audit.compliance.as_ref()?.signing_key.as_deref()
    }

    /// Whether rows may be changed by nobody; the protocol's default.
    pub(crate) fn immutable(&self) -> bool {
        self.audit
            .compliance
            .as_ref()
            .is_none_or(|compliance| compliance.immutable_logs)
    }
}

/// How long a type of event is kept.
pub(crate) trait Retention {
    /// Milliseconds, for one type; the type's own days, or the general ones, but never less than the minimum.
    fn kept_ms(&self, event_type: &str) -> i64;
    /// Types with days of their own.
    fn own_types(&self) -> Vec<String>;
}

impl Retention for AuditRetentionPolicy {
    fn kept_ms(&self, event_type: &str) -> i64 {
        let days = self
            .custom_retention
            .as_ref()
            .and_then(|custom| custom.get(event_type).copied())
            .unwrap_or(self.retention_days)
            .max(self.minimum_retention_days.unwrap_or(1));
        i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS)
    }

    fn own_types(&self) -> Vec<String> {
        self.custom_retention
            .as_ref()
            .map(|custom| custom.keys().cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_the_protocols_defaults() {
        let settings = AuditSettings::read(&json!({})).expect("defaults");
        assert!(settings.audit.enabled && settings.immutable() && !settings.audit.log_reads);
        assert_eq!(settings.audit.redact_fields[0], "password");
    }

    #[test]
    fn what_is_not_done_is_refused() {
        let refused = |config: Value| AuditSettings::read(&config).expect_err("refused").to_string();
        assert!(refused(json!({ "storage": { "type": "s3" } })).starts_with("storage.type: `s3`"));
        assert!(refused(json!({ "compliance": { "requireSigning": true } })).contains("signingKeyFile"));
        assert!(
            refused(json!({ "customHandlers": [{ "eventType": "data.read", "handlerId": "h" }] }))
                .contains("audit.event.recorded")
        );
        assert!(refused(json!({ "eventTypes": ["data.craete"] })).contains("data.craete"));
        assert!(refused(json!({ "retentionPolicy": { "archiveStorage": { "type": "gcs" } } })).contains("filesystem"));
    }

    #[test]
    fn days_are_the_types_own_the_general_ones_or_the_minimum() {
        let policy = json!({ "retentionDays": 90, "customRetention": { "data.read": 2, "auth.login": 400 }, "minimumRetentionDays": 7 });
        let settings = AuditSettings::read(&json!({ "retentionPolicy": policy })).expect("settings");
        let policy = settings.audit.retention_policy.expect("a policy");
        let days = |name: &str| policy.kept_ms(name) / DAY_MS;
        assert_eq!(
            (days("data.create"), days("data.read"), days("auth.login")),
            (90, 7, 400)
        );
    }
}
