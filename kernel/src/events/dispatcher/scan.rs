//! Where to read on. New events are looked for behind what is known already, but from a place that was the end a second
//! or two ago: with several writers a lower sequence can become visible after a higher one. From time to time everything
//! that is not done is gone through, which renews the leases of what waits and finds what another node left behind. It finds
//! what took longer to become visible, too: until then the store keeps back what comes after that in its key.

/// Pause between two looks for new events, milliseconds: a thousand small changes are read with one look.
const GAP_MS: i64 = 10;
/// How long a lower sequence may take to become visible.
const STRAGGLER_MS: i64 = 1_000;

#[derive(Debug)]
pub(super) struct Scan {
    /// The highest known sequence: now, and at least [`STRAGGLER_MS`] ago.
    current: u64,
    newer: u64,
    older: u64,
    rotated_at_ms: i64,
    /// Something new is there.
    wanted: bool,
    looked_at_ms: i64,
    /// The last page was full: read on behind this.
    next: Option<u64>,
    sweep_every_ms: i64,
    sweep_at_ms: i64,
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) after: u64,
    /// Read on behind a full page.
    pub(super) follow: bool,
}

impl Scan {
    pub(super) fn new(lease_ms: i64) -> Self {
        Self {
            current: 0,
            newer: 0,
            older: 0,
            rotated_at_ms: i64::MIN,
            wanted: false,
            looked_at_ms: i64::MIN,
            next: None,
            sweep_every_ms: (lease_ms / 3).max(1),
            sweep_at_ms: i64::MIN,
        }
    }

    /// Something new may be there.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// When the next look is due.
    pub(super) fn due_ms(&self, has_room: bool) -> i64 {
        if self.following(has_room).is_some() {
            return i64::MIN;
        }
        let sweep_ms = self.sweep_at_ms;
        if self.wanted && has_room {
            self.looked_at_ms.saturating_add(GAP_MS).min(sweep_ms)
        } else {
            sweep_ms
        }
    }

    /// The look that is due.
    pub(super) fn begin(&mut self, now_ms: i64, has_room: bool) -> Option<Look> {
        if self.due_ms(has_room) > now_ms {
            return None;
        }
        if let Some(after) = self.following(has_room) {
            return Some(Look { after, follow: true });
        }
        self.looked_at_ms = now_ms;
        if self.sweep_at_ms <= now_ms {
            self.sweep_at_ms = now_ms.saturating_add(self.sweep_every_ms);
            // A sweep goes to the end, so it finds what is new as well.
            self.wanted &= !has_room;
            return Some(Look { after: 0, follow: true });
        }
        self.wanted = false;
        if now_ms.saturating_sub(self.rotated_at_ms) >= STRAGGLER_MS {
            self.rotated_at_ms = now_ms;
            self.older = self.newer;
            self.newer = self.current;
        }
        Some(Look {
            after: self.older,
            follow: true,
        })
    }

    /// Where the last page left off. What is known already is gone through without room too.
    fn following(&self, has_room: bool) -> Option<u64> {
        self.next.filter(|next| has_room || *next < self.current)
    }

    /// A page came: `last` is its last sequence, `full` that there may be more, `cut` that some were left where they are.
    pub(super) fn done(&mut self, look: Look, last: Option<u64>, full: bool, cut: bool) {
        if cut {
            self.wanted = true;
            // Some of it may lie before what is known: whatever is read next must not come before that.
            self.older = self.older.min(look.after);
            self.newer = self.newer.min(look.after);
        } else if let Some(last) = last {
            self.current = self.current.max(last);
        }
        if look.follow {
            self.next = last.filter(|last| full && (!cut || *last < self.current));
        }
    }

    /// The page did not come: look again.
    pub(super) fn failed(&mut self) {
        self.wanted = true;
        self.sweep_at_ms = i64::MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_events_are_looked_for_at_once_but_not_all_the_time() {
        let mut scan = Scan::new(30_000);
        assert_eq!(scan.begin(0, true), Some(Look { after: 0, follow: true }));
        scan.done(Look { after: 0, follow: true }, Some(7), false, false);
        assert_eq!(scan.begin(5, true), None, "nothing new");
        scan.want();
        assert_eq!(scan.begin(5, true), None, "too soon");
        assert_eq!(scan.due_ms(true), GAP_MS);
        assert_eq!(
            scan.begin(10, true).map(|look| look.after),
            Some(0),
            "stragglers are looked for"
        );
        for now_ms in [2_000, 4_000] {
            scan.want();
            scan.begin(now_ms, true);
        }
        scan.want();
        assert_eq!(scan.begin(5_500, true).map(|look| look.after), Some(7));
    }

    #[test]
    fn full_pages_are_followed_while_there_is_room() {
        let mut scan = Scan::new(30_000);
        let look = scan.begin(0, true).expect("a look");
        scan.done(look, Some(100), true, false);
        assert_eq!(scan.begin(0, false), None, "no room");
        assert_eq!(
            scan.begin(0, true),
            Some(Look {
                after: 100,
                follow: true
            })
        );
        scan.done(look, Some(150), false, false);
        assert_eq!(scan.begin(1, true), None);
        assert_eq!(scan.current, 150);
    }

    #[test]
    fn everything_is_gone_through_three_times_in_a_lease() {
        let mut scan = Scan::new(30_000);
        scan.begin(0, true);
        assert_eq!(scan.due_ms(true), 10_000);
        assert_eq!(
            scan.begin(10_000, false),
            Some(Look { after: 0, follow: true }),
            "also without room"
        );
    }

    #[test]
    fn what_was_left_is_looked_for_again() {
        let mut scan = Scan::new(30_000);
        let look = scan.begin(0, true).expect("a look");
        scan.done(look, Some(100), true, true);
        assert_eq!(scan.current, 0);
        assert!(scan.begin(GAP_MS, true).is_some());
        scan.failed();
        assert!(scan.begin(GAP_MS, false).is_some());
    }

    #[test]
    fn what_was_left_is_looked_for_where_it_lies() {
        let mut scan = Scan::new(30_000);
        let look = scan.begin(0, true).expect("a look");
        scan.done(look, Some(100), false, false);
        for now_ms in [2_000, 4_000, 6_000] {
            scan.want();
            scan.begin(now_ms, true);
        }
        assert_eq!(scan.older, 100);
        let sweep = scan.begin(10_000, false).expect("a sweep");
        // An event below 100 became visible late, and there was no room for it.
        scan.done(sweep, Some(100), false, true);
        assert_eq!(scan.begin(10_500, true), Some(sweep));
        // It was gone again before the page came.
        scan.done(sweep, Some(100), false, true);
        assert_eq!(scan.begin(12_000, true), Some(sweep));
    }
}
