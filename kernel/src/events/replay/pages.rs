//! The events of a replay, page by page: each page is a call that looks at a limited number of events for a limited time, whether or
//! not they are wanted (`BusLimits::replay_looked_at_max`, `replay_page_ms`). So a name that is rare takes more calls, and none that
//! is long. Not here: which of them are delivered. Called by the replay, which counts them and then delivers them.

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::event_store::{RangePageRequest, RangeRequest, StoredEvent},
};

use super::Replay;
use crate::events::archive;

/// Pages in a row after which nothing more was looked at, until the replay is given up.
const IDLE_PAGES_MAX: u32 = 10_000;

/// The events of a replay, page by page.
pub(super) struct Pages<'a> {
    replay: &'a Replay,
    /// Where the next one begins; `None` behind the last.
    after: Option<u64>,
    /// Pages in a row that led nowhere.
    idle: u32,
}

impl<'a> Pages<'a> {
    pub(super) fn new(replay: &'a Replay) -> Self {
        Self {
            replay,
            after: Some(replay.range.after),
            idle: 0,
        }
    }

    /// The next page, which may be empty; `None` when there are no more.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>> {
        let Some(after) = self.after else { return Ok(None) };
        let limits = &self.replay.shared.settings.limits;
        let request = RangePageRequest {
            range: RangeRequest {
                after,
                ..self.replay.range.clone()
            },
            looked_at_max: limits.replay_looked_at_max,
            time_max_ms: limits.replay_page_ms,
        };
        let page = archive::page(&self.replay.shared, request).await?;
        self.idle = match page.next {
            Some(next) if next <= after => self.idle + 1,
            _ => 0,
        };
        if self.idle >= IDLE_PAGES_MAX {
            let text = format!("the stored events behind {after} were asked for {IDLE_PAGES_MAX} times and not read");
            return Err(Error::new(ErrorKind::External, text));
        }
        self.after = page.next.map(|next| next.max(after));
        Ok(Some(page.events))
    }
}
