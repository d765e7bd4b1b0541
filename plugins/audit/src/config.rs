//! What an operator sets: `system/AuditConfig`, in which `name`, `label` and `storage` have defaults, and some keys of our
//! own. What the protocol knows and this plugin does not do is refused, not ignored.

use objectos_plugin_api::protocol::system::{
    ArchiveStorageKind, AuditConfig, AuditEventSeverity, AuditRetentionPolicy, AuditStorageKind,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::HashMap, path::PathBuf};

use crate::{
    compliance,
    error::{AuditError, Result},
    types::{self, Types},
};

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
    /// Only these types of events, where the protocol's key takes the protocol's types alone.
    event_types: Option<Vec<String>>,
    /// All but these.
    exclude_event_types: Option<Vec<String>>,
    /// Severity by type of event.
    pub(crate) severities: HashMap<String, AuditEventSeverity>,
    /// File with the signing key.
    pub(crate) signing_key_file: Option<PathBuf>,
    /// Public halves of keys that checkpoints were signed with before, hexadecimal.
    pub(crate) former_public_keys: Vec<String>,
    /// Rows up to this sequence that tell of a removal need no signature: they were written before there was a key.
    pub(crate) unsigned_removals_up_to: u64,
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
            event_types: None,
            exclude_event_types: None,
            severities: HashMap::new(),
            signing_key_file: None,
            former_public_keys: Vec::new(),
            unsigned_removals_up_to: 0,
            checkpoint_rows: 1_000,
            excluded_objects: Vec::new(),
            retention_interval_ms: 3_600_000,
            export_max: 100_000,
        }
    }
}

const OWN_KEYS: [&str; 10] = [
    "eventTypes",
    "excludeEventTypes",
    "severities",
    "signingKeyFile",
    "formerPublicKeys",
    "unsignedRemovalsUpTo",
    "checkpointRows",
    "excludedObjects",
    "retentionIntervalMs",
    "exportMax",
];

/// Rows of one transaction at most: as many as the engine takes at once unless it is told otherwise.
const BUFFER_MAX: u64 = 200;

