//! How long to wait before the next attempt, and when to give up: the protocol's `RetryPolicy` (fixed, linear,
//! exponential) and the `retry` of a single handler (a start and a factor) in one form.

use objectos_plugin_api::protocol::kernel::{BackoffStrategy, HandlerRetry, RetryPolicy};

/// Attempts after the first and the waits between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// Attempts after the first; 0 is none.
    pub retries_max: u64,
    first_ms: u64,
    longest_ms: u64,
    growth: Growth,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Growth {
    Fixed,
    Linear,
    Factor(f64),
}

impl Backoff {
    /// From the policy of a queue or of a webhook.
    #[must_use]
    pub fn from_policy(policy: &RetryPolicy) -> Self {
        Self {
            retries_max: policy.max_retries,
            first_ms: policy.initial_delay_ms,
            longest_ms: policy.max_delay_ms,
            growth: match policy.backoff_strategy {
                BackoffStrategy::Fixed => Growth::Fixed,
                BackoffStrategy::Linear => Growth::Linear,
                BackoffStrategy::Exponential => Growth::Factor(2.0),
            },
        }
    }

    /// From the settings of a handler. They name no longest wait, so the queue's holds, unless the first is longer already.
    #[must_use]
    pub fn from_handler(retry: &HandlerRetry, queue: &RetryPolicy) -> Self {
        Self {
            retries_max: retry.max_retries,
            first_ms: retry.backoff_ms,
            longest_ms: queue.max_delay_ms.max(retry.backoff_ms),
            growth: Growth::Factor(retry.backoff_multiplier),
        }
    }

    /// Wait after so many failed attempts, milliseconds; `None` when there is no further attempt.
    #[must_use]
    pub fn delay_ms(&self, failures: u32) -> Option<i64> {
        if failures == 0 || u64::from(failures) > self.retries_max {
            return None;
        }
        let delay_ms = match self.growth {
            Growth::Fixed => self.first_ms,
            Growth::Linear => self.first_ms.saturating_mul(u64::from(failures)),
            Growth::Factor(factor) => grown(self.first_ms, factor, failures - 1, self.longest_ms),
        };
        Some(i64::try_from(delay_ms.min(self.longest_ms)).unwrap_or(i64::MAX))
    }
}

/// Multiplied step by step in whole milliseconds, until it is too long anyway: no float is ever turned into an integer.
fn grown(first_ms: u64, factor: f64, steps: u32, longest_ms: u64) -> u64 {
    // A factor in thousandths; the schema lets every positive number through.
    let thousandths = format!("{:.0}", (factor * 1_000.0).clamp(1.0, 1e12))
        .parse::<u64>()
        .unwrap_or(1_000);
    let mut delay_ms = first_ms;
    for _ in 0..steps {
        let next = u128::from(delay_ms) * u128::from(thousandths) / 1_000;
        let next = u64::try_from(next).unwrap_or(u64::MAX);
        if next == delay_ms {
            break;
        }
        delay_ms = next;
        if delay_ms >= longest_ms && thousandths >= 1_000 {
            return longest_ms;
        }
    }
    delay_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(
        backoff_strategy: BackoffStrategy,
        max_retries: u64,
        initial_delay_ms: u64,
        max_delay_ms: u64,
    ) -> RetryPolicy {
        RetryPolicy {
            max_retries,
            backoff_strategy,
            initial_delay_ms,
            max_delay_ms,
        }
    }

    fn table(backoff: &Backoff) -> Vec<i64> {
        (1..).map_while(|failures| backoff.delay_ms(failures)).collect()
    }

    #[test]
    fn waits_grow_as_their_strategy_says() {
        for (strategy, expected) in [
            (BackoffStrategy::Fixed, [1_000, 1_000, 1_000, 1_000, 1_000]),
            (BackoffStrategy::Linear, [1_000, 2_000, 3_000, 4_000, 5_000]),
            (BackoffStrategy::Exponential, [1_000, 2_000, 4_000, 6_000, 6_000]),
        ] {
            assert_eq!(
                table(&Backoff::from_policy(&policy(strategy, 5, 1_000, 6_000))),
                expected,
                "{strategy:?}"
            );
        }
    }

    #[test]
    fn a_handler_s_own_waits_grow_by_its_factor() {
        let queue = policy(BackoffStrategy::Fixed, 9, 1, 60_000);
        for (backoff_ms, backoff_multiplier, expected) in [
            (1_000, 2.0, vec![1_000, 2_000, 4_000, 8_000]),
            (1_000, 1.5, vec![1_000, 1_500, 2_250, 3_375]),
            (1_000, 1.0, vec![1_000, 1_000, 1_000, 1_000]),
            (1_000, 0.5, vec![1_000, 500, 250, 125]),
            (1_000, 1e300, vec![1_000, 60_000, 60_000, 60_000]),
            (90_000, 2.0, vec![90_000, 90_000, 90_000, 90_000]),
        ] {
            let retry = HandlerRetry {
                max_retries: 4,
                backoff_ms,
                backoff_multiplier,
            };
            assert_eq!(table(&Backoff::from_handler(&retry, &queue)), expected, "{retry:?}");
        }
    }

    #[test]
    fn no_retries_is_no_wait() {
        let backoff = Backoff::from_policy(&policy(BackoffStrategy::Exponential, 0, 1_000, 6_000));
        assert_eq!(backoff.delay_ms(1), None);
        let endless = Backoff::from_policy(&policy(BackoffStrategy::Exponential, u64::MAX, 1_000, 6_000));
        assert_eq!(endless.delay_ms(u32::MAX), Some(6_000));
    }
}
