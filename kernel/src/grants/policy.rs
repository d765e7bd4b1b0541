//! The operator's answer: the `grants` section of objectos.yml held against what a plugin asks for.

use std::path::Path;

use indexmap::IndexMap;
use objectos_protocol::kernel::RuntimeMode;
use objectos_protocol::kernel::plugin_document::{DocumentProblem, PluginDocument, is_plugin_id};
use serde::{Deserialize, Serialize};

use super::asked::{Ask, asked_by};
use super::rule::{Rule, absolute};
use super::scope::ScopeKind;
use super::{Capability, Grant, GrantSet, GrantSource, Withheld};
use crate::package::{MissingGrant, RefusalReason};

/// The `grants` section: plugin id, or `*` for all plugins, to its rules.
pub type GrantsConfig = IndexMap<String, GrantRules>;

/// Rules for one plugin. `{allow: [rule], deny: [rule]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GrantRules {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

/// The grants of one run.
#[derive(Clone, Debug)]
pub struct GrantPolicy {
    rules: IndexMap<String, Rules>,
    /// Nothing is written and nothing real is at stake: grant what is asked for.
    open: bool,
    base: String,
}

impl GrantPolicy {
    /// Checks a `grants` section; `None` means there is none. Relative paths in rules and permissions are below `base`.
    ///
    /// # Errors
    ///
    /// Every rule that cannot be used, with its path below `grants`.
    pub fn new(config: Option<&GrantsConfig>, mode: RuntimeMode, base: &Path) -> Result<Self, Vec<DocumentProblem>> {
        let mut problems = Vec::new();
        let mut rules = IndexMap::new();
        let base = base.to_string_lossy().into_owned();
        for (id, written) in config.into_iter().flatten() {
            if id != "*" && !is_plugin_id(id) {
                let message = format!("`{id}` is not a plugin id");
                problems.push(DocumentProblem::new(
                    format!("grants.{id}"),
                    message,
                    "write it as in `com.example.audit`, or `*` for all",
                ));
            }
            let mut read =
                |key: &str, texts: &[String]| read_rules(&format!("grants.{id}.{key}"), texts, &base, &mut problems);
            let parsed = Rules {
                allow: read("allow", &written.allow),
                deny: read("deny", &written.deny),
            };
            rules.insert(id.clone(), parsed);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let relaxed = matches!(mode, RuntimeMode::Development | RuntimeMode::Test);
        Ok(Self {
            rules,
            open: config.is_none() && relaxed,
            base,
        })
    }

    /// What a plugin gets of what it asks for.
    ///
    /// # Errors
    ///
    /// [`RefusalReason::NotGranted`] with everything that is required and not offered.
    pub fn grant(&self, document: &PluginDocument) -> Result<GrantSet, RefusalReason> {
        let rules = self.rules_for(document.id());
        let mut set = GrantSet {
            granted: Vec::new(),
            denied: rules.deny.clone(),
            withheld: Vec::new(),
            asked: Vec::new(),
        };
        let mut missing = Vec::new();
        for mut ask in asked_by(document) {
            // Nobody gives it and nobody asks for it: the notes on the manifest say so.
            if ask.capability.idle() {
                continue;
            }
            if ask.capability.scope_kind() == ScopeKind::Path && ask.scope != "*" {
                ask.scope = absolute(&self.base, &ask.scope);
            }
            self.answer(&ask, &rules, &mut set, &mut missing);
            set.asked.push((ask.capability, ask.scope));
        }
        if missing.is_empty() {
            return Ok(set);
        }
        Err(RefusalReason::NotGranted {
            plugin: document.id().to_owned(),
            missing,
        })
    }

    /// Whether the operator denies a plugin to handle a hook, whatever it asks for.
    pub(crate) fn denies_hook(&self, id: &str, hook: &str) -> bool {
        let kind = Capability::HookHandle.scope_kind();
        let denies = |rule: &Rule| rule.takes(Capability::HookHandle) && kind.covers(rule.scope(), hook);
        self.rules_for(id).deny.iter().any(denies)
    }

    /// The rules that decide whether plugins are loaded and that no loaded plugin is held to, with their places.
    #[must_use]
    pub fn unheld(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, rules) in &self.rules {
            for (key, list) in [("allow", &rules.allow), ("deny", &rules.deny)] {
                let unheld = list.iter().enumerate().filter(|(_, rule)| !rule.held());
                found.extend(unheld.map(|(index, rule)| format!("grants.{id}.{key}[{index}] `{}`", rule.text())));
            }
        }
        found
    }

    fn rules_for(&self, id: &str) -> Rules {
        let mut rules = Rules::default();
        for key in [id, "*"] {
            if let Some(found) = self.rules.get(key) {
                rules.allow.extend(found.allow.iter().cloned());
                rules.deny.extend(found.deny.iter().cloned());
            }
        }
        rules
    }

    fn answer(&self, ask: &Ask, rules: &Rules, set: &mut GrantSet, missing: &mut Vec<MissingGrant>) {
        let kind = ask.capability.scope_kind();
        let denied_by = rules
            .deny
            .iter()
            .find(|rule| rule.takes(ask.capability) && kind.covers(rule.scope(), &ask.scope));
        if let Some(rule) = denied_by {
            withhold(ask, Some(rule.text().to_owned()), set, missing);
            return;
        }
        if ask.implied || self.open {
            let source = if ask.implied {
                GrantSource::Declared
            } else {
                GrantSource::DevelopmentDefault
            };
            set.granted.push(granted(ask, ask.scope.clone(), source));
            return;
        }
        let before = set.granted.len();
        for rule in rules.allow.iter().filter(|rule| rule.takes(ask.capability)) {
            let source = || GrantSource::Rule(rule.text().to_owned());
            if kind.covers(rule.scope(), &ask.scope) {
                set.granted.truncate(before);
                set.granted.push(granted(ask, ask.scope.clone(), source()));
                break;
            }
            // Who asks for "any host" may be given some.
            if kind.is_wide(&ask.scope) && kind.covers(&ask.scope, rule.scope()) {
                set.granted.push(granted(ask, rule.scope().to_owned(), source()));
            }
        }
        if set.granted.len() == before {
            withhold(ask, None, set, missing);
        }
    }
}

fn granted(ask: &Ask, scope: String, source: GrantSource) -> Grant {
    Grant {
        capability: ask.capability,
        scope,
        permission: ask.permission.clone(),
        source,
    }
}

fn withhold(ask: &Ask, denied_by: Option<String>, set: &mut GrantSet, missing: &mut Vec<MissingGrant>) {
    if ask.required {
        missing.push(MissingGrant {
            rule: ask.rule(),
            permission: ask.permission.clone(),
            purpose: ask.purpose.clone(),
            denied_by,
        });
    } else {
        set.withheld.push(Withheld {
            rule: ask.rule(),
            permission: ask.permission.clone(),
            denied_by,
        });
    }
}

fn read_rules(path: &str, texts: &[String], base: &str, problems: &mut Vec<DocumentProblem>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match Rule::parse(text) {
            Ok(rule) if rule.idle() => problems.push(DocumentProblem::new(
                format!("{path}[{index}]"),
                format!("`{}` is a rule that nobody would hold a plugin to", rule.text()),
                "remove it: neither the kernel nor a plugin of the house asks for it",
            )),
            Ok(rule) => rules.push(rule.below(base)),
            Err((message, remedy)) => problems.push(DocumentProblem::new(format!("{path}[{index}]"), message, remedy)),
        }
    }
    rules
}
