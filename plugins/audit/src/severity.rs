//! How much each type of event matters, unless the operator says otherwise.

use objectos_plugin_api::protocol::system::AuditEventSeverity;
use std::collections::HashMap;

use AuditEventSeverity::{Critical, Error, Info, Notice, Warning};

/// Exact names first, then what begins alike.
const TABLE: [(&str, AuditEventSeverity); 23] = [
    ("security.data_breach", Critical),
    ("security.suspicious_activity", Warning),
    ("security.access_denied", Warning),
    ("auth.login_failed", Warning),
    ("auth.account_locked", Warning),
    ("auth.mfa_disabled", Warning),
    ("auth.password_reset", Notice),
    ("auth.password_changed", Notice),
    ("auth.mfa_enabled", Notice),
    ("auth.account_unlocked", Notice),
    ("data.delete", Notice),
    ("data.bulk_delete", Notice),
    ("data.export", Notice),
    ("job.failed", Error),
    ("plugin.start_failed", Error),
    ("plugin.given_up", Error),
    ("plugin.refused", Warning),
    ("plugin.restarted", Warning),
    ("system.backup_restored", Warning),
    ("authz.", Notice),
    ("security.", Notice),
    ("system.", Notice),
    ("plugin.", Notice),
];

/// The severity of an event.
pub(crate) fn of(event_type: &str, set: &HashMap<String, AuditEventSeverity>) -> AuditEventSeverity {
    if let Some(severity) = set.get(event_type) {
        return *severity;
    }
    let fits = |name: &str| name == event_type || (name.ends_with('.') && event_type.starts_with(name));
    TABLE
        .iter()
        .find(|(name, _)| fits(name))
        .map_or(Info, |(_, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_comes_first_then_the_name_then_its_family() {
        let set = HashMap::from([("data.create".to_owned(), Critical)]);
        assert_eq!(of("data.create", &set), Critical);
        assert_eq!(of("data.update", &set), Info);
        assert_eq!(of("auth.login_failed", &set), Warning);
        assert_eq!(of("authz.role_assigned", &set), Notice);
        assert_eq!(of("job.failed", &set), Error);
    }
}
