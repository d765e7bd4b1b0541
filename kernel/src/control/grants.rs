//! The service `grants`: what the operator allows a plugin, told to plugins that do something for another one. Declared like any
//! other service in `services.uses`. It changes nothing and tells no more than `plugins` of the service `kernel`.

use objectos_plugin_api::{
    Context, Error as PluginError, Result,
    contracts::grants::{GrantAnswer, GrantQuestion, Grants as GrantsContract},
};
use std::sync::Weak;

use super::{core_of, plain};
use crate::{error::nearest_hint, grants::Capability, kernel::core::Core};

/// The provider. Does not keep the kernel alive.
#[derive(Debug)]
pub(super) struct Grants(pub(super) Weak<Core>);

impl GrantsContract for Grants {
    async fn check(&self, _: Context, question: GrantQuestion) -> Result<GrantAnswer> {
        let core = core_of(&self.0)?;
        let capability = read(&question.capability)?;
        if question.plugin.is_empty() {
            return Ok(GrantAnswer {
                granted: true,
                ..GrantAnswer::default()
            });
        }
        let record = plain(core.record(&question.plugin))?;
        let candidate = record.candidate();
        Ok(candidate.grants.answer(&question.plugin, capability, &question.subject))
    }
}

fn read(text: &str) -> Result<Capability> {
    Capability::parse(text).ok_or_else(|| {
        let known: Vec<String> = Capability::spellings().collect();
        let hint = nearest_hint(text, known.iter().map(String::as_str));
        PluginError::invalid(format!("`{text}` is no capability, as `network:connect` is one{hint}"))
    })
}
