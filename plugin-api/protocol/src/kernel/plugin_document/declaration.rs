//! The `objectos` part of a plugin document: what the plugin provides, uses, handles and contributes.
//!
//! Whatever a plugin registers at run time must be declared here first.

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::name::parse_range;
use crate::kernel::PluginHealthCheck;
use crate::kernel::check::{optional_whole_from, present, published, whole_from};
use crate::map_only::map_only;

/// What the kernel acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginDeclaration", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginDeclaration {
    /// Range of `objectos-plugin-api` versions the plugin works with, as in `^1.0`.
    #[serde(deserialize_with = "range")]
    #[schemars(with = "String")]
    pub api: VersionReq,
    /// Whether two generations may run beside each other during a swap.
    #[serde(default)]
    pub swap: SwapMode,
    /// On whose threads the plugin's code runs when it is called.
    #[serde(default)]
    pub threads: ThreadMode,
    #[serde(default)]
    pub services: ServiceDeclaration,
    #[serde(default)]
    pub hooks: HookDeclaration,
    #[serde(default)]
    pub events: EventDeclaration,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteDeclaration>,
    /// Names of the objects the plugin brings; each has a `metadata/NAME.object.yml` in the plugin's crate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// The files of the crate's `metadata` folder. Added by the compiler, so an author's file has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DeclaredDocument>,
    /// Commands of the host program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandDeclaration>,
    /// JSON Schema of the plugin's configuration. `manifest.configuration` is honoured too.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    #[serde(default)]
    pub limits: PluginLimits,
    #[serde(default)]
    pub health: PluginHealthCheck,
}

/// How a newer version of a plugin takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SwapMode {
    // The new one starts while the old one still serves.
    #[default]
    Parallel,
    // The old one closes first: the plugin owns something that cannot be open twice.
    Exclusive,
}

/// On whose threads a plugin's code runs when it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThreadMode {
    // On threads of the plugin's own: code that blocks costs the plugin alone.
    #[default]
    Own,
    // On the thread of whoever calls, which saves a hop: the code must never block.
    Shared,
}

/// Services a plugin provides and uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ServiceDeclaration",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct ServiceDeclaration {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<ProvidedService>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<UsedService>,
}

/// A service the plugin provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProvidedService", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ProvidedService {
    pub name: String,
    #[schemars(with = "String")]
    pub version: Version,
}

/// A service the plugin calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UsedService", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct UsedService {
    pub name: String,
    #[serde(deserialize_with = "range")]
    #[schemars(with = "String")]
    pub range: VersionReq,
    /// The plugin also works without it.
    #[serde(default)]
    pub optional: bool,
}

/// Hooks a plugin takes part in and hooks it runs for others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HookDeclaration", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct HookDeclaration {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<String>,
    /// Those of `handles` that the plugin may leave out, as its configuration says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
}

/// Events a plugin listens to and events it publishes, as patterns: an exact name, `prefix.*`, or `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventDeclaration", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct EventDeclaration {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<String>,
    /// Those of `handles` that the plugin may leave out, as its configuration says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publishes: Vec<String>,
}

/// A route the plugin answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouteDeclaration", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct RouteDeclaration {
    pub method: RouteMethod,
    /// Absolute path; `{name}` stands for one segment, a last `{*name}` for all that follow.
    pub path: String,
    #[serde(default)]
    pub access: RouteAccess,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RouteMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl RouteMethod {
    /// The method as HTTP spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// Who may call a route: anybody who is signed in, the same and guests where the operator lets guests in, anybody at all, or
/// the system alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RouteAccess {
    #[default]
    Authenticated,
    Guest,
    Public,
    System,
}

/// A command of the host program that the plugin carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CommandDeclaration", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct CommandDeclaration {
    /// One to three words, as in `migrate` or `audit verify`.
    pub name: String,
    pub summary: String,
    /// Services that have to be there for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// It works on its arguments alone: neither stored data nor the configuration counts. The host then starts the plugin
    /// with its defaults in a folder that is thrown away, and without what the plugin only uses where it is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standalone: bool,
}

/// A file of metadata that the plugin brings: an object, a permission set, a translation, in YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeclaredDocument", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct DeclaredDocument {
    /// Path below the crate, as in `metadata/sys_user.object.yml`; by its end the kind.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Time limits, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginLimits", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PluginLimits {
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub init_ms: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub start_ms: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub stop_ms: u64,
    /// Time the old generation has to finish its calls during a swap.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub drain_ms: u64,
    /// Limit of one service call where the caller sets no deadline; absent means none.
    #[serde(
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub call_ms: Option<u64>,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub hook_ms: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub event_ms: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            init_ms: 30_000,
            start_ms: 30_000,
            stop_ms: 10_000,
            drain_ms: 30_000,
            call_ms: None,
            hook_ms: 5_000,
            event_ms: 30_000,
        }
    }
}

fn range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VersionReq, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_range(&text).map_err(serde::de::Error::custom)
}

map_only! {
    PluginDeclaration, ServiceDeclaration, ProvidedService, UsedService, HookDeclaration, EventDeclaration, RouteDeclaration, CommandDeclaration,
    DeclaredDocument, PluginLimits,
}
