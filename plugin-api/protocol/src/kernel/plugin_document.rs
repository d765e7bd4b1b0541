//! `plugin.json`: everything a plugin says about itself before its code runs.
//!
//! Written by the author, checked at compile time by the macro that declares a plugin, embedded in the library's
//! `.objectos.manifest` section, and read from there by the kernel without opening the library. It decides nothing:
//! trust, grants and order are the kernel's.
//!
//! ```json
//! { "manifest": Manifest, "capabilities"?: PluginCapabilityManifest, "security"?: PluginSecurityManifest,
//!   "objectos": PluginDeclaration, "build"?: BuildFacts }
//! ```

mod build;
mod declaration;
mod idle;
mod name;
mod outline;
mod problem;
mod validate;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{present, published};
use crate::kernel::{
    DefaultGrant, Manifest, PermissionSet, PluginCapabilityManifest, PluginSecurityManifest, PluginTrustLevel,
    SandboxConfig,
};
use crate::map_only::map_only;

pub use self::build::{BuildFacts, PanicStrategy};
pub use self::declaration::{
    CommandDeclaration, DeclaredDocument, EventDeclaration, HookDeclaration, PluginDeclaration, PluginLimits,
    ProvidedService, RouteAccess, RouteDeclaration, RouteMethod, ServiceDeclaration, SwapMode, ThreadMode, UsedService,
};
pub use self::name::{
    is_event_name, is_event_pattern, is_plugin_id, is_service_name, matches_event, nearest, parse_range, route_shape,
};
pub use self::problem::DocumentProblem;

/// Name of the ELF section that holds the document as JSON, padded at the end with spaces or NUL bytes if need be.
pub const SECTION: &str = ".objectos.manifest";

/// A whole plugin document.
///
/// `capabilities` may be left out and is then empty; `security` may be left out and then asks for nothing. `build` is
/// added by the compiler, so an author's file has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginDocument", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginDocument {
    pub manifest: Manifest,
    #[serde(default)]
    pub capabilities: PluginCapabilityManifest,
    #[serde(default = "no_security")]
    pub security: PluginSecurityManifest,
    /// What the kernel acts on.
    pub objectos: PluginDeclaration,
    /// How the library was built; absent in an author's file.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildFacts>,
}

impl PluginDocument {
    /// Reads and checks a document. Trailing spaces, newlines and NUL bytes are ignored.
    ///
    /// # Errors
    ///
    /// Every problem found, in document order: broken JSON (alone, with line and column), unknown and missing keys with
    /// the nearest spelling, values of the wrong type or shape, names that break the naming rules, entries given twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<DocumentProblem>> {
        let mut document = outline::read(bytes)?;
        if document.security.plugin_id.is_empty() {
            document.security.plugin_id.clone_from(&document.manifest.id);
        }
        if outline::wants_no_restart(bytes) {
            // By default a plugin is restarted after a panic, though not for bad health. Who says that it is not to be
            // restarted means both.
            document.objectos.health.max_restart_attempts = 0;
        }
        let problems = validate::problems(&document);
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(problems)
        }
    }

    /// Paths of the keys that it gives and of which nothing comes, as in `manifest.loading`.
    #[must_use]
    pub fn idle_keys(&self) -> Vec<String> {
        idle::keys(self)
    }

    /// The plugin's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.manifest.id
    }

    /// The plugin's version.
    ///
    /// A document that was built by hand and never parsed may hold text that is no version; it counts as 0.0.0.
    #[must_use]
    pub fn version(&self) -> semver::Version {
        semver::Version::parse(&self.manifest.version).unwrap_or(semver::Version::new(0, 0, 0))
    }
}

/// Security of a plugin that says nothing about it: it asks for nothing and claims nothing.
fn no_security() -> PluginSecurityManifest {
    PluginSecurityManifest {
        plugin_id: String::new(),
        trust_level: PluginTrustLevel::Untrusted,
        permissions: PermissionSet {
            permissions: Vec::new(),
            groups: Vec::new(),
            default_grant: DefaultGrant::Deny,
        },
        sandbox: SandboxConfig::default(),
        policy: None,
        scan_results: Vec::new(),
        vulnerabilities: Vec::new(),
        code_signing: None,
        certifications: Vec::new(),
        security_contact: None,
        vulnerability_disclosure: None,
    }
}

map_only! {
    PluginDocument,
}
