//! Forgets done events when their retention (`persistence.retention`, days) is over: soon after the start, then daily. Events
//! of records that are sourced have a retention of their own.

use objectos_plugin_api::{ErrorKind, Result, contracts::event_store::PruneRequest};
use std::sync::Arc;

use super::shared::Shared;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// After the start, so that it does not compete with it.
const FIRST_MS: i64 = 5 * MINUTE_MS;
/// After a failure.
const AGAIN_MS: i64 = 10 * MINUTE_MS;

/// Prunes for ever.
pub(crate) async fn keep_pruned(shared: Arc<Shared>) {
    let mut next_ms = shared.clock.now_ms().saturating_add(FIRST_MS);
    loop {
        shared.clock.sleep_until_ms(next_ms).await;
        let now_ms = shared.clock.now_ms();
        let pause_ms = match prune(&shared, now_ms).await {
            Ok(count) => {
                shared.counters.pruned.add(usize::try_from(count).unwrap_or(usize::MAX));
                if count > 0 {
                    tracing::info!(
                        count,
                        days = shared.settings.retention_days,
                        "old events were forgotten"
                    );
                }
                DAY_MS
            }
            // Of sourced records nothing may be forgotten by a store that does not keep what it led to.
            Err(error) if error.kind() == ErrorKind::NotImplemented => DAY_MS,
            Err(_) => AGAIN_MS,
        };
        next_ms = now_ms.saturating_add(pause_ms);
    }
}

async fn prune(shared: &Shared, now_ms: i64) -> Result<u64> {
    let before_ms = |days: u64| {
        let kept_ms = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
        now_ms.saturating_sub(kept_ms)
    };
    let days = shared.settings.retention_days;
    let Some(sourcing) = &shared.settings.sourcing else {
        return shared.store_call(shared.store.prune(before_ms(days))).await;
    };
    let request = PruneRequest {
        before_ms: before_ms(days),
        aggregates_before_ms: before_ms(sourcing.retention_days.max(days)),
        objects: sourcing.objects.clone(),
    };
    shared.store_call(shared.store.prune_but_aggregates(request)).await
}
