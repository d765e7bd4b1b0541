//! Looks at each plugin at the interval that its manifest states, and after bodies that were forgotten. What a look is, is
//! `probe`'s; what a body is, `streams`'.

use std::{collections::BTreeMap, sync::Arc};

use super::probe;
use crate::kernel::core::{Core, KernelState};

/// Probes until the kernel stops.
pub(crate) async fn watch_all(core: Arc<Core>) {
    let mut due: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    while matches!(core.state(), KernelState::Starting | KernelState::Running) {
        let now = core.clock.now_ms();
        core.streams.end_forgotten(&core.executor, now);
        for record in core.all_records() {
            let interval = i64::try_from(record.candidate().document.objectos.health.interval).unwrap_or(i64::MAX);
            let at = due
                .entry(Arc::clone(&record.id))
                .or_insert(now.saturating_add(interval));
            if *at <= now {
                *at = now.saturating_add(interval);
                // Nobody waits for it here: one slow plugin is not to keep the others from being looked at.
                drop(probe::begin(&core, &record));
            }
        }
        // New plugins, and what was forgotten, are looked for once a second.
        let next = due
            .values()
            .min()
            .copied()
            .unwrap_or(i64::MAX)
            .min(core.clock.now_ms().saturating_add(1000));
        core.clock.sleep_until_ms(next).await;
    }
}
