//! Locks and blocks: accounts that take no sign-ins for a while, whether or not there are such accounts, and addresses from which
//! nothing is taken. Both lie in the store, so that they hold on every node and over a restart. Which addresses are blocked is
//! also in memory, since every request is held to it; `watch` says when that is to be read again. An IPv6 address stands for its
//! network ([`counted_address`]).

use objectos_plugin_api::{Context, contracts::data::EventBeside, counted_address};
use parking_lot::RwLock;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{
    auth::Auth,
    crypto::{hash_text, hash_token},
    error::{AuthError, Refusal, Result},
    guard::wait,
    moment,
    records::{
        Record, changing_based_on,
        kinds::{BlockedAddress, Verification},
    },
};

/// How often a lock or a block is set that others change at the same time.
const TRIES: usize = 8;
/// Object with the blocked addresses.
pub(crate) const BLOCKED: &str = BlockedAddress::OBJECT;

/// The blocked addresses, each with the end of its block, milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    any: AtomicBool,
    /// Readings that were begun.
    begun: AtomicU64,
    known: RwLock<Known>,
}

/// What one reading brought.
#[derive(Debug, Default)]
struct Known {
    reading: u64,
    ends: HashMap<String, i64>,
}

impl Blocks {
    /// Whether something that comes from an address is taken.
    ///
    /// # Errors
    /// `AddressBlocked`.
    pub(crate) fn admit(&self, address: &str, now_ms: i64) -> Result<()> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.known.read().ends.get(&*counted_address(address)) {
            Some(end_ms) if now_ms < *end_ms => Err(Refusal::AddressBlocked.into()),
            _ => Ok(()),
        }
    }

    /// Begins to read them.
    fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Takes what a reading brought, unless one that began later was faster: that one knows more.
    fn set(&self, reading: u64, blocked: impl Iterator<Item = (String, i64)>) {
        let mut known = self.known.write();
        if reading < known.reading {
            return;
        }
        let mut ends: HashMap<String, i64> = HashMap::new();
        for (address, end_ms) in blocked {
            let longest_ms = ends.entry(counted_address(&address).into_owned()).or_insert(end_ms);
            *longest_ms = end_ms.max(*longest_ms);
        }
        self.any.store(!ends.is_empty(), Ordering::Release);
        *known = Known { reading, ends };
    }
}

/// What an id has room for beside the mark of a lock.
const KEY_CHARS_MAX: usize = 61;

/// Id of the record that locks an account.
pub(crate) fn lock_id(account_key: &str) -> String {
    let plain = account_key.len() <= KEY_CHARS_MAX
        && account_key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain {
        return format!("lk_{account_key}");
    }
    // Ids of records take neither its marks nor any length.
    let hash = hash_text(&hash_token(account_key));
    format!("lk_{}", hash.get(..KEY_CHARS_MAX).unwrap_or(&hash))
}

fn end_ms(lock: &Verification) -> i64 {
    lock.expires_at.as_deref().map_or(0, moment::ms)
}

/// Refuses while a lock holds.
///
/// # Errors
/// `TooMany`.
pub(crate) fn check_lock(lock: &Verification, now_ms: i64) -> Result<()> {
    let until = end_ms(lock);
    if now_ms < until {
        return Err(wait(until - now_ms));
    }
    Ok(())
}

impl Auth {
    /// Locks an account until a moment, or for longer if it was locked for longer. False when it was locked already, and then
    /// nothing is told.
    pub(crate) async fn lock(
        &self,
        context: &Context,
        account_key: &str,
        until_ms: i64,
        told: Vec<EventBeside>,
    ) -> Result<bool> {
        for _ in 0..TRIES {
            if let Some(anew) = self.try_lock(context, account_key, until_ms, &told).await? {
                return Ok(anew);
            }
        }
        Err(AuthError::Internal(
            "a lock was changed by others each time it was to be set".to_owned(),
        ))
    }

