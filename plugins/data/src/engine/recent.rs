//! Who has written a moment ago: they read from the database itself and not from a copy that follows it, so that everybody sees
//! what they wrote. Known to this process alone; where nothing follows the database, nothing is kept.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Writers that are remembered before those whose time is over are looked for.
const WRITERS_KEPT: usize = 1_024;

/// Until when each principal is kept away from copies, by its id.
#[derive(Debug, Default)]
pub(super) struct RecentWriters(Mutex<HashMap<String, i64>>);

impl RecentWriters {
    /// A principal wrote to a database whose copies are at most so far behind.
    pub(super) fn wrote(&self, principal: &str, now_ms: i64, lag_ms: u64) {
        if lag_ms == 0 {
            return;
        }
        let until = now_ms.saturating_add(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        let mut writers = self.0.lock();
        if writers.len() >= WRITERS_KEPT && !writers.contains_key(principal) {
            writers.retain(|_, until| *until > now_ms);
        }
        match writers.get_mut(principal) {
            Some(known) => *known = until.max(*known),
            None => {
                writers.insert(principal.to_owned(), until);
            }
        }
    }

    /// Whether a copy may lack what the principal wrote.
    pub(super) fn is_recent(&self, principal: &str, now_ms: i64) -> bool {
        let writers = self.0.lock();
        !writers.is_empty() && writers.get(principal).is_some_and(|until| *until > now_ms)
    }
}
