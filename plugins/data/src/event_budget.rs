//! How many stored events one call looks at, and for how long, when it reads them again page by page. Whoever reads asks between
//! steps and ends the page where it is spent; a step that was begun is made to its end. Called by the event store and its archive.

use objectos_plugin_api::contracts::event_store::RangePageRequest;

use crate::engine::ports::Clock;

/// What is left for a call.
#[derive(Debug)]
pub(crate) struct EventBudget<'a> {
    events: u64,
    /// The clock, and when it is over, milliseconds since 1970.
    end: Option<(&'a dyn Clock, i64)>,
}

impl<'a> EventBudget<'a> {
    /// As a request says, from now on.
    pub(crate) fn of(request: &RangePageRequest, clock: &'a dyn Clock) -> Self {
        let events = match request.looked_at_max {
            0 => u64::MAX,
            most => u64::from(most),
        };
        let end = (request.time_max_ms > 0).then(|| {
            let time_ms = i64::try_from(request.time_max_ms).unwrap_or(i64::MAX);
            (clock, clock.now_ms().saturating_add(time_ms))
        });
        Self { events, end }
    }

    /// For a call that reads until it has everything.
    pub(crate) fn endless() -> Self {
        Self {
            events: u64::MAX,
            end: None,
        }
    }

    /// Events of the next step, at most so many.
    pub(crate) fn step(&self, most: u64) -> u64 {
        self.events.min(most)
    }

    /// So many were looked at.
    pub(crate) fn take(&mut self, events: u64) {
        self.events = self.events.saturating_sub(events);
    }

    /// Nothing more is to be begun.
    pub(crate) fn is_spent(&self) -> bool {
        self.events == 0 || self.end.is_some_and(|(clock, end_ms)| clock.now_ms() >= end_ms)
    }
}
