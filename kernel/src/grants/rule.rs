//! One rule of the operator: `noun:verb` or `noun:verb:scope`.

use objectos_protocol::kernel::plugin_document::nearest;
use serde::{Serialize, Serializer};

use super::Capability;

/// A rule. `network:connect:*.example.com:443`, `service:use:data`, `file:*:/srv`, `system`, or `*` for everything. A
/// rule without a scope covers all subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    text: String,
    capabilities: Vec<Capability>,
    scope: String,
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what to write in its place.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let trimmed = text.trim();
        let mut parts = trimmed.splitn(3, ':');
        let noun = parts.next().unwrap_or_default();
        // Nouns with one verb, and `*`, need no verb.
        let verb = parts.next().unwrap_or("*");
        let scope = parts.next().unwrap_or("*");
        let capabilities = Capability::named(noun, verb);
        let lone_noun = !trimmed.contains(':') && noun != "*" && capabilities.len() > 1;
        if capabilities.is_empty() || lone_noun {
            return Err(unknown(trimmed, noun, verb));
        }
        if scope.is_empty() {
            let remedy = format!("write `{noun}:{verb}` for all, or `{noun}:{verb}:<subject>` for one");
            return Err((format!("`{trimmed}` ends before its scope"), remedy));
        }
        Ok(Self {
            text: trimmed.to_owned(),
            capabilities,
            scope: scope.to_owned(),
        })
    }

    /// The rule as the operator wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the rule is about, within its capabilities.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Whether the rule speaks of `capability`.
    #[must_use]
    pub fn takes(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether the kernel holds a loaded plugin to any of it.
    #[must_use]
    pub fn held(&self) -> bool {
        self.capabilities.iter().any(|capability| capability.held())
    }

    /// Whether nobody holds any plugin to any of it, at its load or later.
    pub(super) fn idle(&self) -> bool {
        self.capabilities.iter().all(|capability| capability.idle())
    }

    /// The same rule with a path scope made absolute.
    pub(super) fn below(mut self, base: &str) -> Self {
        let paths = [Capability::FileRead, Capability::FileWrite];
        if self.scope != "*" && self.capabilities.iter().all(|capability| paths.contains(capability)) {
            self.scope = absolute(base, &self.scope);
        }
        self
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A path as it is, or below `base` when it is relative.
pub(super) fn absolute(base: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches("./"))
}

fn unknown(text: &str, noun: &str, verb: &str) -> (String, String) {
    let known: Vec<String> = Capability::spellings().collect();
    let word = if text.contains(':') {
        format!("{noun}:{verb}")
    } else {
        noun.to_owned()
    };
    let remedy = match nearest(&word, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let verbs: Vec<&str> = known
                .iter()
                .filter(|known| known.starts_with(&format!("{noun}:")))
                .map(String::as_str)
                .collect();
            let offered = if verbs.is_empty() {
                known.join(", ")
            } else {
                verbs.join(", ")
            };
            format!("use one of {offered}")
        }
    };
    (format!("`{text}` is not a grant rule"), remedy)
}
