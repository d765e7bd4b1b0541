//! Locks and blocks: accounts that take no sign-ins for a while, whether or not there are such accounts, and addresses from which
//! nothing is taken. Both lie in the store, so that they hold on every node and over a restart. Which addresses are blocked is
//! also in memory, since every request is held to it; `watch` says when that is to be read again.

use objectos_plugin_api::Context;
use parking_lot::RwLock;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    auth::Auth,
    error::{Refusal, Result},
    guard::wait,
    moment,
    records::{
        Record,
        kinds::{BlockedAddress, Verification},
    },
};

/// Object with the blocked addresses.
pub(crate) const BLOCKED: &str = BlockedAddress::OBJECT;

/// The blocked addresses, each with the end of its block, milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    any: AtomicBool,
    ends: RwLock<HashMap<String, i64>>,
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
        match self.ends.read().get(address) {
            Some(end_ms) if now_ms < *end_ms => Err(Refusal::AddressBlocked.into()),
            _ => Ok(()),
        }
    }

    fn set(&self, ends: HashMap<String, i64>) {
        let mut known = self.ends.write();
        self.any.store(!ends.is_empty(), Ordering::Release);
        *known = ends;
    }
}

fn lock_id(account_key: &str) -> String {
    format!("lk_{account_key}")
}

impl Auth {
    /// Locks an account until a moment, or for longer if it was locked for longer. False when it was locked already.
    pub(crate) async fn lock(&self, context: &Context, account_key: &str, until_ms: i64) -> Result<bool> {
        let id = lock_id(account_key);
        let lock = json!({ "id": id, "identifier": "lock", "expires_at": moment::text(until_ms) });
        match self.records.create::<Verification>(context, lock).await {
            Ok(_) => return Ok(true),
            Err(error) if error.duplicate().is_some() => {}
            Err(error) => return Err(error),
        }
        let known: Option<Verification> = self.records.get(context, &id).await?;
        let end_ms = known
            .and_then(|known| known.expires_at)
            .map_or(0, |end| moment::ms(&end));
        if until_ms > end_ms {
            let longer = json!({ "expires_at": moment::text(until_ms) });
            match self.records.update::<Verification>(context, &id, longer).await {
                Ok(_) => {}
                // It came to its end meanwhile, or somebody took it away.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Refuses while the account is locked. True when a lock has just come to its end.
    pub(crate) async fn check_lock(&self, context: &Context, account_key: &str, now_ms: i64) -> Result<bool> {
        let id = lock_id(account_key);
        let Some(lock) = self.records.get::<Verification>(context, &id).await? else {
            return Ok(false);
        };
        let until = lock.expires_at.as_deref().map_or(0, moment::ms);
        if now_ms < until {
            return Err(wait(until - now_ms));
        }
        self.records.delete::<Verification>(context, &id).await
    }

    /// Takes the lock of a password away; false when there was none.
    pub(crate) async fn unlock(&self, context: &Context, email: &str) -> Result<bool> {
        self.unlock_key(context, &self.secrets.lookup(email)).await
    }

    /// Takes a lock away, and the failures that led to it; false when there was none.
    pub(crate) async fn unlock_key(&self, context: &Context, account_key: &str) -> Result<bool> {
        self.forget_failures(context, account_key).await?;
        self.records
            .delete::<Verification>(context, &lock_id(account_key))
            .await
    }

    /// Takes nothing from an address until a moment.
    pub(crate) async fn block(&self, context: &Context, address: &str, until_ms: i64, reason: &str) -> Result<()> {
        let end = moment::text(until_ms);
        let record = json!({ "address": address, "expires_at": end, "reason": reason });
        match self.records.create::<BlockedAddress>(context, record).await {
            Ok(_) => {}
            Err(error) if error.duplicate().is_some() => {
                let known: Option<BlockedAddress> =
                    self.records.find_one(context, json!({ "address": address })).await?;
                if let Some(known) = known {
                    let change = json!({ "expires_at": end, "reason": reason });
                    self.records
                        .update::<BlockedAddress>(context, &known.id, change)
                        .await?;
                }
            }
            Err(error) => return Err(error),
        }
        self.read_blocks(context).await
    }

    /// Reads which addresses are blocked. An operator may have blocked some for ever.
    pub(crate) async fn read_blocks(&self, context: &Context) -> Result<()> {
        let blocked: Vec<BlockedAddress> = self.records.find(context, json!({})).await?;
        let end_ms = |blocked: &BlockedAddress| blocked.expires_at.as_deref().map_or(i64::MAX, moment::ms);
        let ends = blocked.into_iter().map(|blocked| {
            let end_ms = end_ms(&blocked);
            (blocked.address, end_ms)
        });
        self.blocks.set(ends.collect());
        Ok(())
    }

    /// The same after a change, when nobody waits for how it goes.
    pub(crate) async fn read_blocks_again(&self) {
        if let Err(error) = self.read_blocks(&Context::background()).await {
            tracing::error!(%error, "which addresses are blocked could not be read; those known before stay blocked");
        }
    }
}
