//! The way down: plugins in reverse order of their start, those of one level at the same time, all within one limit.

use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Switch, ms, notices, retire, switch};
use crate::{
    instance::cell::DownState,
    kernel::{
        core::{Core, KernelState},
        record::PluginRecord,
    },
};

/// What part of the time that is left a plugin gets in which threads are blocked: one in so many.
const BLOCKED_SHARE: u32 = 4;

/// Stops every plugin.
pub(crate) async fn stop_all(core: &Arc<Core>, limit: Duration, reason: &str) {
    core.set_state(KernelState::Stopping);
    notices::shutdown(core, reason);
    let until = Instant::now() + limit;
    // Before the plugins: what is being delivered may end, what waits is stored.
    core.stop_bus(limit / 4).await;
    let mut levels: BTreeMap<usize, Vec<Arc<PluginRecord>>> = BTreeMap::new();
    for record in core.all_records() {
        levels
            .entry(record.with(|details| details.level))
            .or_default()
            .push(record);
    }
    for records in levels.into_values().rev() {
        let stops = records
            .iter()
            .map(|record| stop_one(core, record, "the host is stopping", until));
        join_all(stops).await;
    }
    core.set_state(KernelState::Stopped);
}

/// Stops one plugin: nobody reaches it from now on; its calls may end, within its own drain limit and `until`.
pub(crate) async fn stop_one(core: &Arc<Core>, record: &Arc<PluginRecord>, reason: &str, until: Instant) {
    let Ok(_turn) = tokio::time::timeout_at(until.into(), record.turn.lock()).await else {
        tracing::warn!(
            plugin = &*record.id,
            "a plugin is still changing hands and was not stopped"
        );
        return;
    };
    let running = record.cell.running();
    switch(core, record, Switch::Down(DownState::Stopped, reason.to_owned()));
    let Some(instance) = running else { return };
    let mut left = until.saturating_duration_since(Instant::now());
    if instance.threads().stuck() > 0 {
        // It hardly comes to its end; those that stop after it are to have time for theirs.
        left /= BLOCKED_SHARE;
    }
    let drain = ms(instance.limits.drain_ms).min(left);
    let retirement = retire::retire(core, instance, drain, true);
    match tokio::time::timeout(left, retirement).await {
        Ok(retired) => retire::report(&record.id, &retired.unload),
        Err(_) => tracing::warn!(plugin = &*record.id, "a plugin did not stop within the limit"),
    }
    core.listeners.close_of(&record.id);
}
