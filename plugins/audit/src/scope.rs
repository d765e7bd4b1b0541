//! What is written down and what is not. The lists are here, in one place: what is left out is a decision, not an accident.

use objectos_plugin_api::{
    contracts::events::{
        PLUGIN_LOADED, PLUGIN_REMOVED, PLUGIN_SWAPPED, RECORD_CREATED, RECORD_DELETED, RECORD_PURGED, RECORD_RESTORED,
        RECORD_UPDATED, RecordEvent,
    },
    protocol::system::AuditEventSeverity,
};
use std::collections::HashSet;

use crate::{checkpoint, config::AuditSettings, error::Result, row, types::Types};

/// Type of the row that tells what retention took out of the chain. Such a row is never taken out itself.
pub(crate) const ARCHIVED: &str = "system.audit_archived";

/// Objects whose changes are not written down at all: the trail itself, and messages, whose record changes with every
/// attempt to send them.
const EXCLUDED: [&str; 4] = [row::OBJECT, checkpoint::OBJECT, "sys_mail", "sys_verification"];

/// Objects of which a change of these fields alone is not written down: it happens with every request, or nearly so.
const BOOKKEEPING: [(&str, &[&str]); 3] = [
    (
        "sys_session",
        &["last_seen_at", "expires_at", "ip_address", "user_agent"],
    ),
    ("sys_api_key", &["last_used_at"]),
    ("sys_two_factor", &["last_step"]),
];

/// The decision for one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    enabled: bool,
    only: Option<Types>,
    without: Types,
    minimum: AuditEventSeverity,
    system_events: bool,
    excluded: HashSet<String>,
}

impl Scope {
    /// # Errors
    /// `Configuration` for types that no event has.
    pub(crate) fn new(settings: &AuditSettings) -> Result<Self> {
        let audit = &settings.audit;
        Ok(Self {
            enabled: audit.enabled,
            only: settings.only()?,
            without: settings.without()?,
            minimum: audit.minimum_severity,
            system_events: audit.log_system_events,
            excluded: EXCLUDED
                .iter()
                .map(|&object| object.to_owned())
                .chain(settings.own.excluded_objects.iter().cloned())
                .collect(),
        })
    }

    /// Whether an event of this type is written down.
    pub(crate) fn wants(&self, event_type: &str, severity: AuditEventSeverity) -> bool {
        if !self.enabled || severity < self.minimum {
            return false;
        }
        // What retention did is needed to check the chain.
        if event_type == ARCHIVED {
            return true;
        }
        if !self.system_events && (event_type.starts_with("system.") || event_type.starts_with("job.")) {
            return false;
        }
        self.only.as_ref().is_none_or(|only| only.has(event_type)) && !self.without.has(event_type)
    }

    /// Whether changes of this object are written down.
    pub(crate) fn wants_object(&self, object: &str) -> bool {
        !self.excluded.contains(object)
    }

    /// Whether this change of a record is.
    pub(crate) fn wants_change(&self, event: &RecordEvent) -> bool {
        if !self.wants_object(&event.object) {
            return false;
        }
        let bookkeeping = BOOKKEEPING.iter().find(|(object, _)| *object == event.object);
        match (bookkeeping, &event.changes) {
            (Some((_, fields)), Some(changes)) if event.kind == RECORD_UPDATED => {
                !changes.iter().all(|change| fields.contains(&change.as_str()))
            }
            _ => true,
        }
    }
}

/// The audit's name for what the bus calls otherwise; the second word tells apart what has one name here.
pub(crate) fn type_of(event: &str) -> (&str, Option<&'static str>) {
    match event {
        RECORD_CREATED => ("data.create", None),
        RECORD_UPDATED => ("data.update", None),
        RECORD_DELETED => ("data.delete", None),
        RECORD_RESTORED => ("data.update", Some("restore")),
        RECORD_PURGED => ("data.delete", Some("purge")),
        PLUGIN_LOADED => ("system.plugin_installed", Some("load")),
        PLUGIN_SWAPPED => ("system.plugin_installed", Some("swap")),
        PLUGIN_REMOVED => ("system.plugin_uninstalled", None),
        other => (other, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn scope(config: &Value) -> Scope {
        Scope::new(&AuditSettings::read(config).expect("settings")).expect("a scope")
    }

    #[test]
    fn types_and_severities_decide() {
        let info = AuditEventSeverity::Info;
        let all = scope(&json!({}));
        assert!(all.wants("data.create", info) && all.wants("job.failed", info) && all.wants("workflow.started", info));
        assert!(!all.wants("data.create", AuditEventSeverity::Debug));
        let some = scope(&json!({ "eventTypes": ["data.create", "auth.login"], "excludeEventTypes": ["auth.login"] }));
        assert!(some.wants("data.create", info) && !some.wants("auth.login", info) && !some.wants("job.failed", info));
        let ours =
            scope(&json!({ "eventTypes": ["auth.passkey_*", "plugin.*"], "excludeEventTypes": ["plugin.refused"] }));
        assert!(ours.wants("auth.passkey_created", info) && ours.wants("plugin.given_up", info));
        assert!(!ours.wants("auth.login", info) && !ours.wants("plugin.refused", info));
        let without = scope(&json!({ "logSystemEvents": false, "minimumSeverity": "warning" }));
        let warning = AuditEventSeverity::Warning;
        assert!(!without.wants("system.config_changed", warning) && !without.wants("auth.login", info));
        assert!(without.wants("security.access_denied", warning));
        assert!(!scope(&json!({ "enabled": false })).wants("data.create", AuditEventSeverity::Emergency));
    }

    #[test]
    fn what_the_kernel_tells_of_plugins_has_the_protocols_names() {
        for (event, expected) in [
            (PLUGIN_LOADED, ("system.plugin_installed", Some("load"))),
            (PLUGIN_SWAPPED, ("system.plugin_installed", Some("swap"))),
            (PLUGIN_REMOVED, ("system.plugin_uninstalled", None)),
            ("plugin.refused", ("plugin.refused", None)),
        ] {
            assert_eq!(type_of(event), expected);
        }
    }

    #[test]
    fn the_trail_itself_and_bookkeeping_are_left_out() {
        let scope = scope(&json!({ "excludedObjects": ["noise"] }));
        let event = |object: &str, changes: Option<&[&str]>| RecordEvent {
            kind: RECORD_UPDATED.to_owned(),
            object: object.to_owned(),
            changes: changes.map(|changes| changes.iter().map(|&change| change.to_owned()).collect()),
            ..RecordEvent::default()
        };
        for object in ["sys_audit_event", "sys_audit_checkpoint", "sys_mail", "noise"] {
            assert!(!scope.wants_change(&event(object, Some(&["x"]))), "{object}");
        }
        assert!(!scope.wants_change(&event("sys_session", Some(&["last_seen_at", "expires_at"]))));
        assert!(scope.wants_change(&event("sys_session", Some(&["last_seen_at", "active_organization_id"]))));
        assert!(scope.wants_change(&event("account", Some(&["last_seen_at"]))));
    }
}
