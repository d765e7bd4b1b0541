//! The kernel's own events (`kernel/PluginLifecycleEventType`), published as transient events: what is missed is missed.

use objectos_plugin_api::Context;
use objectos_protocol::kernel::{
    EventPhase, HookRegisteredEvent, HookTriggeredEvent, KernelEventBase, KernelReadyEvent, KernelShutdownEvent,
    PluginError, PluginErrorEvent, PluginLifecycleEventType as Kind, PluginLifecyclePhaseEvent, PluginRegisteredEvent,
    ServiceRegisteredEvent, ServiceUnregisteredEvent,
};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

use crate::{error::Error, kernel::core::Core};

fn publish(core: &Core, kind: Kind, payload: &impl Serialize) {
    publish_within(core, &Context::background(), kind, payload);
}

fn publish_within(core: &Core, context: &Context, kind: Kind, payload: &impl Serialize) {
    match serde_json::to_value(payload) {
        Ok(payload) => core.publish_own(context, kind, &payload),
        Err(error) => tracing::error!(%error, event = kind.as_str(), "an event of the kernel could not be written"),
    }
}

fn duration_ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

pub(crate) fn kernel(core: &Core, kind: Kind) {
    publish(
        core,
        kind,
        &KernelEventBase {
            timestamp: core.clock.now_ms(),
        },
    );
}

pub(crate) fn ready(core: &Core, took: Duration, plugins: usize) {
    let payload = KernelReadyEvent {
        timestamp: core.clock.now_ms(),
        duration: Some(duration_ms(took)),
        plugin_count: u64::try_from(plugins).ok(),
    };
    publish(core, Kind::KernelReady, &payload);
}

pub(crate) fn shutdown(core: &Core, reason: &str) {
    let payload = KernelShutdownEvent {
        timestamp: core.clock.now_ms(),
        reason: Some(reason.to_owned()),
    };
    publish(core, Kind::KernelShutdown, &payload);
}

pub(crate) fn registered(core: &Core, plugin: &str, version: &str) {
    let payload = PluginRegisteredEvent {
        plugin_name: plugin.to_owned(),
        timestamp: core.clock.now_ms(),
        version: Some(version.to_owned()),
    };
    publish(core, Kind::PluginRegistered, &payload);
}

pub(crate) fn phase(core: &Core, kind: Kind, plugin: &str, phase: EventPhase, took: Option<Duration>) {
    let payload = PluginLifecyclePhaseEvent {
        plugin_name: plugin.to_owned(),
        timestamp: core.clock.now_ms(),
        duration: took.map(duration_ms),
        phase: Some(phase),
    };
    publish(core, kind, &payload);
}

pub(crate) fn failed(core: &Core, plugin: &str, phase: EventPhase, error: &Error) {
    error_text(core, plugin, phase, &error.chain());
}

pub(crate) fn error_text(core: &Core, plugin: &str, phase: EventPhase, text: &str) {
    let payload = PluginErrorEvent {
        plugin_name: plugin.to_owned(),
        timestamp: core.clock.now_ms(),
        error: PluginError {
            name: "PluginError".to_owned(),
            message: text.to_owned(),
            stack: None,
            code: None,
        },
        phase,
        error_message: Some(text.to_owned()),
        error_stack: None,
    };
    publish(core, Kind::PluginError, &payload);
}

pub(crate) fn service_registered(core: &Core, service: &str, version: &str) {
    let payload = ServiceRegisteredEvent {
        service_name: service.to_owned(),
        timestamp: core.clock.now_ms(),
        service_type: Some(version.to_owned()),
    };
    publish(core, Kind::ServiceRegistered, &payload);
}

pub(crate) fn service_unregistered(core: &Core, service: &str) {
    let payload = ServiceUnregisteredEvent {
        service_name: service.to_owned(),
        timestamp: core.clock.now_ms(),
    };
    publish(core, Kind::ServiceUnregistered, &payload);
}

pub(crate) fn hook_registered(core: &Core, hook: &str, handlers: usize) {
    let payload = HookRegisteredEvent {
        hook_name: hook.to_owned(),
        timestamp: core.clock.now_ms(),
        handler_count: u64::try_from(handlers).unwrap_or(u64::MAX),
    };
    publish(core, Kind::HookRegistered, &payload);
}

/// A hook is about to run within an operation. `args` is `[subject]`: what the operation is about is not for everybody.
pub(crate) fn hook_triggered(core: &Core, context: &Context, hook: &str, subject: &str, handlers: usize) {
    let payload = HookTriggeredEvent {
        hook_name: hook.to_owned(),
        timestamp: core.clock.now_ms(),
        args: vec![Value::from(subject)],
        handler_count: u64::try_from(handlers).ok(),
    };
    publish_within(core, context, Kind::HookTriggered, &payload);
}
