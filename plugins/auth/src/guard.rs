//! Failed attempts: slower after some, none at all after more. Counted by account name whether or not there is such an
//! account, so that nothing is told of that, and by address. Each failure is a record for as long as it counts, beside the
//! locks: so neither a restart nor another node gives new attempts, and of many at once none is lost.

use objectos_plugin_api::Context;
use serde_json::json;

use crate::{
    auth::Auth,
    config::LockoutConfig,
    error::{AuthError, Result},
    moment,
    records::{PAGE, kinds::Verification, making},
};

/// Longest wait between two attempts, milliseconds.
const WAIT_MAX_MS: i64 = 60_000;
/// Failures of an address that are told apart: there is room for those of an account in what is read at once.
const ADDRESS_MAX: u32 = 500;

/// An attempt that was admitted.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    account: String,
    address: String,
    /// Records of the account's failures until then.
    known: Vec<String>,
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

fn account_key(account: &str) -> String {
    format!("failed:account:{account}")
}

fn address_key(address: &str) -> String {
    format!("failed:address:{address}")
}

impl LockoutConfig {
    fn window_ms(&self) -> i64 {
        self.window_minutes.saturating_mul(60_000)
    }

    /// One second after the first failure that counts, and twice as long after each further one.
    fn pause_ms(&self, failures: u32) -> i64 {
        match failures.checked_sub(self.slow_after) {
            None => 0,
            Some(over) => 1000_i64
                .checked_shl(over.min(20))
                .unwrap_or(WAIT_MAX_MS)
                .min(WAIT_MAX_MS),
        }
    }

    /// Whether an attempt may be made now, after failures at these moments.
    ///
    /// # Errors
    /// `TooMany`.
    fn admit(&self, account: &[i64], address: &[i64], now_ms: i64) -> Result<()> {
        let mut latest_first = address.to_vec();
        latest_first.sort_unstable();
        latest_first.reverse();
        let most = usize::try_from(self.address_attempts.min(ADDRESS_MAX)).unwrap_or(usize::MAX);
        if let Some(oldest) = most.checked_sub(1).and_then(|index| latest_first.get(index)) {
            return Err(wait(oldest + self.window_ms() - now_ms));
        }
        let Some(last) = account.iter().max() else {
            return Ok(());
        };
        let failures = u32::try_from(account.len()).unwrap_or(u32::MAX);
        let until = last + self.pause_ms(failures);
        if now_ms < until {
            Err(wait(until - now_ms))
        } else {
            Ok(())
        }
    }
}

impl Auth {
    /// Admits an attempt, unless too many failed before.
    ///
    /// # Errors
    /// `TooMany`.
    pub(crate) async fn admit(&self, context: &Context, account: &str, address: &str) -> Result<Attempt> {
        let (account, address) = (account_key(account), address_key(address));
        let now_ms = self.now_ms();
        let failures = self.failures(context, &[&account, &address], now_ms).await?;
        let lockout = &self.config.lockout;
        let moments = |key: &str| -> Vec<i64> {
            let of_key = failures.iter().filter(|failure| failure.identifier == key);
            let end = |failure: &Verification| failure.expires_at.as_deref().map_or(0, moment::ms);
            of_key.map(|failure| end(failure) - lockout.window_ms()).collect()
        };
        lockout.admit(&moments(&account), &moments(&address), now_ms)?;
        let known = failures
            .into_iter()
            .filter(|failure| failure.identifier == account)
            .map(|failure| failure.id);
        Ok(Attempt {
            known: known.collect(),
            account,
            address,
        })
    }

    /// What counts of the failures under these keys.
    async fn failures(&self, context: &Context, keys: &[&String], now_ms: i64) -> Result<Vec<Verification>> {
        let query = json!({
            "where": { "identifier": { "$in": keys }, "expires_at": { "$gt": moment::text(now_ms) } },
            "limit": PAGE, "count": false,
            "orderBy": [{ "field": "expires_at", "order": "desc" }],
        });
        self.records.query(context, query).await
    }

    /// Counts a failure.
    pub(crate) async fn failed(&self, context: &Context, attempt: &Attempt) -> Result<Consequence> {
        let now_ms = self.now_ms();
        let lockout = &self.config.lockout;
        let end = moment::text(now_ms + lockout.window_ms());
        let failure = |key: &str| making::<Verification>(&json!({ "identifier": key, "expires_at": end }));
        let operations = vec![failure(&attempt.account), failure(&attempt.address)];
        self.records.transaction(context, operations).await?;
        let failures = self.failures(context, &[&attempt.account], now_ms).await?;
        if u32::try_from(failures.len()).unwrap_or(u32::MAX) < lockout.attempts {
            return Ok(Consequence::None);
        }
        for failure in &failures {
            self.records.delete::<Verification>(context, &failure.id).await?;
        }
        Ok(Consequence::Lock {
            until_ms: now_ms + lockout.lock_minutes.saturating_mul(60_000),
        })
    }

    /// Forgets the failures of an account whose owner showed up.
    pub(crate) async fn succeeded(&self, context: &Context, attempt: &Attempt) -> Result<()> {
        for failure in &attempt.known {
            self.records.delete::<Verification>(context, failure).await?;
        }
        Ok(())
    }

    /// Forgets the failures of an account.
    pub(crate) async fn forget_failures(&self, context: &Context, account: &str) -> Result<()> {
        let account = account_key(account);
        for failure in self.failures(context, &[&account], self.now_ms()).await? {
            self.records.delete::<Verification>(context, &failure.id).await?;
        }
        Ok(())
    }
}

/// The refusal that names a time.
pub(crate) fn wait(ms: i64) -> AuthError {
    AuthError::TooMany {
        retry_after_s: ms.max(0).saturating_add(999) / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    /// Seconds to wait.
    fn check(account: &[i64], address: &[i64], now_ms: i64, expected: Option<i64>) {
        let config = LockoutConfig {
            attempts: 5,
            window_minutes: 15,
            lock_minutes: 10,
            address_attempts: 8,
            block_minutes: 60,
            slow_after: 3,
        };
        let seconds = match config.admit(account, address, now_ms) {
            Ok(()) => None,
            Err(AuthError::TooMany { retry_after_s }) => Some(retry_after_s),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(seconds, expected, "{account:?} {address:?} {now_ms}");
    }

    #[test]
    fn attempts_become_slower() {
        check(&[], &[], NOW, None);
        check(&[NOW; 2], &[NOW; 2], NOW, None);
        check(&[NOW; 3], &[NOW; 3], NOW, Some(1));
        check(&[NOW; 3], &[NOW; 3], NOW + 1000, None);
        let four = [NOW, NOW + 1000, NOW, NOW];
        check(&four, &four, NOW + 1000, Some(2));
        check(&[NOW; 12], &[], NOW, Some(60));
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        check(&[], &[NOW; 7], NOW, None);
        check(&[], &[NOW; 8], NOW, Some(900));
        // As soon as the first of the last eight is out of the window.
        let mut moments = [NOW + 60_000; 9];
        moments[3] = NOW;
        check(&[], &moments, NOW + 60_000, Some(900));
        let mut moments = [NOW + 60_000; 8];
        moments[3] = NOW;
        check(&[], &moments, NOW + 60_000, Some(840));
    }
}
