use serde_json::json;

use super::*;

#[test]
fn events_concern_those_whom_they_name() {
    let own = [Some("ann"), Some("s1"), None];
    for (name, told, expected) in [
        ("auth.logout", json!({"targetType": "user", "targetId": "ann"}), true),
        (
            "auth.session_expired",
            json!({"targetType": "session", "targetId": "s1"}),
            true,
        ),
        ("auth.logout", json!({"targetType": "user", "targetId": "bob"}), false),
        (
            "security.access_denied",
            json!({"targetId": "deal", "origin": {"actorId": "ann"}}),
            true,
        ),
        ("auth.login_failed", json!({"description": "a stranger"}), false),
        (
            "security.suspicious_activity",
            json!({"origin": {"address": "203.0.113.7"}}),
            false,
        ),
        ("authz.policy_changed", json!({}), true),
        (
            "authz.role_assigned",
            json!({"targetType": "user", "targetId": "bob"}),
            false,
        ),
    ] {
        let told: SecurityEvent = serde_json::from_value(told).unwrap();
        assert_eq!(concerns(name, &told, &own), expected, "{name} {told:?}");
    }
}
