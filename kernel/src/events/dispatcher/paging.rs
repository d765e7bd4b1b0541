//! How many events one page is asked for: as many as fit into the window, by what those of the pages before took, and not many
//! more than came last. So large events come a few at a time, and the first of them, of which nobody knows, are not many.

/// Asked for at the begin, and after pages of few events.
const FIRST: usize = 64;
/// Asked for however large events are.
const LEAST: usize = 16;
/// How many times as many as came last.
const GROWTH: usize = 4;

#[derive(Debug)]
pub(super) struct Paging {
    events_max: u32,
    bytes_max: usize,
    /// Of one event, in the pages of late; 0 at the begin.
    mean_bytes: usize,
    /// Events of the last page.
    last: usize,
}

impl Paging {
    pub(super) fn new(events_max: u32, bytes_max: usize) -> Self {
        Self {
            events_max,
            bytes_max,
            mean_bytes: 0,
            last: 0,
        }
    }

    /// How many events to ask for.
    pub(super) fn limit(&self) -> u32 {
        let fit = (self.bytes_max / self.mean_bytes.max(1)).max(LEAST);
        let limit = self.last.saturating_mul(GROWTH).max(FIRST).min(fit);
        u32::try_from(limit).map_or(self.events_max, |limit| limit.min(self.events_max))
    }

    /// A page came, with so many bytes in all. That events are larger is believed at once, that they are smaller by and by.
    pub(super) fn came(&mut self, events: usize, bytes: usize) {
        self.last = events;
        if let Some(mean_bytes) = bytes.checked_div(events) {
            self.mean_bytes = mean_bytes.max(self.mean_bytes / 2 + mean_bytes / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_grows_with_those_before() {
        let mut paging = Paging::new(1_000, 1_000_000);
        let mut limits = vec![paging.limit()];
        for events in [64, 256, 1_000, 100, 3, 0] {
            paging.came(events, events * 200);
            limits.push(paging.limit());
        }
        assert_eq!(limits, [64, 256, 1_000, 1_000, 400, 64, 64]);
        assert_eq!(Paging::new(10, 1_000_000).limit(), 10);
    }

    #[test]
    fn of_large_events_few_are_asked_for() {
        let mut paging = Paging::new(1_000, 1_000_000);
        paging.came(1_000, 200_000);
        let mut limits = Vec::new();
        for (events, bytes) in [(1_000, 20_000_000), (50, 50_000_000), (16, 16_000), (0, 0)] {
            paging.came(events, bytes);
            limits.push(paging.limit());
        }
        assert_eq!(limits, [50, 16, 16, 16], "one page of small ones says little");
        for _ in 0..10 {
            paging.came(100, 100_000);
        }
        assert_eq!(paging.limit(), 400, "ten say more");
    }
}
