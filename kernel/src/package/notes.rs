//! What a manifest says and nothing comes of, for its author and for whoever installs the plugin.

use objectos_protocol::kernel::plugin_document::PluginDocument;

use crate::grants::asked_by;

/// Keys without effect, and permissions for what nobody gives and nobody asks for (`ui.view`), each once.
#[must_use]
pub fn idle_parts(document: &PluginDocument) -> Vec<String> {
    let mut parts = document.idle_keys();
    for ask in asked_by(document).iter().filter(|ask| ask.capability.idle()) {
        let part = match &ask.permission {
            Some(id) => format!("the permission `{id}` ({})", ask.capability),
            None => ask.capability.to_string(),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::idle_parts;
    use objectos_protocol::kernel::plugin_document::PluginDocument;
    use serde_json::json;

    #[test]
    fn keys_and_permissions_without_effect_are_named() {
        let permission = |id: &str, resource: &str, action: &str| json!({"id": id, "resource": resource, "actions": [action], "description": "for its work"});
        let text = json!({
            "manifest": {"id": "com.example.x", "version": "1.0.0", "type": "plugin", "name": "X", "datasources": ["a"]},
            "security": {
                "pluginId": "com.example.x", "trustLevel": "untrusted", "sandbox": {},
                "permissions": {"permissions": [
                    permission("views", "ui.view", "read"), permission("hosts", "network.http", "execute"),
                    permission("settings", "system.config", "read"), permission("plugins", "system.plugin", "manage")
                ]}
            },
            "objectos": {"api": "^1"}
        });
        let document = PluginDocument::parse(text.to_string().as_bytes()).unwrap();
        assert_eq!(
            idle_parts(&document),
            [
                "manifest.datasources",
                "the permission `views` (ui:use)",
                "the permission `settings` (config:read)"
            ]
        );
    }
}
