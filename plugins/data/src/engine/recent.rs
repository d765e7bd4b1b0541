//! Who has written a moment ago: they read from the database itself and not from a copy that follows it, so that everybody sees
//! what they wrote. Known to this process alone; where nothing follows the database, nothing is kept, and nobody waits to ask.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// Writers that are remembered before those whose time is over are looked for.
const WRITERS_KEPT: usize = 1_024;

/// Until when each principal is kept away from copies.
#[derive(Debug, Default)]
pub(super) struct RecentWriters {
    /// Somebody wrote to a database that has copies.
    any: AtomicBool,
    writers: Mutex<Writers>,
}

#[derive(Debug, Default)]
struct Writers {
    /// By the id of the principal.
    until: HashMap<String, i64>,
    /// How many there were after those whose time was over were looked for the last time.
    left: usize,
}

impl RecentWriters {
    /// A principal wrote to a database whose copies are at most so far behind.
    pub(super) fn wrote(&self, principal: &str, now_ms: i64, lag_ms: u64) {
        if lag_ms == 0 {
            return;
        }
        let until = now_ms.saturating_add(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        let mut writers = self.writers.lock();
        match writers.until.get_mut(principal) {
            Some(known) => *known = until.max(*known),
            None => {
                // Twice as many as were left: however many write at once, each is looked at a few times only.
                if writers.until.len() >= WRITERS_KEPT.max(writers.left.saturating_mul(2)) {
                    writers.until.retain(|_, until| *until > now_ms);
                    writers.left = writers.until.len();
                }
                writers.until.insert(principal.to_owned(), until);
            }
        }
        drop(writers);
        self.any.store(true, Ordering::Release);
    }

    /// Whether a copy may lack what the principal wrote.
    pub(super) fn is_recent(&self, principal: &str, now_ms: i64) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        self.writers
            .lock()
            .until
            .get(principal)
            .is_some_and(|until| *until > now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{RecentWriters, WRITERS_KEPT};

    #[test]
    fn those_whose_time_is_over_are_forgotten() {
        let recent = RecentWriters::default();
        recent.wrote("nobody", 0, 0);
        assert!(!recent.any.load(std::sync::atomic::Ordering::Acquire) && !recent.is_recent("nobody", 0));
        for writer in 0..WRITERS_KEPT {
            recent.wrote(&writer.to_string(), 0, 10);
        }
        assert!(recent.is_recent("7", 9) && !recent.is_recent("7", 10));
        recent.wrote("last", 10, 10);
        assert_eq!(recent.writers.lock().until.len(), 1);
        assert!(recent.is_recent("last", 19));
    }
}
