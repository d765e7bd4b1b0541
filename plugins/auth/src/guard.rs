//! Failed attempts: slower after some, none at all after more. Counted by account name whether or not there is such an
//! account, so that nothing is told of that, and by address. Registrations are counted by address alone, and by themselves. Each failure is a record for as long as it counts, beside the
//! locks: so neither a restart nor another node gives new attempts, and of many at once none is lost.
//!
//! An attempt is counted from the moment it is let in: [`line`] has those under way, in memory, and what is let in is bound by
//! both together. So of many guesses at once no more are looked at than one after the other. Lines are each node's own: `n` nodes
//! look at most at `n` times as many at once, before the failures of all are in the store. An attempt that succeeds writes
//! nothing for that.

pub(crate) mod line;

use futures_util::future::select;
use objectos_plugin_api::{Context, contracts::data::EventBeside};
use serde_json::json;
use std::{pin::pin, sync::Arc, time::Duration};

use self::line::Place;
use crate::{
    auth::Auth,
    config::LockoutConfig,
    error::{AuthError, Refusal, Result},
    lock::{check_lock, lock_id},
    moment,
    records::{PAGE, deleting_based_on, kinds::Verification, making},
};

/// Longest wait between two attempts, milliseconds.
const WAIT_MAX_MS: i64 = 60_000;
/// Failures of an address that are told apart: there is room for those of an account in what is read at once.
const ADDRESS_MAX: u32 = 500;
/// Attempts that wait for others of the same account or address, at most.
const WAITING_MAX: usize = 1000;
/// How long an attempt waits for any of those ahead to come to its end: far longer than one takes.
const WAIT_LIMIT: Duration = Duration::from_secs(10);
/// Characters of an attempt's id.
const ID_CHARS: usize = 24;
/// What somebody waits who meets the limit before the lock is there, milliseconds.
const LOCKING_MS: i64 = 1000;

/// An attempt that was admitted. It is under way until it is dropped: keep it until its end is in the store.
#[derive(Debug)]
pub(crate) struct Attempt {
    account: String,
    place: Place,
    /// Records of the account's failures until then.
    known: Vec<String>,
    /// Too many failures lock the account.
    locks: bool,
    /// A lock of the account that has come to its end.
    over: Option<Verification>,
}

impl Attempt {
    /// A lock of the account has come to its end, and goes when the attempt succeeds.
    pub(crate) fn unlocks(&self) -> bool {
        self.over.is_some()
    }
}

/// What stands against an account and an address.
#[derive(Debug, Default)]
struct Standing {
    failures: Vec<Verification>,
    lock: Option<Verification>,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// Nothing yet.
    None,
    /// The account is locked; another attempt did it.
    Limit,
    /// The account was locked just now.
    Locked,
}

/// Whether too many failures lock an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// They do: its attempts are guesses at something secret.
    Guesses,
    /// They only have to wait, longer each time.
    Requests,
    /// Neither: many people may share the address that they are counted by. So many are taken within the window, and another one
    /// whenever the oldest is out of it.
    Registrations,
}

/// Whose turn it is.
enum Turn {
    /// The attempt's: these are the records of the account's failures, and its lock.
    Now(Vec<String>, Option<Verification>),
    /// Others are ahead, and it depends on them.
    Later,
}

