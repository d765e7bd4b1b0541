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

/// Kind of the contribution that lists the [`ObjectGrants`] of all plugins that have any.
pub const OBJECT_GRANTS: &str = "object-grants";

/// What is done with an object. JSON, lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectAction {
    /// See records.
    Read,
    /// Make, change and delete records.
    Write,
    /// Change the definition.
    Manage,
}

impl ObjectAction {
    /// As rules spell it.
    #[must_use]
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Read => "object:read",
            Self::Write => "object:write",
            Self::Manage => "object:manage",
        }
    }
}

/// One action on the objects of a scope: `account`, `crm_*`, `*`. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRule {
    /// What is done.
    pub action: ObjectAction,
    /// A name, the beginning of names with `*` at its end, or `*`.
    pub scope: String,
}

impl ObjectRule {
    fn covers(&self, action: ObjectAction, object: &str) -> bool {
        self.action == action
            && match self.scope.strip_suffix('*') {
                Some("") => true,
                Some(beginning) => object.len() > beginning.len() && object.starts_with(beginning),
                None => self.scope == object,
            }
    }
}

/// What one plugin may do with objects, whoever it acts for; a plugin that is not in the list is bound by that alone.
/// JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectGrants {
    /// Id of the plugin.
    pub plugin: String,
    /// Its manifest asks for objects: it may do what is granted and nothing else.
    pub limited: bool,
    /// What is granted of that.
    pub granted: Vec<ObjectRule>,
    /// What the operator takes away, whatever else is granted.
    pub denied: Vec<ObjectRule>,
}

impl ObjectGrants {
    /// Why the plugin may not: a sentence with what to do about it; `None` when it may.
    #[must_use]
    pub fn refusal(&self, action: ObjectAction, object: &str) -> Option<String> {
        let (plugin, capability) = (&self.plugin, action.capability());
        if self.denied.iter().any(|rule| rule.covers(action, object)) {
            return Some(format!(
                "plugin {plugin} may not use {capability}:{object}: the operator denies it; see `deny` in `grants` of \
                 objectos.yml"
            ));
        }
        if !self.limited || self.granted.iter().any(|rule| rule.covers(action, object)) {
            return None;
        }
        Some(format!(
            "plugin {plugin} may not use {capability}:{object}: its plugin.json asks for objects, and it was not granted this \
             one; let it ask for it in security.permissions and, where objectos.yml has `grants`, add \"{capability}:{object}\" \
             to what they allow \"{plugin}\""
        ))
    }
}

/// What the operator allows plugins.
#[service(name = "grants", version = "1.0.0")]
pub trait Grants {
    /// Answers one question. `Invalid` for a capability that does not exist, `NotFound` for a plugin that does not.
    async fn check(&self, context: Context, question: GrantQuestion) -> Result<GrantAnswer>;
}

#[cfg(test)]
mod tests {
    use super::{ObjectAction, ObjectGrants, ObjectRule};

    fn rules(written: &[(ObjectAction, &str)]) -> Vec<ObjectRule> {
        let rule = |(action, scope): &(ObjectAction, &str)| ObjectRule {
            action: *action,
            scope: (*scope).to_owned(),
        };
        written.iter().map(rule).collect()
    }

    #[test]
    fn denies_beat_grants_and_who_asks_for_some_gets_no_others() {
        use ObjectAction::{Manage, Read, Write};
        let mut grants = ObjectGrants {
            plugin: "com.example.notes".to_owned(),
            limited: false,
            granted: Vec::new(),
            denied: rules(&[(Write, "account"), (Manage, "crm_*")]),
        };
        let may = |grants: &ObjectGrants, action, object: &str| grants.refusal(action, object).is_none();
        assert!(may(&grants, Read, "account") && may(&grants, Write, "accounts") && may(&grants, Manage, "crm_"));
        assert!(!may(&grants, Write, "account") && !may(&grants, Manage, "crm_lead"));
        let told = grants.refusal(Write, "account").unwrap_or_default();
        assert!(
            told.contains("object:write:account") && told.contains("the operator denies it"),
            "{told}"
        );

        grants.limited = true;
        grants.granted = rules(&[(Read, "*"), (Write, "note*"), (Write, "account")]);
        assert!(may(&grants, Read, "account") && may(&grants, Write, "note_line"));
        assert!(!may(&grants, Write, "account"), "a deny beats it");
        assert!(!may(&grants, Write, "note") && !may(&grants, Write, "lead") && !may(&grants, Manage, "note_line"));
        let told = grants.refusal(Write, "lead").unwrap_or_default();
        assert!(told.contains("add \"object:write:lead\""), "{told}");
    }
}
