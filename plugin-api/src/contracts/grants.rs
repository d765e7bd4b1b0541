//! `grants`: what the operator allows a plugin to do. Provided by the kernel, and called by a plugin that does something for
//! another one: only it sees what is done, and only the kernel knows who may. Says nothing of users: that is `permissions`.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};

use crate::{Context, Result};

/// Whether a plugin may do something. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantQuestion {
    /// Id of the plugin, as `Context::caller` says it; empty for the kernel, which may do everything.
    pub plugin: String,
    /// As rules spell it: `network:connect`.
    pub capability: String,
    /// The one thing that it is about, as `api.example.com:443`.
    pub subject: String,
}

/// The answer. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantAnswer {
    /// True when it may.
    pub granted: bool,
    /// The operator's rule that takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
    /// Why it may not, to go on with after "it is refused:"; empty when it may.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What to do about it: lower case, no full stop, with the line of `objectos.yml`; empty when it may.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// What the operator allows plugins.
#[service(name = "grants", version = "1.0.0")]
pub trait Grants {
    /// Answers one question. `Invalid` for a capability that does not exist, `NotFound` for a plugin that does not.
    async fn check(&self, context: Context, question: GrantQuestion) -> Result<GrantAnswer>;
}
