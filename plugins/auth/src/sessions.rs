//! Sessions: the ones in use are kept in memory by the hash of their token, with the answer for the gateway ready-made, so
//! that telling who calls is a hash and a look into a map. The store is asked again after a short while, since another node
//! may have ended a session; what this node itself changes is forgotten at once.
//!
//! [`issue`] makes, renews and ends sessions; [`load`] reads them from the store; [`impersonation`] says who may act as whom.

pub(crate) mod impersonation;
pub(crate) mod issue;
pub(crate) mod load;

use parking_lot::RwLock;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use crate::{
    config::SessionPolicy,
    crypto::TokenHash,
    error::Refusal,
    records::kinds::{Session, User},
    rules::network::Networks,
};

/// Sessions in memory at most; beyond it they are read from the store again.
const LIVE_MAX: usize = 100_000;
/// Tokens remembered as unknown at most.
const UNKNOWN_MAX: usize = 10_000;
/// A session in which an administrator acts as somebody else is asked for again after so many milliseconds at the latest: what
/// the administrator may do depends on records that nobody tells of here.
const IMPERSONATION_RECHECK_MS: i64 = 1000;

/// A session in use.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) user: User,
    /// `{"principal":{…}}`.
    pub(crate) identity: Vec<u8>,
    /// Why it may do nothing but set that right; `None` is no reason.
    pub(crate) restriction: Option<Refusal>,
    /// Where its user may come from, and whoever acts as the user.
    pub(crate) networks: Networks,
    hash: TokenHash,
    /// From when on it is over, whatever happens.
    ends_ms: i64,
    /// From when on it is to be renewed.
    renew_ms: i64,
    idle_ms: i64,
    seen_ms: AtomicI64,
    /// What the store knows of `seen_ms`.
    stored_seen_ms: AtomicI64,
    checked_ms: AtomicI64,
    renewing: AtomicBool,
}

/// How a session stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Good, and nothing is to be done.
    Good,
    /// Good as far as this node knows; the store is to be asked.
    Unchecked,
    /// Good, and to be renewed, or the store to be told that it is in use.
    Due,
    /// Over.
    Over,
}

impl Live {
    /// How it stands for whoever merely looks: never `Due`.
    pub(crate) fn looked_at(&self, now_ms: i64, recheck_ms: i64) -> Standing {
        let seen = self.seen_ms.load(Ordering::Relaxed);
        if now_ms >= self.ends_ms {
            return Standing::Over;
        }
        let recheck_ms = match &self.session.impersonated_by {
            Some(_) => recheck_ms.min(IMPERSONATION_RECHECK_MS),
            None => recheck_ms,
        };
        if now_ms - self.checked_ms.load(Ordering::Relaxed) > recheck_ms || now_ms - seen >= self.idle_ms {
            return Standing::Unchecked;
        }
        Standing::Good
    }

    /// How it stands; a request counts as use.
    pub(crate) fn standing(&self, now_ms: i64, recheck_ms: i64) -> Standing {
        let standing = self.looked_at(now_ms, recheck_ms);
        if standing != Standing::Good {
            return standing;
        }
        if self.seen_ms.load(Ordering::Relaxed) != now_ms {
            self.seen_ms.store(now_ms, Ordering::Relaxed);
        }
        let untold = now_ms - self.stored_seen_ms.load(Ordering::Relaxed);
        let due = now_ms >= self.renew_ms || (self.idle_ms < i64::MAX && untold > self.idle_ms / 4);
        if due && !self.renewing.swap(true, Ordering::Relaxed) {
            return Standing::Due;
        }
        Standing::Good
    }

    /// Whoever was to tell the store does not.
    pub(crate) fn not_renewing(&self) {
        self.renewing.store(false, Ordering::Relaxed);
    }

    /// Whether it is over at a moment, by what the store says.
    fn is_over(&self, now_ms: i64) -> bool {
        now_ms >= self.ends_ms || now_ms - self.seen_ms.load(Ordering::Relaxed) >= self.idle_ms
    }
}

