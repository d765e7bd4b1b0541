//! Forgets done events when their retention (`persistence.retention`, days) is over, in the store, in the archive and
//! in the streams of sourced records: soon after the start, then daily. Events of records that are sourced have a
//! retention of their own.

use objectos_plugin_api::{ErrorKind, Result, contracts::event_store::PruneRequest};
use std::sync::Arc;

use super::{
    shared::Shared,
    sourcing::{self, Sourcing},
};

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
        let mut pause_ms = DAY_MS;
        let pruned = [
            prune(&shared, now_ms).await,
            prune_archive(&shared, now_ms).await,
            prune_streams(&shared, now_ms).await,
        ];
        for pruned in pruned {
            match pruned {
                Ok(count) => tell(&shared, count),
                // Of sourced records nothing may be forgotten by a store that does not keep what it led to.
                Err(error) if error.kind() == ErrorKind::NotImplemented => {}
                Err(_) => pause_ms = AGAIN_MS,
            }
        }
        next_ms = now_ms.saturating_add(pause_ms);
    }
}

fn tell(shared: &Shared, count: u64) {
    shared.counters.pruned.add(usize::try_from(count).unwrap_or(usize::MAX));
    if count > 0 {
        tracing::info!(
            count,
            days = shared.settings.retention_days,
            "old events were forgotten"
        );
    }
}

fn before_ms(now_ms: i64, days: u64) -> i64 {
    let kept_ms = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
    now_ms.saturating_sub(kept_ms)
}

async fn prune_archive(shared: &Shared, now_ms: i64) -> Result<u64> {
    let Some(archive) = &shared.archive else {
        return Ok(0);
    };
    let old = archive.port.prune(before_ms(now_ms, shared.settings.retention_days));
    archive.keeper.call(shared, old).await
}

async fn prune_streams(shared: &Shared, now_ms: i64) -> Result<u64> {
    let Some(sourcing) = &shared.settings.sourcing else {
        return Ok(0);
    };
    sourcing::prune(shared, old_records(shared, sourcing, now_ms)).await
}

/// Also where streams are outside of the store: what could not be moved there yet is kept for as long.
async fn prune(shared: &Shared, now_ms: i64) -> Result<u64> {
    let Some(sourcing) = &shared.settings.sourcing else {
        let before_ms = before_ms(now_ms, shared.settings.retention_days);
        return shared.store_call(shared.store.prune(before_ms)).await;
    };
    let request = old_records(shared, sourcing, now_ms);
    shared.store_call(shared.store.prune_but_aggregates(request)).await
}

fn old_records(shared: &Shared, sourcing: &Sourcing, now_ms: i64) -> PruneRequest {
    let days = shared.settings.retention_days;
    PruneRequest {
        before_ms: before_ms(now_ms, days),
        aggregates_before_ms: before_ms(now_ms, sourcing.retention_days.max(days)),
        objects: sourcing.objects.clone(),
    }
}
