//! What a handler of a hook made of its payload, once it is sure that it is about the operation that is done: the engine goes on
//! with the object, the id and the record as they are, and refuses what says otherwise. The kernel looks at that as well, after
//! each handler; the engine does not rely on who runs its hooks. Called by `observe` and `find`.

use objectos_plugin_api::HookStep;
use objectos_plugin_api::contracts::hooks::hold_to_operation;
use serde::de::DeserializeOwned;

use super::ports::HookPoint;
use crate::error::{DataError, Result};

/// The payload after a handler; `given` is what the handler got. It is looked at step by step: one that puts back what another
/// one changed hides nothing.
///
/// Fails with `Denied` in the name of the handler's plugin when it is about another operation, and when it is no payload.
pub(super) fn payload_after<T: DeserializeOwned>(point: HookPoint, given: &[u8], step: &HookStep) -> Result<T> {
    hold_to_operation(point.name(), &step.plugin, given, &step.payload)?;
    serde_json::from_slice(&step.payload).map_err(|error| {
        DataError::internal(format!(
            "a handler of {} of plugin {} changed the payload into something else: {error}",
            point.name(),
            step.plugin
        ))
    })
}
