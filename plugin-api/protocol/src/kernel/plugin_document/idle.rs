//! Keys of a document that are read, kept for other tools, and of which nothing comes here. Named, so that nobody relies on them.
//!
//! Not here: keys that would promise less than a plugin gets; those are refused (`validate`). Permissions for things that nobody
//! gives are the kernel's to know.

use super::PluginDocument;
use crate::kernel::{DefaultGrant, PermissionScope, SandboxConfig};

/// Paths of the keys, in document order.
pub(super) fn keys(document: &PluginDocument) -> Vec<String> {
    let (manifest, capabilities, security) = (&document.manifest, &document.capabilities, &document.security);
    let written = [
        ("manifest.permissions", !manifest.permissions.is_empty()),
        ("manifest.objects", !manifest.objects.is_empty()),
        ("manifest.datasources", !manifest.datasources.is_empty()),
        ("manifest.contributes", manifest.contributes.is_some()),
        ("manifest.data", !manifest.data.is_empty()),
        ("manifest.capabilities", manifest.capabilities.is_some()),
        ("manifest.loading", manifest.loading.is_some()),
        ("capabilities.provides", !capabilities.provides.is_empty()),
        (
            "capabilities.extensionPoints",
            !capabilities.extension_points.is_empty(),
        ),
        ("capabilities.extensions", !capabilities.extensions.is_empty()),
        ("security.sandbox", security.sandbox != SandboxConfig::default()),
        ("security.policy", security.policy.is_some()),
        ("security.permissions.groups", !security.permissions.groups.is_empty()),
        (
            // The other two leave it to the operator, as it is.
            "security.permissions.defaultGrant",
            matches!(
                security.permissions.default_grant,
                DefaultGrant::Allow | DefaultGrant::Inherit
            ),
        ),
    ];
    let named = written.iter().filter(|(_, written)| *written);
    let mut keys: Vec<String> = named.map(|(key, _)| (*key).to_owned()).collect();
    for (index, permission) in security.permissions.permissions.iter().enumerate() {
        // What is granted is granted to the plugin, whoever it acts for.
        if !matches!(permission.scope, PermissionScope::Global | PermissionScope::Plugin) {
            keys.push(format!("security.permissions.permissions[{index}].scope"));
        }
    }
    keys
}
