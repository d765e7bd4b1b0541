//! Nobody changes a row: hooks that refuse it to everybody, whoever acts. Retention alone may delete, and shows a pass that
//! lives in the memory of this process and nowhere else.

use objectos_plugin_api::{Context, Error, HookAnswer, Result};
use rand::RngExt as _;
use serde_json::Value;

use crate::{chain::hex, checkpoint, row};

/// Objects that are guarded.
pub(crate) const OBJECTS: [&str; 2] = [row::OBJECT, checkpoint::OBJECT];
/// Key of the pass among the extra facts of a context.
const KEY: &str = "auditPass";

/// The right to delete rows, for the length of one process.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pass(String);

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pass")
    }
}

impl Pass {
    pub(crate) fn new() -> Self {
        let mut bytes = [0_u8; 32];
        rand::rng().fill(&mut bytes);
        Self(hex(&bytes))
    }

    /// A context that shows the pass.
    pub(crate) fn show(&self, context: &Context) -> Context {
        let mut extra = context.extra();
        extra.insert(KEY.to_owned(), Value::from(self.0.as_str()));
        context.with_extra(&extra)
    }

    fn is_shown(&self, context: &Context) -> bool {
        context.extra().get(KEY).and_then(Value::as_str) == Some(self.0.as_str())
    }

    /// The answer of the hook before a row is deleted.
    pub(crate) fn before_delete(&self, context: &Context) -> Result<HookAnswer> {
        if self.is_shown(context) {
            return Ok(HookAnswer::Unchanged);
        }
        Err(refusal())
    }
}

/// The answer of the hook before a row is changed.
pub(crate) fn before_update() -> Result<HookAnswer> {
    Err(refusal())
}

fn refusal() -> Error {
    Error::veto("audit events are never changed or deleted; their time is set by retentionPolicy")
}
