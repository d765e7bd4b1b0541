//! The wait before a restart.

use objectos_protocol::kernel::BackoffStrategy;

/// Milliseconds before restart number `restarts` + 1 in a row: none before the first, then `base_ms` growing by the
/// strategy, at most `max_ms`.
pub(super) fn wait_ms(strategy: BackoffStrategy, restarts: u64, base_ms: u64, max_ms: u64) -> u64 {
    if restarts == 0 {
        return 0;
    }
    let wait = match strategy {
        BackoffStrategy::Fixed => base_ms,
        BackoffStrategy::Linear => base_ms.saturating_mul(restarts),
        BackoffStrategy::Exponential => {
            let doublings = u32::try_from(restarts - 1).unwrap_or(u32::MAX);
            base_ms.saturating_mul(2_u64.checked_pow(doublings).unwrap_or(u64::MAX))
        }
    };
    wait.min(max_ms)
}

#[cfg(test)]
mod tests {
    use super::{BackoffStrategy, wait_ms};

    #[test]
    fn waits_grow_as_the_strategy_says_and_end_at_the_limit() {
        let check = |strategy, expected: [u64; 6]| {
            let waits: Vec<u64> = (0..6).map(|restarts| wait_ms(strategy, restarts, 100, 1000)).collect();
            assert_eq!(waits, expected, "{strategy:?}");
        };
        check(BackoffStrategy::Fixed, [0, 100, 100, 100, 100, 100]);
        check(BackoffStrategy::Linear, [0, 100, 200, 300, 400, 500]);
        check(BackoffStrategy::Exponential, [0, 100, 200, 400, 800, 1000]);
        assert_eq!(wait_ms(BackoffStrategy::Exponential, u64::MAX, 100, 1000), 1000);
    }
}