/// The sessions in memory.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) policy: SessionPolicy,
    live: RwLock<Index>,
    unknown: RwLock<HashSet<TokenHash>>,
    /// Grows with each session that is forgotten: what was read before is not kept.
    epoch: AtomicU64,
}

#[derive(Debug, Default)]
struct Index {
    by_hash: HashMap<TokenHash, Arc<Live>>,
    by_id: HashMap<String, TokenHash>,
    /// Of the user, and of whoever acts as the user.
    by_user: HashMap<String, HashSet<TokenHash>>,
}

impl Index {
    fn insert(&mut self, live: &Arc<Live>) {
        self.remove(&live.hash);
        self.by_id.insert(live.session.id.clone(), live.hash);
        for person in people_of(live) {
            self.by_user.entry(person.to_owned()).or_default().insert(live.hash);
        }
        self.by_hash.insert(live.hash, Arc::clone(live));
    }

    fn remove(&mut self, hash: &TokenHash) {
        let Some(live) = self.by_hash.remove(hash) else { return };
        self.by_id.remove(&live.session.id);
        for person in people_of(&live) {
            if let Some(hashes) = self.by_user.get_mut(person) {
                hashes.remove(hash);
                if hashes.is_empty() {
                    self.by_user.remove(person);
                }
            }
        }
    }
}

/// Whose session it is, and who acts in it.
fn people_of(live: &Live) -> impl Iterator<Item = &str> {
    let administrator = live.session.impersonated_by.as_deref();
    std::iter::once(live.user.id.as_str()).chain(administrator)
}

impl Sessions {
    pub(crate) fn new(policy: SessionPolicy) -> Self {
        Self {
            policy,
            live: RwLock::default(),
            unknown: RwLock::default(),
            epoch: AtomicU64::new(0),
        }
    }

    /// A session in memory.
    pub(crate) fn by_hash(&self, hash: &TokenHash) -> Option<Arc<Live>> {
        self.live.read().by_hash.get(hash).cloned()
    }

    /// A session in memory by its id.
    #[cfg(test)]
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Live>> {
        let index = self.live.read();
        index.by_id.get(id).and_then(|hash| index.by_hash.get(hash)).cloned()
    }

    /// The epoch, to be taken before the store is read.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Keeps a session that was read, unless any was forgotten meanwhile: it might have been this one.
    pub(crate) fn keep(&self, live: &Arc<Live>, epoch: u64) {
        let mut index = self.live.write();
        if self.epoch.load(Ordering::SeqCst) != epoch {
            return;
        }
        if index.by_hash.len() >= LIVE_MAX {
            *index = Index::default();
        }
        index.insert(live);
    }

    /// Whether a token is known to be none of ours. Tokens are given out only once they are stored, so one that is unknown
    /// stays so.
    pub(crate) fn is_unknown(&self, hash: &TokenHash) -> bool {
        self.unknown.read().contains(hash)
    }

    /// Remembers that a token is none of ours.
    pub(crate) fn set_unknown(&self, hash: TokenHash) {
        let mut unknown = self.unknown.write();
        if unknown.len() >= UNKNOWN_MAX {
            unknown.clear();
        }
        unknown.insert(hash);
    }

    /// Forgets one session.
    pub(crate) fn forget(&self, hash: &TokenHash) {
        let mut index = self.live.write();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        index.remove(hash);
    }

    /// Forgets one session by its id.
    pub(crate) fn forget_id(&self, id: &str) {
        let mut index = self.live.write();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if let Some(hash) = index.by_id.get(id).copied() {
            index.remove(&hash);
        }
    }

    /// Forgets every session of a user, and every one in which they act as somebody else.
    pub(crate) fn forget_user(&self, user: &str) {
        let mut index = self.live.write();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for hash in index.by_user.get(user).cloned().unwrap_or_default() {
            index.remove(&hash);
        }
    }

    /// Forgets all.
    pub(crate) fn forget_all(&self) {
        let mut index = self.live.write();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        *index = Index::default();
    }
}

#[cfg(test)]
mod tests;