/// The record of an attempt's failure, under the account (0) or the address (1).
fn record_id(attempt: &str, line: usize) -> String {
    format!("fl{line}_{attempt}")
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

    /// Failures within the window after which an account or registrations, and an address, take no attempt of this kind.
    fn most(&self, kind: Kind) -> [usize; 2] {
        let (account, address) = match kind {
            Kind::Guesses | Kind::Requests => (self.attempts, self.address_attempts),
            Kind::Registrations => (self.sign_up_attempts, self.sign_up_attempts),
        };
        [account, address.min(ADDRESS_MAX)].map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// Whether an attempt may be made now, after failures at these moments; of an address there may be `most`.
    ///
    /// # Errors
    /// `TooMany`.
    fn admit(&self, account: &[i64], address: &[i64], most: usize, now_ms: i64) -> Result<()> {
        let mut latest_first = address.to_vec();
        latest_first.sort_unstable();
        latest_first.reverse();
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
    /// Admits an attempt that is one of many requests, unless too many came before.
    ///
    /// # Errors
    /// `TooMany`; `Busy` when too many wait, or those ahead do not come to their end.
    pub(crate) async fn admit(&self, context: &Context, account: &str, address: &str) -> Result<Attempt> {
        self.admit_as(context, account, address, Kind::Requests).await
    }

    /// Admits a guess at something secret, unless too many failed before: then the account is locked.
    ///
    /// # Errors
    /// `TooMany`.
    pub(crate) async fn admit_guess(&self, context: &Context, account: &str, address: &str) -> Result<Attempt> {
        self.admit_as(context, account, address, Kind::Guesses).await
    }

    /// Admits a registration, unless too many came from the address: it waits until the first of them is out of the window.
    ///
    /// # Errors
    /// As [`Auth::admit`].
    pub(crate) async fn admit_registration(&self, context: &Context, address: &str) -> Result<Attempt> {
        self.admit_as(context, address, address, Kind::Registrations).await
    }

    async fn admit_as(&self, context: &Context, account: &str, address: &str, kind: Kind) -> Result<Attempt> {
        let keys = [account_key(account), address_key(address)];
        let place = self.lines.join(keys, &self.secrets.token(ID_CHARS));
        loop {
            let ended = place.ended();
            // Made before it is looked who is ahead: whoever ends from here on is heard.
            let of_account = pin!(ended[0].notified());
            let of_address = pin!(ended[1].notified());
            let Turn::Now(known, lock) = self.turn(context, &place, account, kind).await? else {
                let ended = select(of_account, of_address);
                if tokio::time::timeout(WAIT_LIMIT, ended).await.is_err() {
                    return Err(Refusal::Busy.into());
                }
                continue;
            };
            // Read together with the failures: a lock is made before they are taken away, so one of the two is seen.
            if let Some(lock) = &lock {
                check_lock(lock, self.now_ms())?;
            }
            return Ok(Attempt {
                account: account.to_owned(),
                place,
                known,
                locks: kind == Kind::Guesses,
                over: lock,
            });
        }
    }

    /// Whether it is an attempt's turn: those ahead count as if they failed.
    ///
    /// # Errors
    /// `TooMany` by what failed already; `Busy` when too many wait.
    async fn turn(&self, context: &Context, place: &Place, account: &str, kind: Kind) -> Result<Turn> {
        let lockout = &self.config.lockout;
        let most = lockout.most(kind);
        let ahead = place.ahead();
        if ahead.iter().any(|ahead| ahead.len() >= WAITING_MAX) {
            return Err(Refusal::Busy.into());
        }
        if ahead.iter().zip(most).any(|(ahead, most)| ahead.len() >= most) {
            return Ok(Turn::Later);
        }
        let now_ms = self.now_ms();
        let [of_account, of_address] = place.keys();
        let lock = (kind == Kind::Guesses).then(|| lock_id(account));
        let Standing { failures, lock } = self
            .standing(context, &[of_account, of_address], lock.as_deref(), now_ms)
            .await?;
        let of = |key: &str| -> Vec<&Verification> {
            let of_key = failures.iter().filter(|failure| failure.identifier == key);
            of_key.collect()
        };
        let (of_account, of_address) = (of(of_account), of(of_address));
        let waits = |line: usize, stored: &[&Verification]| {
            let told = |id: &Arc<str>| stored.iter().any(|failure| failure.id == record_id(id, line));
            let open = ahead[line].iter().filter(|&id| !told(id)).count();
            open > 0 && stored.len() + open >= most[line]
        };
        if waits(0, &of_account) || waits(1, &of_address) {
            return Ok(Turn::Later);
        }
        if kind == Kind::Guesses && of_account.len() >= most[0] {
            return Err(wait(LOCKING_MS));
        }
        let moments = |failures: &[&Verification]| -> Vec<i64> {
            let end = |failure: &&Verification| failure.expires_at.as_deref().map_or(0, moment::ms);
            failures
                .iter()
                .map(|failure| end(failure) - lockout.window_ms())
                .collect()
        };
        let slowing = match kind {
            Kind::Guesses | Kind::Requests => moments(&of_account),
            Kind::Registrations => Vec::new(),
        };
        lockout.admit(&slowing, &moments(&of_address), most[1], now_ms)?;
        let known = of_account.iter().map(|failure| failure.id.clone());
        Ok(Turn::Now(known.collect(), lock))
    }

    /// What counts of the failures under these keys, and a lock by its id, in force or over.
    async fn standing(&self, context: &Context, keys: &[&str], lock: Option<&str>, now_ms: i64) -> Result<Standing> {
        let counts = json!({ "identifier": { "$in": keys }, "expires_at": { "$gt": moment::text(now_ms) } });
        let query = json!({
            "where": match lock {
                Some(lock) => json!({ "$or": [counts, { "id": lock }] }),
                None => counts,
            },
            "limit": PAGE, "count": false,
            "orderBy": [{ "field": "expires_at", "order": "desc" }],
        });
        let mut failures: Vec<Verification> = self.records.query(context, query).await?;
        let place = failures.iter().position(|found| lock == Some(found.id.as_str()));
        let lock = place.map(|place| failures.remove(place));
        Ok(Standing { failures, lock })
    }

    /// What counts of the failures under one key.
    async fn failures(&self, context: &Context, key: &str, now_ms: i64) -> Result<Vec<Verification>> {
        Ok(self.standing(context, &[key], None, now_ms).await?.failures)
    }

    /// Counts a failure, and locks the account when there were too many: also one that does not exist. `wrong` is told with the
    /// failure, `locked` with the lock if it is this one that brings it.
    pub(crate) async fn failed(
        &self,
        context: &Context,
        attempt: &Attempt,
        wrong: Vec<EventBeside>,
        locked: Vec<EventBeside>,
    ) -> Result<Consequence> {
        let now_ms = self.now_ms();
        let lockout = &self.config.lockout;
        let end = moment::text(now_ms + lockout.window_ms());
        let keys = attempt.place.keys();
        let failure = |line: usize| {
            let id = record_id(attempt.place.id(), line);
            making::<Verification>(&json!({ "id": id, "identifier": keys[line], "expires_at": end }))
        };
        let both = vec![failure(0), failure(1)];
        self.records.transaction(context, both, wrong).await?;
        if !attempt.locks {
            return Ok(Consequence::None);
        }
        let failures = self.failures(context, &keys[0], now_ms).await?;
        if u32::try_from(failures.len()).unwrap_or(u32::MAX) < lockout.attempts {
            return Ok(Consequence::None);
        }
        let until_ms = now_ms + lockout.lock_minutes.saturating_mul(60_000);
        // First the lock: whoever looks in between sees it, or the failures.
        let first = self.lock(context, &attempt.account, until_ms, locked).await?;
        for failure in &failures {
            self.records.delete::<Verification>(context, &failure.id).await?;
        }
        Ok(if first { Consequence::Locked } else { Consequence::Limit })
    }

    /// Forgets the failures of an account whose owner showed up, and a lock that is over; `unlocked` is told with its end.
    pub(crate) async fn succeeded(
        &self,
        context: &Context,
        attempt: &Attempt,
        unlocked: Vec<EventBeside>,
    ) -> Result<()> {
        for failure in &attempt.known {
            self.records.delete::<Verification>(context, failure).await?;
        }
        let Some(over) = &attempt.over else {
            return Ok(());
        };
        let end = vec![deleting_based_on::<Verification>(&over.id, &over.updated_at)];
        match self.records.transaction(context, end, unlocked).await {
            // It is gone already, or another one took its place.
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Forgets the failures of an account.
    pub(crate) async fn forget_failures(&self, context: &Context, account: &str) -> Result<()> {
        let account = account_key(account);
        for failure in self.failures(context, &account, self.now_ms()).await? {
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
            sign_up_attempts: 6,
            block_minutes: 60,
            slow_after: 3,
        };
        let [_, most] = config.most(Kind::Guesses);
        let seconds = match config.admit(account, address, most, now_ms) {
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
