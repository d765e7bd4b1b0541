//! Names of event types as settings use them. The protocol's 42, those of our own, whatever plugins call theirs in the families
//! that are open to them, and in filters a beginning with a star: `auth.passkey_*`, `plugin.*`. A name that nothing can have is
//! refused, since a filter that never fits would only be noticed when it is too late.

use objectos_plugin_api::protocol::system::AuditEventType;
use std::collections::HashSet;

use crate::error::{AuditError, Result};

/// Types of our own: what the platform's plugins and the kernel tell beyond the protocol, under the names that rows have.
const OWN: [&str; 14] = [
    "auth.email_verification_sent",
    "auth.magic_link_sent",
    "auth.passkey_created",
    "auth.passkey_deleted",
    "auth.password_reset_requested",
    "plugin.given_up",
    "plugin.refused",
    "plugin.restarted",
    "plugin.start_failed",
    "security.address_blocked",
    "system.audit_archived",
    "system.dead_letter_retried",
    "system.replay_ended",
    "system.replay_started",
];
/// Types of the protocol that nothing on this platform tells of: it makes no backups and has no integrations of its own. A
/// plugin of somebody else's may.
const UNTOLD: [&str; 4] = [
    "system.backup_created",
    "system.backup_restored",
    "system.integration_added",
    "system.integration_removed",
];
/// Families in which everybody names their own.
const OPEN: [&str; 5] = ["job.", "workflow.", "automation.", "approval.", "storage."];
/// Families whose names are all known.
const CLOSED: [&str; 6] = ["data.", "auth.", "authz.", "security.", "system.", "plugin."];

fn known() -> impl Iterator<Item = &'static str> {
    AuditEventType::NAMES.iter().copied().chain(OWN)
}

/// Whether an event may have this name.
fn exists(name: &str) -> bool {
    let open = OPEN
        .iter()
        .any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.is_empty()));
    open || known().any(|known| known == name)
}

/// Whether an event may have a name that begins so.
fn may_begin(beginning: &str) -> bool {
    OPEN.iter().any(|family| beginning.starts_with(family)) || known().any(|known| known.starts_with(beginning))
}

/// Whether a name, or a beginning with its star, stands for nothing but types that nothing on this platform tells of.
pub(crate) fn is_untold(name: &str) -> bool {
    match name.strip_suffix('*') {
        None => UNTOLD.contains(&name),
        Some(beginning) => {
            let mut like = known().filter(|known| known.starts_with(beginning)).peekable();
            like.peek().is_some() && like.all(|known| UNTOLD.contains(&known))
        }
    }
}

fn refused(key: &str, name: &str) -> AuditError {
    let family = CLOSED.iter().find(|family| name.starts_with(*family));
    let like: Vec<&str> = match family {
        Some(family) => known().filter(|known| known.starts_with(family)).collect(),
        None => CLOSED.iter().chain(&OPEN).copied().collect(),
    };
    let what = if family.is_some() {
        "known are"
    } else {
        "names begin with"
    };
    AuditError::Configuration(format!("{key}: no event is named `{name}`; {what} {}", like.join(", ")))
}

/// Looks at a name that stands for one type.
///
/// # Errors
/// `Configuration`, with the key.
pub(crate) fn check(key: &str, name: &str) -> Result<()> {
    if exists(name) {
        return Ok(());
    }
    Err(refused(key, name))
}

/// Types that a filter names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Types {
    names: HashSet<String>,
    beginnings: Vec<String>,
}

impl Types {
    /// Reads the names under a key.
    ///
    /// # Errors
    /// `Configuration`, with the key and the name.
    pub(crate) fn read(key: &str, given: &[String]) -> Result<Self> {
        let mut types = Self::default();
        for name in given {
            match name.strip_suffix('*') {
                Some(beginning) if may_begin(beginning) => types.beginnings.push(beginning.to_owned()),
                None if exists(name) => {
                    types.names.insert(name.clone());
                }
                _ => return Err(refused(key, name)),
            }
        }
        Ok(types)
    }

    pub(crate) fn has(&self, event_type: &str) -> bool {
        let begins = |beginning: &String| event_type.starts_with(beginning.as_str());
        self.names.contains(event_type) || self.beginnings.iter().any(begins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&str]) -> Result<Types> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Types::read("eventTypes", &names)
    }

    #[test]
    fn names_of_the_protocol_of_our_own_and_beginnings_are_taken() {
        let types = read(&["data.create", "auth.passkey_*", "plugin.*", "workflow.approved"]).expect("types");
        for name in [
            "data.create",
            "auth.passkey_created",
            "plugin.given_up",
            "workflow.approved",
        ] {
            assert!(types.has(name), "{name}");
        }
        for name in ["data.update", "auth.login", "workflow.started", "plugins"] {
            assert!(!types.has(name), "{name}");
        }
        assert!(read(&["*"]).expect("types").has("anything.at_all"));
    }

    #[test]
    fn names_that_nothing_has_are_refused_with_what_is_near() {
        for (name, expected) in [
            (
                "auth.passkey_made",
                "eventTypes: no event is named `auth.passkey_made`; known are auth.login,",
            ),
            (
                "auth.pass_*",
                "eventTypes: no event is named `auth.pass_*`; known are auth.login,",
            ),
            (
                "create",
                "eventTypes: no event is named `create`; names begin with data., auth.,",
            ),
            ("job.", "eventTypes: no event is named `job.`; names begin with data.,"),
        ] {
            let error = read(&[name]).expect_err(name).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(check("severities", "plugin.*").is_err());
        assert!(check("severities", "plugin.refused").is_ok());
    }

    #[test]
    fn names_that_nothing_tells_of_are_known() {
        for name in ["system.backup_created", "system.backup_*", "system.i*"] {
            assert!(is_untold(name), "{name}");
        }
        for name in [
            "system.plugin_uninstalled",
            "system.*",
            "*",
            "data.create",
            "job.*",
            "job.done",
        ] {
            assert!(!is_untold(name), "{name}");
        }
    }

    #[test]
    fn our_own_names_are_no_names_of_the_protocol() {
        for name in OWN {
            assert!(!AuditEventType::NAMES.contains(&name), "{name}");
        }
    }
}
