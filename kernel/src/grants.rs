//! What a plugin may do: what it asks for, what the operator offers, and the set that comes of both.
//!
//! A plugin asks by the permissions of its security manifest and, for services, hooks and events, by declaring them.
//! The operator answers in the `grants` section of objectos.yml with rules as in `network:connect:api.example.com`; deny
//! beats allow. Declared services, hooks and events are granted unless denied; everything else needs a rule. The set is
//! asked by the kernel at every door a plugin can knock on ([`Capability::held`]), and by plugins that do something for
//! another one, through the service `grants`. In-process code is trusted code: this guards what goes through the kernel, not
//! what a library does by itself. Rules about the latter decide which plugins are loaded, and the start says so.

mod asked;
mod capability;
mod objects;
mod policy;
mod question;
mod rule;
mod scope;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

pub use self::asked::{Ask, asked_by};
pub use self::capability::Capability;
pub(crate) use self::objects::object_grants;
pub use self::policy::{GrantPolicy, GrantRules, GrantsConfig};
pub(crate) use self::question::{line_to_add, lines_to_remove};
pub use self::rule::Rule;

/// Everything one plugin may do. Checks scan short lists and take no lock.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantSet {
    granted: Vec<Grant>,
    denied: Vec<Rule>,
    withheld: Vec<Withheld>,
    /// Everything that was asked for, to say why something is not granted.
    #[serde(skip)]
    asked: Vec<(Capability, String)>,
}

/// One thing a plugin may do. `{capability, scope, permission?, source}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    pub capability: Capability,
    pub scope: String,
    /// Id of the permission in the plugin's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    pub source: GrantSource,
}

/// Why something is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantSource {
    /// The plugin declares it, and no rule takes it away.
    Declared,
    /// This rule of the operator.
    Rule(String),
    /// Development mode without a `grants` section grants whatever is asked for.
    DevelopmentDefault,
}

/// Something a plugin asked for as optional and did not get. `{rule, permission?, deniedBy?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Withheld {
    /// The rule that would grant it.
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// The operator's rule that takes it away; absent when no rule offers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
}

impl GrantSet {
    /// What is granted, in the order it was asked for.
    #[must_use]
    pub fn granted(&self) -> &[Grant] {
        &self.granted
    }

    /// What was asked for as optional and not granted.
    #[must_use]
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// Whether `capability` is granted for the concrete `subject` and no rule denies it.
    #[must_use]
    pub fn may(&self, capability: Capability, subject: &str) -> bool {
        let kind = capability.scope_kind();
        self.granted
            .iter()
            .any(|grant| grant.capability == capability && kind.covers(&grant.scope, subject))
            && !self
                .denied
                .iter()
                .any(|rule| rule.takes(capability) && kind.covers(rule.scope(), subject))
    }

    /// Whether `capability` is granted for anything at all.
    #[must_use]
    pub fn may_any(&self, capability: Capability) -> bool {
        self.granted.iter().any(|grant| grant.capability == capability)
    }

    #[must_use]
    pub fn may_use_service(&self, name: &str) -> bool {
        self.may(Capability::ServiceUse, name)
    }

    #[must_use]
    pub fn may_provide_service(&self, name: &str) -> bool {
        self.may(Capability::ServiceProvide, name)
    }

    #[must_use]
    pub fn may_run_hook(&self, name: &str) -> bool {
        self.may(Capability::HookRun, name)
    }

    #[must_use]
    pub fn may_handle_hook(&self, name: &str) -> bool {
        self.may(Capability::HookHandle, name)
    }

    /// Whether an event of this name may be published.
    #[must_use]
    pub fn may_publish(&self, event: &str) -> bool {
        self.may(Capability::EventPublish, event)
    }

    /// Whether an event of this name may be delivered to the plugin, or a subscription to this pattern may be made. A
    /// pattern may be wider than a denied name, so delivery has to ask again for each event.
    #[must_use]
    pub fn may_handle_event(&self, name_or_pattern: &str) -> bool {
        self.may(Capability::EventHandle, name_or_pattern)
    }

    #[must_use]
    pub fn may_listen(&self, address: &SocketAddr) -> bool {
        self.may(Capability::NetworkListen, &address.to_string())
    }

    /// Whether a connection to `host` (a name or an address) at `port` may be opened. The kernel opens none: whoever does for
    /// others asks the service `grants`.
    #[must_use]
    pub fn may_connect(&self, host: &str, port: u16) -> bool {
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        self.may(Capability::NetworkConnect, &format!("{host}:{port}"))
    }

    #[must_use]
    pub fn may_read_env(&self, name: &str) -> bool {
        self.may(Capability::EnvironmentRead, name)
    }

    /// Whether a file or folder may be read. The path has to be absolute and without `..`; symlinks are the caller's. The
    /// kernel opens none for a plugin, so it does not ask.
    #[must_use]
    pub fn may_read_path(&self, path: &Path) -> bool {
        path.is_absolute() && path.to_str().is_some_and(|path| self.may(Capability::FileRead, path))
    }

    /// Whether a file or folder may be written, under the conditions of [`Self::may_read_path`].
    #[must_use]
    pub fn may_write_path(&self, path: &Path) -> bool {
        path.is_absolute() && path.to_str().is_some_and(|path| self.may(Capability::FileWrite, path))
    }

    /// Whether any program may be started.
    #[must_use]
    pub fn may_spawn_any(&self) -> bool {
        self.may_any(Capability::ProcessSpawn)
    }

    /// Whether process-wide handlers may be installed.
    #[must_use]
    pub fn may_handle_signals(&self) -> bool {
        self.may(Capability::ProcessSignal, "*")
    }

    /// Whether the plugin may make principals. For every other plugin the kernel lets pass only those that it handed over.
    #[must_use]
    pub fn may_set_principal(&self) -> bool {
        self.may(Capability::PrincipalSet, "*")
    }

    /// Whether it may change what runs: swap and restart `plugin`; for `*` also deliver events again and read what they hold.
    #[must_use]
    pub fn may_manage_plugin(&self, plugin: &str) -> bool {
        self.may(Capability::PluginManage, plugin)
    }

    /// Whether the plugin may act as the system, past permissions of users. Every use is audited.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.may(Capability::System, "*")
    }
}
