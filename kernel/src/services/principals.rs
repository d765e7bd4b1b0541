//! For whom a plugin may act: those for whom it was asked to, and nobody else. Kept for each plugin that does not hold
//! `principal:set`; a generation that takes over keeps what its predecessors were given.
//!
//! Not here: what a principal may do. That is the business of whoever is called (`permissions`, through `data`).
//!
//! Invariants
//! * Only what the kernel itself hands to the plugin (calls, routes, commands, hooks, events) is noted, never what it answers.
//! * Kept are keyed hashes, of a key that no plugin can read, and a bounded number of them: who is forgotten is refused.

use objectos_plugin_api::{
    abi::RawContext,
    private::abi_stable::std_types::{RSlice, RStr},
};
use parking_lot::RwLock;
use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
};

/// So many are remembered at least, those last seen; at most twice as many.
const REMEMBERED: usize = 32_768;

/// Whom one plugin was asked to act for.
pub(crate) struct Principals {
    key: RandomState,
    seen: RwLock<Seen>,
    told: AtomicBool,
}

impl fmt::Debug for Principals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principals").finish_non_exhaustive()
    }
}

impl Default for Principals {
    fn default() -> Self {
        Self {
            key: RandomState::new(),
            seen: RwLock::default(),
            told: AtomicBool::new(false),
        }
    }
}

impl Principals {
    /// Notes whom the plugin is handed.
    pub(crate) fn note(&self, context: &RawContext<'_>) {
        let Some(hash) = self.hash(context) else { return };
        if !self.seen.read().recent.contains(&hash) {
            self.seen.write().add(hash);
        }
    }

    /// Leaves the context as it is when it is nobody's or of somebody whom the plugin was handed; blanks the principal, the
    /// user and the tenant of any other, and says so once for a plugin.
    pub(crate) fn hold(&self, plugin: &str, context: &mut RawContext<'_>) {
        let Some(hash) = self.hash(context) else { return };
        {
            let seen = self.seen.read();
            if seen.recent.contains(&hash) {
                return;
            }
            if !seen.before.contains(&hash) {
                drop(seen);
                return self.blank(plugin, context);
            }
        }
        // It is still in use, so it is not forgotten with the others of its time.
        self.seen.write().add(hash);
    }

    #[cold]
    fn blank(&self, plugin: &str, context: &mut RawContext<'_>) {
        context.principal = RSlice::from_slice(&[]);
        context.user = RStr::from_str("");
        context.tenant = RStr::from_str("");
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                plugin,
                "plugin {plugin} acts for somebody who was not handed to it, and is taken for nobody: only a plugin that \
                 holds principal:set may say who asks"
            );
        }
    }

    /// `None`: nobody's.
    fn hash(&self, context: &RawContext<'_>) -> Option<u64> {
        let who = (
            context.principal.as_slice(),
            context.user.as_str(),
            context.tenant.as_str(),
        );
        if who.0.is_empty() && who.1.is_empty() && who.2.is_empty() {
            return None;
        }
        Some(self.key.hash_one(who))
    }
}

type Hashes = HashSet<u64, BuildHasherDefault<AsItIs>>;

/// Two generations of hashes: when the recent ones are enough, those before are forgotten.
#[derive(Default)]
struct Seen {
    recent: Hashes,
    before: Hashes,
}

impl Seen {
    fn add(&mut self, hash: u64) {
        if self.recent.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(hash);
    }
}

/// What is put in is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::{Principals, REMEMBERED};
    use objectos_plugin_api::{Context, Principal};

    fn context(id: &str, tenant: Option<&str>) -> Context {
        Context::request("r").with_principal(&Principal {
            id: id.to_owned(),
            tenant: tenant.map(str::to_owned),
            ..Principal::default()
        })
    }

    /// Who asks after the kernel looked: user, tenant, and whether there is a principal.
    fn held(principals: &Principals, context: &Context) -> (String, String, bool) {
        let mut raw = context.raw();
        principals.hold("test.plugin", &mut raw);
        let held = Context::from_raw(&raw);
        assert_eq!(held.request_id(), context.request_id(), "only who asks is blanked");
        (
            held.user().to_owned(),
            held.tenant().to_owned(),
            !held.principal_json().is_empty(),
        )
    }

    #[test]
    fn only_who_was_handed_over_may_be_acted_for() {
        let principals = Principals::default();
        let (ann, nobody) = (context("ann", Some("north")), (String::new(), String::new(), false));
        assert_eq!(held(&principals, &ann), nobody);
        principals.note(&ann.raw());
        assert_eq!(held(&principals, &ann), ("ann".to_owned(), "north".to_owned(), true));
        let forged = [
            context("bob", Some("north")),
            context("ann", Some("south")),
            context("ann", None),
            ann.with_principal_json(ann.principal_json(), "bob", "north"),
            ann.with_principal_json(ann.principal_json(), "ann", "south"),
            ann.with_principal_json(b"{\"id\":\"ann\",\"kind\":\"local\"}", "ann", "north"),
            ann.with_principal_json(b"", "ann", "north"),
        ];
        for context in forged {
            assert_eq!(held(&principals, &context), nobody, "{context:?}");
        }
        assert_eq!(held(&principals, &Context::background()), nobody);
        // Another plugin has its own.
        assert_eq!(held(&Principals::default(), &ann), nobody);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_whoever_is_used_is_kept() {
        let principals = Principals::default();
        let (used, idle) = (context("used", None), context("idle", None));
        principals.note(&used.raw());
        principals.note(&idle.raw());
        for number in 0..3 * REMEMBERED {
            principals.note(&context(&number.to_string(), None).raw());
            if number % 1000 == 0 {
                assert_eq!(held(&principals, &used).0, "used", "{number}");
            }
        }
        assert_eq!(held(&principals, &idle).0, "");
        let seen = principals.seen.read();
        assert!(seen.recent.len() <= REMEMBERED && seen.before.len() <= REMEMBERED);
    }
}
