//! Failed attempts: slower after some, none at all after more. Counted by account name whether or not there is such an
//! account, so that nothing is told of that, and by address. Counts are in memory; a lock is in the store, so that it holds on
//! every node and over a restart.

use parking_lot::Mutex;
use std::collections::HashMap;

use crate::{
    config::LockoutConfig,
    error::{AuthError, Result},
};

/// Accounts and addresses that are counted at most.
const COUNTED_MAX: usize = 100_000;
/// Longest wait between two attempts, milliseconds.
const WAIT_MAX_MS: i64 = 60_000;

/// Counts failures.
#[derive(Debug)]
pub(crate) struct Guard {
    config: LockoutConfig,
    counted: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    first_ms: i64,
    last_ms: i64,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// Nothing yet.
    None,
    /// The account is to be locked until then, milliseconds since 1970.
    Lock {
        /// End of the lock.
        until_ms: i64,
    },
}

impl Guard {
    pub(crate) fn new(config: LockoutConfig) -> Self {
        Self {
            config,
            counted: Mutex::default(),
        }
    }

    fn window_ms(&self) -> i64 {
        self.config.window_minutes.saturating_mul(60_000)
    }

    /// Whether an attempt may be made now.
    ///
    /// # Errors
    /// `TooMany`.
    pub(crate) fn admit(&self, account: &str, address: &str, now_ms: i64) -> Result<()> {
        let counted = self.counted.lock();
        let known = |key: String| {
            let count = counted.get(&key)?;
            (now_ms - count.first_ms < self.window_ms()).then_some(*count)
        };
        if let Some(count) = known(address_key(address)).filter(|count| count.failures >= self.config.address_attempts)
        {
            return Err(wait(count.first_ms + self.window_ms() - now_ms));
        }
        let Some(count) = known(account_key(account)) else {
            return Ok(());
        };
        let until = count.last_ms + self.pause_ms(count.failures);
        if now_ms < until {
            Err(wait(until - now_ms))
        } else {
            Ok(())
        }
    }

    /// One second after the first failure that counts, and twice as long after each further one.
    fn pause_ms(&self, failures: u32) -> i64 {
        match failures.checked_sub(self.config.slow_after) {
            None => 0,
            Some(over) => 1000_i64
                .checked_shl(over.min(20))
                .unwrap_or(WAIT_MAX_MS)
                .min(WAIT_MAX_MS),
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, account: &str, address: &str, now_ms: i64) -> Consequence {
        let window = self.window_ms();
        let mut counted = self.counted.lock();
        if counted.len() >= COUNTED_MAX {
            counted.retain(|_, count| now_ms - count.first_ms < window);
        }
        if counted.len() >= COUNTED_MAX {
            // A flood of names: what it began with may go, addresses are what counts then.
            counted.retain(|key, _| key.starts_with("address:"));
        }
        let mut count = |key: String| {
            let count = counted.entry(key).or_insert(Count {
                failures: 0,
                first_ms: now_ms,
                last_ms: now_ms,
            });
            if now_ms - count.first_ms >= window {
                (count.failures, count.first_ms) = (0, now_ms);
            }
            count.failures += 1;
            count.last_ms = now_ms;
            count.failures
        };
        count(address_key(address));
        if count(account_key(account)) < self.config.attempts {
            return Consequence::None;
        }
        counted.remove(&account_key(account));
        Consequence::Lock {
            until_ms: now_ms + self.config.lock_minutes.saturating_mul(60_000),
        }
    }

    /// Forgets the failures of an account whose owner signed in.
    pub(crate) fn succeeded(&self, account: &str) {
        self.counted.lock().remove(&account_key(account));
    }
}

/// The refusal that names a time.
pub(crate) fn wait(ms: i64) -> AuthError {
    AuthError::TooMany {
        retry_after_s: ms.max(0).saturating_add(999) / 1000,
    }
}

fn account_key(account: &str) -> String {
    format!("account:{account}")
}

fn address_key(address: &str) -> String {
    format!("address:{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const ADDRESS: &str = "192.0.2.1";

    fn guard() -> Guard {
        Guard::new(LockoutConfig {
            attempts: 5,
            window_minutes: 15,
            lock_minutes: 10,
            address_attempts: 8,
            block_minutes: 60,
            slow_after: 3,
        })
    }

    fn seconds(result: Result<()>) -> Option<i64> {
        match result {
            Ok(()) => None,
            Err(AuthError::TooMany { retry_after_s }) => Some(retry_after_s),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn attempts_become_slower_and_end_in_a_lock() {
        let guard = guard();
        for _ in 0..2 {
            assert_eq!(guard.failed("ada", ADDRESS, NOW), Consequence::None);
            assert_eq!(seconds(guard.admit("ada", ADDRESS, NOW)), None);
        }
        guard.failed("ada", ADDRESS, NOW);
        assert_eq!(seconds(guard.admit("ada", ADDRESS, NOW)), Some(1));
        assert_eq!(seconds(guard.admit("ada", ADDRESS, NOW + 1000)), None);
        guard.failed("ada", ADDRESS, NOW + 1000);
        assert_eq!(seconds(guard.admit("ada", ADDRESS, NOW + 1000)), Some(2));
        assert_eq!(
            guard.failed("ada", ADDRESS, NOW + 3000),
            Consequence::Lock {
                until_ms: NOW + 3000 + 600_000
            }
        );
        assert_eq!(seconds(guard.admit("bob", ADDRESS, NOW + 3000)), None);
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let guard = guard();
        for number in 0..8 {
            assert_eq!(seconds(guard.admit("x", ADDRESS, NOW)), None, "{number}");
            guard.failed(&format!("account {number}"), ADDRESS, NOW);
        }
        assert_eq!(seconds(guard.admit("x", ADDRESS, NOW)), Some(900));
        assert_eq!(seconds(guard.admit("x", "192.0.2.2", NOW)), None);
        assert_eq!(seconds(guard.admit("x", ADDRESS, NOW + 900_000)), None);
    }

    #[test]
    fn a_success_clears_the_account() {
        let guard = guard();
        for _ in 0..4 {
            guard.failed("ada", ADDRESS, NOW);
        }
        guard.succeeded("ada");
        assert_eq!(seconds(guard.admit("ada", ADDRESS, NOW)), None);
    }
}
