//! A rate limit: so many a second, with a burst. What is over the limit is counted, so that it can be told of.

use objectos_plugin_api::private::monotonic_ns;
use parking_lot::Mutex;

const SECOND_NS: u64 = 1_000_000_000;

/// Lets through `burst` at once and `per_second` in the long run.
#[derive(Debug)]
pub(crate) struct Limiter {
    state: Mutex<State>,
    /// Nanoseconds that one admission costs.
    cost_ns: u64,
    /// Nanoseconds of credit at most.
    burst_ns: u64,
}

#[derive(Debug)]
struct State {
    /// When the credit would be used up, by the monotonic clock.
    credit_from_ns: u64,
    refused: u64,
}

/// The answer of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Go on; so many were refused since the last time it went on.
    Granted {
        refused_before: u64,
    },
    Refused,
}

impl Limiter {
    /// `per_second` and `burst` of 0 count as 1.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let cost_ns = (SECOND_NS / u64::from(per_second.max(1))).max(1);
        let burst_ns = cost_ns.saturating_mul(u64::from(burst.max(1)));
        Self {
            state: Mutex::new(State {
                credit_from_ns: 0,
                refused: 0,
            }),
            cost_ns,
            burst_ns,
        }
    }

    /// Asks for one.
    pub(crate) fn admit(&self) -> Admission {
        self.admit_at(monotonic_ns())
    }

    fn admit_at(&self, now_ns: u64) -> Admission {
        let mut state = self.state.lock();
        let from = state.credit_from_ns.max(now_ns.saturating_sub(self.burst_ns));
        if now_ns.saturating_sub(from) < self.cost_ns {
            state.refused += 1;
            return Admission::Refused;
        }
        state.credit_from_ns = from + self.cost_ns;
        Admission::Granted {
            refused_before: std::mem::take(&mut state.refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Limiter, SECOND_NS};

    #[test]
    fn a_burst_passes_the_rest_is_counted_and_time_heals() {
        let limiter = Limiter::new(10, 3);
        let start = 100 * SECOND_NS;
        let granted = |refused_before| Admission::Granted { refused_before };
        for _ in 0..3 {
            assert_eq!(limiter.admit_at(start), granted(0));
        }
        for _ in 0..5 {
            assert_eq!(limiter.admit_at(start), Admission::Refused);
        }
        let tenth = SECOND_NS / 10;
        assert_eq!(limiter.admit_at(start + tenth), granted(5));
        assert_eq!(limiter.admit_at(start + tenth), Admission::Refused);
        for _ in 0..3 {
            assert!(matches!(
                limiter.admit_at(start + 60 * SECOND_NS),
                Admission::Granted { .. }
            ));
        }
        assert_eq!(limiter.admit_at(start + 60 * SECOND_NS), Admission::Refused);
    }
}
