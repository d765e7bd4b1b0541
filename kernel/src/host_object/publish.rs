//! Publishing events: declared, granted, limited.

use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind, NewEvent, Priority,
    abi::{RawContext, RawEvent, RawResult},
    protocol::kernel::plugin_document::matches_event,
};
use std::future::Future;

use super::{HostObject, limiter::Admission};
use crate::{error::nearest_hint, instance::shield::Shield, services::raw};

impl HostObject {
    /// Publishes a transient event.
    pub(super) fn publish(&self, context: &RawContext<'_>, event: &RawEvent<'_>) -> Result<(), PluginError> {
        self.may_publish(event.name.as_str())?;
        let context = Context::from_raw(&self.caller.stamp(context));
        self.core.bus().publish(&self.plugin, &context, &read(event))
    }

    /// Publishes a durable event; the future ends when it is stored.
    pub(super) fn publish_durable(
        &self,
        context: &RawContext<'_>,
        event: &RawEvent<'_>,
    ) -> Result<impl Future<Output = RawResult> + Send + 'static, PluginError> {
        self.may_publish(event.name.as_str())?;
        let context = Context::from_raw(&self.caller.stamp(context));
        let _entered = self.core.executor.enter();
        let stored = self.core.bus().publish_durable(&self.plugin, &context, &read(event));
        Ok(Shield::new(self.core.executor.clone(), async move {
            raw(stored.await.map(String::into_bytes))
        }))
    }

    pub(super) fn events_stored(&self) {
        self.core.bus().events_stored();
    }

    fn may_publish(&self, name: &str) -> Result<(), PluginError> {
        let declared = &self.declaration().events.publishes;
        if !declared.iter().any(|pattern| matches_event(pattern, name)) {
            let near = nearest_hint(name, declared.iter().map(String::as_str));
            let hint = format!(": its plugin.json does not name it in events.publishes{near}");
            return Err(self.denied(&format!("publish the event {name}"), &hint));
        }
        if !self.candidate.grants.may_publish(name) {
            return Err(self.denied(&format!("publish the event {name}"), ": the operator does not grant it"));
        }
        match self.events.admit() {
            Admission::Granted { .. } => Ok(()),
            Admission::Refused => Err(PluginError::new(
                ErrorKind::Limited,
                format!("plugin {} publishes more events than its limit; slow down", self.plugin),
            )),
        }
    }
}

fn read<'a>(event: &'a RawEvent<'a>) -> NewEvent<'a> {
    NewEvent {
        name: event.name.as_str(),
        key: event.key.as_str(),
        payload: event.payload.as_slice(),
        priority: match event.priority {
            0 => Priority::Critical,
            1 => Priority::High,
            2 => Priority::Normal,
            3 => Priority::Low,
            _ => Priority::Background,
        },
        causation_id: event.causation_id.as_str(),
    }
}