/// Keys of the protocol that have no meaning where rows are kept in the database, and why.
const REFUSED: [(&str, &str); 7] = [
    (
        "/storage/connectionString",
        "rows are kept in the platform's own database, which `objectos.data` is told of",
    ),
    ("/storage/config", "the database needs no further settings"),
    (
        "/storage/flushIntervalSeconds",
        "rows are stored as they come and never wait; what comes together is stored together (`bufferSize`)",
    ),
    (
        "/retentionPolicy/archiveStorage/endpoint",
        "archives are files: set `path`",
    ),
    (
        "/retentionPolicy/archiveStorage/bucket",
        "archives are files: set `path`",
    ),
    (
        "/retentionPolicy/archiveStorage/credentials",
        "archives are files and need none",
    ),
    (
        "/customHandlers",
        "let a plugin listen to `audit.event.recorded`, or to the events themselves, which are durable",
    ),
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
        for (place, why) in REFUSED {
            let given = config.pointer(place).filter(|given| !given.is_null());
            if given.is_some_and(|given| given.as_array().is_none_or(|list| !list.is_empty())) {
                let key = place.trim_start_matches('/').replace('/', ".");
                return Err(wrong(format!("{key} is not supported: {why}")));
            }
        }
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
        if audit.storage.buffer_size > BUFFER_MAX {
            return Err(wrong(format!(
                "storage.bufferSize: {} rows are more than the {BUFFER_MAX} of one transaction",
                audit.storage.buffer_size
            )));
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
        self.only()?;
        self.without()?;
        for name in self.own.severities.keys() {
            types::check("severities", name)?;
        }
        for name in audit.retention_policy.iter().flat_map(Retention::own_types) {
            types::check("retentionPolicy.customRetention", &name)?;
        }
        compliance::check(self)
    }

    /// The types that are written down, where not all are.
    ///
    /// # Errors
    /// `Configuration` for a name that no event has.
    pub(crate) fn only(&self) -> Result<Option<Types>> {
        let given = self.own.event_types.as_deref();
        given.map(|given| Types::read("eventTypes", given)).transpose()
    }

    /// The types that are not.
    ///
    /// # Errors
    /// `Configuration` for a name that no event has.
    pub(crate) fn without(&self) -> Result<Types> {
        let given = self.own.exclude_event_types.as_deref().unwrap_or_default();
        Types::read("excludeEventTypes", given)
    }

    /// Sentences about types that stand somewhere and that nothing on this platform tells of, for the operator.
    pub(crate) fn untold(&self) -> Vec<String> {
        let filters = [
            ("eventTypes", &self.own.event_types),
            ("excludeEventTypes", &self.own.exclude_event_types),
        ];
        let filters = filters
            .into_iter()
            .flat_map(|(key, names)| names.iter().flatten().map(move |name| (key.to_owned(), name.clone())));
        let severities = self.own.severities.keys();
        let severities = severities.map(|name| ("severities".to_owned(), name.clone()));
        let kept = self.audit.retention_policy.iter().flat_map(Retention::own_types);
        let kept = kept.map(|name| ("retentionPolicy.customRetention".to_owned(), name));
        let alarms = self.audit.suspicious_activity_rules.iter().flat_map(|rule| {
            let key = format!("suspiciousActivityRules `{}`", rule.id);
            let names = rule.event_types.iter();
            names.map(move |kind| (key.clone(), kind.as_str().to_owned()))
        });
        filters
            .chain(severities)
            .chain(kept)
            .chain(alarms)
            .filter(|(_, name)| types::is_untold(name))
            .map(|(key, name)| {
                format!("{key}: nothing on this platform tells of `{name}`; it stands for nothing unless another plugin does")
            })
            .collect()
    }

    /// Rows of one transaction at most.
    pub(crate) fn batch_max(&self) -> usize {
        let storage = &self.audit.storage;
        let size = if storage.buffer_enabled { storage.buffer_size } else { 1 };
        usize::try_from(size).unwrap_or(1)
    }

    /// The key that stands in the configuration itself.
    pub(crate) fn signing_key_text(&self) -> Option<&str> {
        self.audit.compliance.as_ref()?.signing_key.as_deref()
    }

    /// A checkpoint has to stand after so many rows, where checkpoints are required at all.
    pub(crate) fn signed_every(&self) -> Option<u64> {
        let compliance = self.audit.compliance.as_ref();
        let required = compliance.is_some_and(|compliance| compliance.require_signing);
        required.then_some(self.own.checkpoint_rows)
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
        let handler = json!([{ "eventType": "data.read", "handlerId": "h" }]);
        assert!(refused(json!({ "customHandlers": handler })).contains("audit.event.recorded"));
        AuditSettings::read(&json!({ "customHandlers": [] })).expect("none are no handlers");
        let storage = |key: &str, value: Value| refused(json!({ "storage": { "type": "database", (key): value } }));
        assert!(storage("flushIntervalSeconds", json!(5)).starts_with("storage.flushIntervalSeconds is not"));
        assert!(storage("connectionString", json!("x")).starts_with("storage.connectionString is not"));
        assert!(storage("bufferSize", json!(5_000)).starts_with("storage.bufferSize: 5000 rows"));
        let bucket = json!({ "archiveStorage": { "type": "filesystem", "bucket": "b" } });
        assert!(refused(json!({ "retentionPolicy": bucket })).starts_with("retentionPolicy.archiveStorage.bucket is"));
        let forever = json!({ "customRetention": { "data.raed": 5 } });
        assert!(
            refused(json!({ "retentionPolicy": forever })).starts_with("retentionPolicy.customRetention: no event")
        );
        assert!(refused(json!({ "severities": { "plugin.lost": "info" } })).starts_with("severities: no event is"));
        assert!(refused(json!({ "eventTypes": ["data.craete"] })).contains("data.craete"));
        assert!(refused(json!({ "retentionPolicy": { "archiveStorage": { "type": "gcs" } } })).contains("filesystem"));
    }

    #[test]
    fn types_that_nothing_tells_of_are_named_with_their_place() {
        let rule = json!({
            "id": "backups", "name": "Backups", "eventTypes": ["system.backup_restored", "auth.login"],
            "condition": { "threshold": 1, "windowSeconds": 60 }, "actions": ["alert"],
        });
        let settings = AuditSettings::read(&json!({
            "eventTypes": ["data.create", "system.integration_*"], "severities": { "system.backup_created": "error" },
            "retentionPolicy": { "customRetention": { "system.backup_created": 9, "data.read": 2 } },
            "suspiciousActivityRules": [rule],
        }))
        .expect("settings");
        let expected = [
            ("eventTypes:", "`system.integration_*`"),
            ("severities:", "`system.backup_created`"),
            ("retentionPolicy.customRetention:", "`system.backup_created`"),
            ("suspiciousActivityRules `backups`:", "`system.backup_restored`"),
        ];
        let untold = settings.untold();
        assert_eq!(untold.len(), expected.len(), "{untold:?}");
        for (sentence, (place, name)) in untold.iter().zip(expected) {
            assert!(sentence.starts_with(place) && sentence.contains(name), "{sentence}");
        }
        assert!(AuditSettings::read(&json!({})).expect("defaults").untold().is_empty());
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
    #[test]
    fn what_waits_together_is_as_much_as_the_buffer_holds() {
        for (storage, expected) in [
            (json!({ "type": "database" }), 100),
            (json!({ "type": "database", "bufferSize": 7 }), 7),
            (
                json!({ "type": "database", "bufferSize": 7, "bufferEnabled": false }),
                1,
            ),
        ] {
            let settings = AuditSettings::read(&json!({ "storage": storage })).expect("settings");
            assert_eq!(settings.batch_max(), expected);
        }
    }
}
