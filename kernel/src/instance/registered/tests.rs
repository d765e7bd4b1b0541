use objectos_plugin_api::{Registrations, protocol::kernel::plugin_document::PluginDeclaration};
use serde_json::{Value, json};

use super::missing;

/// Warnings for a plugin that declares this and registers one hook and one event.
fn warnings(hooks: &Value, events: &Value) -> Vec<String> {
    let declared: PluginDeclaration =
        serde_json::from_value(json!({ "api": "^1", "hooks": hooks, "events": events })).unwrap();
    let raw: Registrations = serde_json::from_value(json!({
        "services": [], "routes": [], "commands": [],
        "hooks": [{ "name": "data.before_insert", "subjects": [], "priority": 100 }],
        "events": [{ "pattern": "data.record.created", "durable": true, "name": "records" }],
    }))
    .unwrap();
    missing(&raw, &declared, &[])
}

#[test]
fn what_is_declared_and_not_registered_is_warned_about() {
    let hooks = json!({ "handles": ["data.before_insert", "data.after_find"] });
    let events = json!({ "handles": ["data.*", "auth.*"] });
    let expected = [
        "declares the hook data.after_find and does not register it",
        "declares the event auth.* and does not register it",
    ];
    assert_eq!(warnings(&hooks, &events), expected);
}

#[test]
fn what_the_configuration_may_leave_out_is_not_warned_about() {
    let hooks = json!({ "handles": ["data.before_insert", "data.after_find", "data.after_insert"], "optional": ["data.after_find"] });
    let events = json!({ "handles": ["data.*", "auth.*"], "optional": ["data.*", "auth.*"] });
    let expected = ["declares the hook data.after_insert and does not register it"];
    assert_eq!(warnings(&hooks, &events), expected);
}
