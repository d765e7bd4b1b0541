//! One question about a grant, with the reason and the line that would change the answer. Asked by the service `grants` for
//! plugins that act for others; the kernel's own doors ask the set and word their refusals themselves.

use objectos_plugin_api::contracts::grants::GrantAnswer;

use super::{Capability, GrantSet, asked::spelt};

impl GrantSet {
    /// Whether `plugin`, whose set this is, holds `capability` for the concrete `subject`.
    #[must_use]
    pub fn answer(&self, plugin: &str, capability: Capability, subject: &str) -> GrantAnswer {
        if self.may(capability, subject) {
            return GrantAnswer {
                granted: true,
                ..GrantAnswer::default()
            };
        }
        let kind = capability.scope_kind();
        let rule = spelt(capability, subject);
        let denied = self
            .denied
            .iter()
            .find(|rule| rule.takes(capability) && kind.covers(rule.scope(), subject));
        let asked = self
            .asked
            .iter()
            .any(|(asked, scope)| *asked == capability && kind.covers(scope, subject));
        let (reason, remedy) = match (denied, asked) {
            (Some(denied), _) => (
                format!("the operator denies it by `{}`", denied.text()),
                lines_to_remove(&[denied.text()]),
            ),
            (None, true) => (
                "the operator does not grant it".to_owned(),
                line_to_add(plugin, &[rule.as_str()]),
            ),
            (None, false) => (
                "its plugin.json does not ask for it".to_owned(),
                format!(
                    "let its plugin.json ask for it in security.permissions and, where objectos.yml has `grants`, add \
                     \"{rule}\" to what they allow \"{plugin}\""
                ),
            ),
        };
        GrantAnswer {
            granted: false,
            denied_by: denied.map(|rule| rule.text().to_owned()),
            reason,
            remedy,
        }
    }
}

/// What to write so that `plugin` is granted `rules`.
pub(crate) fn line_to_add(plugin: &str, rules: &[&str]) -> String {
    format!(
        "add to objectos.yml: grants: {{ \"{plugin}\": {{ allow: [{}] }} }}",
        quoted(rules)
    )
}

/// What to take out so that `rules` deny no longer.
pub(crate) fn lines_to_remove(rules: &[&str]) -> String {
    format!("remove {} from `deny` in `grants` of objectos.yml", quoted(rules))
}

fn quoted(rules: &[&str]) -> String {
    let quoted: Vec<String> = rules.iter().map(|rule| format!("\"{rule}\"")).collect();
    quoted.join(", ")
}