    /// The same; none when somebody else changed the lock, or took it away, since it was read.
    async fn try_lock(
        &self,
        context: &Context,
        account_key: &str,
        until_ms: i64,
        told: &[EventBeside],
    ) -> Result<Option<bool>> {
        let id = lock_id(account_key);
        let end = moment::text(until_ms);
        let lock = json!({ "id": id, "identifier": "lock", "expires_at": end });
        let created = self
            .records
            .create_telling::<Verification>(context, &lock, told.to_vec())
            .await;
        match created {
            Ok(_) => return Ok(Some(true)),
            Err(error) if error.duplicate().is_some() => {}
            Err(error) => return Err(error),
        }
        let Some(known) = self.records.get::<Verification>(context, &id).await? else {
            return Ok(None);
        };
        if until_ms <= end_ms(&known) {
            return Ok(Some(false));
        }
        // One that is over locks nothing any more, whether or not somebody took it away.
        let anew = end_ms(&known) <= self.now_ms();
        let longer = json!({ "expires_at": end });
        let change = vec![changing_based_on::<Verification>(&id, &longer, &known.updated_at)];
        let told = if anew { told.to_vec() } else { Vec::new() };
        match self.records.transaction(context, change, told).await {
            Ok(_) => Ok(Some(anew)),
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock of a password away; false when there was none, and then nothing is told.
    pub(crate) async fn unlock(&self, context: &Context, email: &str, told: Vec<EventBeside>) -> Result<bool> {
        self.unlock_key(context, &self.secrets.lookup(email), told).await
    }

    /// Takes a lock away, and the failures that led to it; false when there was none, and then nothing is told.
    pub(crate) async fn unlock_key(
        &self,
        context: &Context,
        account_key: &str,
        told: Vec<EventBeside>,
    ) -> Result<bool> {
        self.forget_failures(context, account_key).await?;
        self.records
            .delete_telling::<Verification>(context, &lock_id(account_key), told)
            .await
    }

    /// Takes nothing from an address until a moment, and tells of it.
    pub(crate) async fn block(
        &self,
        context: &Context,
        address: &str,
        until_ms: i64,
        reason: &str,
        told: Vec<EventBeside>,
    ) -> Result<()> {
        let change = json!({ "expires_at": moment::text(until_ms), "reason": reason });
        for _ in 0..TRIES {
            if self.try_block(context, address, &change, &told).await? {
                return self.read_blocks(context).await;
            }
        }
        Err(AuthError::Internal(
            "a block was taken away by others each time it was to be set".to_owned(),
        ))
    }

    /// The same; false when somebody took the block away that was there.
    async fn try_block(&self, context: &Context, address: &str, change: &Value, told: &[EventBeside]) -> Result<bool> {
        let records = &self.records;
        let mut record = change.clone();
        record["address"] = address.into();
        let created = records
            .create_telling::<BlockedAddress>(context, &record, told.to_vec())
            .await;
        match created {
            Ok(_) => return Ok(true),
            Err(error) if error.duplicate().is_some() => {}
            Err(error) => return Err(error),
        }
        let known: Option<BlockedAddress> = records.find_one(context, json!({ "address": address })).await?;
        let Some(known) = known else { return Ok(false) };
        let updated = records
            .update_telling::<BlockedAddress>(context, &known.id, change, told.to_vec())
            .await;
        match updated {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads which addresses are blocked. An operator may have blocked some for ever.
    pub(crate) async fn read_blocks(&self, context: &Context) -> Result<()> {
        let reading = self.blocks.begin();
        let blocked: Vec<BlockedAddress> = self.records.find(context, json!({})).await?;
        let end_ms = |blocked: &BlockedAddress| blocked.expires_at.as_deref().map_or(i64::MAX, moment::ms);
        let ends = blocked.into_iter().map(|blocked| {
            let end_ms = end_ms(&blocked);
            (blocked.address, end_ms)
        });
        self.blocks.set(reading, ends);
        Ok(())
    }

    /// The same after a change, when nobody waits for how it goes.
    pub(crate) async fn read_blocks_again(&self) {
        if let Err(error) = self.read_blocks(&Context::background()).await {
            tracing::error!(%error, "which addresses are blocked could not be read; those known before stay blocked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn set(blocks: &Blocks, reading: u64, blocked: &[(&str, i64)]) {
        let blocked = blocked.iter().map(|(address, end_ms)| ((*address).to_owned(), *end_ms));
        blocks.set(reading, blocked);
    }

    #[test]
    fn a_block_holds_for_whoever_the_address_is_of() {
        let blocks = Blocks::default();
        assert!(blocks.admit("192.0.2.9", NOW).is_ok());
        let blocked = [
            ("192.0.2.9", NOW + 10),
            ("2001:DB8::9", NOW + 20),
            ("2001:db8::1", NOW + 10),
        ];
        set(&blocks, blocks.begin(), &blocked);
        for (address, at_ms, expected) in [
            ("192.0.2.9", NOW, false),
            ("::ffff:192.0.2.9", NOW, false),
            ("192.0.2.8", NOW, true),
            ("192.0.2.9", NOW + 10, true),
            ("2001:db8::ffff:1", NOW + 15, false),
            ("2001:db8:0:1::9", NOW, true),
            ("2001:db8::9", NOW + 20, true),
        ] {
            assert_eq!(blocks.admit(address, at_ms).is_ok(), expected, "{address} {at_ms}");
        }
    }

    #[test]
    fn whoever_began_to_read_earlier_takes_no_block_back() {
        let blocks = Blocks::default();
        let (earlier, later) = (blocks.begin(), blocks.begin());
        set(&blocks, later, &[("192.0.2.9", NOW + 10)]);
        set(&blocks, earlier, &[]);
        assert!(blocks.admit("192.0.2.9", NOW).is_err());
        set(&blocks, blocks.begin(), &[]);
        assert!(blocks.admit("192.0.2.9", NOW).is_ok());
    }
}
