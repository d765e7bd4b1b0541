//! The phases of a plugin's life: load, init, start, stop, unload; at boot for all plugins by level, later for one.
//!
//! Not here: one version in place of another ([`crate::swap`]), and when a plugin is restarted ([`crate::health`]).
//!
//! Invariants
//! * Each phase runs on a plain thread with a limit; a failure undoes what was done, in reverse.
//! * A plugin's references switch in one place ([`switch`]); the tables that are derived follow under the same lock.

pub(crate) mod absent;
pub(crate) mod boot;
mod load;
pub(crate) mod notices;
pub(crate) mod retire;
pub(crate) mod select;
pub(crate) mod stop;

use std::{sync::Arc, time::Duration};

use crate::{
    instance::{Instance, cell::DownState},
    kernel::{
        core::Core,
        record::{PluginRecord, Standing, Streak},
    },
    services::{COMMAND_PREFIX, ROUTE_PREFIX},
};

pub(crate) use self::load::{Loading, StartFailure, bring_up, health_of, recreate, serves, start, suspend};

/// What a plugin's cell changes to.
pub(crate) enum Switch {
    /// This generation serves from now on.
    To(Arc<Instance>),
    /// Nobody does; callers read why.
    Down(DownState, String),
}

/// Milliseconds as a span.
pub(crate) fn ms(limit: u64) -> Duration {
    Duration::from_millis(limit)
}

/// Switches every reference to a plugin at once, and renews what is derived from it: services, hooks, event handlers,
/// contributions.
pub(crate) fn switch(core: &Arc<Core>, record: &Arc<PluginRecord>, to: Switch) {
    let turn = core.switch.lock();
    match to {
        Switch::To(instance) => {
            record.cell.set_running(Arc::clone(&instance));
            record.with(|details| {
                details.standing = Standing::Running;
                details.reason = None;
                details.served = true;
                details.running_since_ms = Some(core.clock.now_ms());
                details.streak = Streak::default();
                details.given_up = None;
            });
            bind_services(core, record, &instance);
            for (hook, handlers) in core.hooks.set(&record.cell, Some(&instance)) {
                notices::hook_registered(core, &hook, handlers);
            }
            core.set_event_handlers(record, &instance);
        }
        Switch::Down(state, reason) => {
            record.cell.set_down(state, reason.clone());
            let standing = if state == DownState::Failed {
                Standing::Failed
            } else {
                Standing::Stopped
            };
            record.with(|details| {
                details.standing = standing;
                details.reason = Some(reason);
                details.running_since_ms = None;
            });
            // A plugin that failed keeps its place in hooks and services: callers are to read an error, not to go past it.
            let gone = state == DownState::Stopped;
            release_services(core, record, gone);
            if gone {
                core.hooks.set(&record.cell, None);
                core.bus().unregister(&record.id);
            }
        }
    }
    drop(turn);
    core.note_event_store(record);
    core.refresh_contributions();
}

/// Holds calls to a plugin. Its services count as available: whoever calls waits.
pub(crate) fn hold(core: &Core, record: &PluginRecord) {
    record.cell.hold(crate::instance::cell::HoldLimits {
        calls_max: core.options.limits.held_calls_max,
        limit: ms(core.options.limits.held_ms),
    });
}

fn bind_services(core: &Core, record: &PluginRecord, instance: &Instance) {
    let services = instance.registered().services();
    for service in services {
        if !core.services.bind(&service.name, &record.cell, true) {
            notices::service_registered(core, &service.name, &service.version.to_string());
        }
    }
    // What the generation before offered and this one does not.
    for name in declared_services(record) {
        if !services.iter().any(|service| service.name == name) {
            core.services.bind(&name, &record.cell, false);
        }
    }
    core.services
        .bind(&format!("{ROUTE_PREFIX}{}", record.id), &record.cell, true);
    core.services
        .bind(&format!("{COMMAND_PREFIX}{}", record.id), &record.cell, true);
}

fn release_services(core: &Core, record: &PluginRecord, gone: bool) {
    let mut names = declared_services(record);
    names.push(format!("{ROUTE_PREFIX}{}", record.id));
    names.push(format!("{COMMAND_PREFIX}{}", record.id));
    for name in names {
        let before = if gone {
            core.services.withdraw(&name, &record.cell)
        } else {
            core.services.bind(&name, &record.cell, false)
        };
        if before && !name.contains(':') {
            notices::service_unregistered(core, &name);
        }
    }
}

fn declared_services(record: &PluginRecord) -> Vec<String> {
    let candidate = record.candidate();
    candidate
        .document
        .objectos
        .services
        .provides
        .iter()
        .map(|service| service.name.clone())
        .collect()
}
