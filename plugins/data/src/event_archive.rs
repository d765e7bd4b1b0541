//! The service `event-archive-file`: done events in files, one line of JSON each, a file for each day on which they were
//! stored (UTC). They lie in the plugin's own folder, as `events/2026-02-28.jsonl`.
//!
//! Invariants:
//! * What was acknowledged is on the disk. What was not may be there in part: a last line that was torn is no event, and the
//!   next events begin on a line of their own.
//! * Lines are only ever added. An event may be there twice, and is read once.
//! * Days are forgotten as a whole.
//!
//! Where several hosts share a database, the files of one are not there for the others, and a replay would leave out what
//! another host moved. So nothing is kept there. Called by the kernel alone; the files are `days`, one of them is `day_file`.

mod day_file;
mod days;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use objectos_plugin_api::contracts::event_archive::EventArchive;
use objectos_plugin_api::contracts::event_store::{DoneEvent, RangePage, RangePageRequest, RangeRequest, StoredEvent};
use objectos_plugin_api::{Context, Error, ErrorKind, Result};
use parking_lot::Mutex;

use self::days::Days;
use crate::engine::ports::Clock;
use crate::event_budget::EventBudget;
use crate::event_store::only_the_kernel;

/// Done events in files.
#[derive(Debug)]
pub struct FileArchive {
    days: Arc<Mutex<Days>>,
    shared: bool,
    /// Pages end by it.
    clock: Arc<dyn Clock>,
}

impl FileArchive {
    /// In a folder, which is made when there is something to keep. `shared`: other hosts have the same database.
    #[must_use]
    pub fn new(folder: PathBuf, shared: bool, clock: Arc<dyn Clock>) -> Self {
        Self {
            days: Arc::new(Mutex::new(Days::new(folder))),
            shared,
            clock,
        }
    }

    /// Works on the files, one call after the other, on a thread that may wait for the disk.
    async fn work<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Days) -> io::Result<T> + Send + 'static,
    {
        if self.shared {
            return Err(Error::new(
                ErrorKind::NotImplemented,
                "several hosts may share a PostgreSQL database, and files of one of them are not there for the others; write database or s3 for persistence.storage and eventSourcing.storage, or persistence.storage: custom with a plugin that provides event-archive",
            ));
        }
        let days = Arc::clone(&self.days);
        let done = tokio::task::spawn_blocking(move || work(&mut days.lock()));
        let done = done.await.map_err(Error::internal)?;
        done.map_err(|error| {
            let text = format!("the files of the event archive cannot be used: {error}");
            Error::new(ErrorKind::External, text)
        })
    }
}

impl EventArchive for FileArchive {
    async fn append(&self, context: Context, events: Vec<DoneEvent>) -> Result<()> {
        only_the_kernel("event-archive-file", &context)?;
        self.work(move |days| days.append(&events)).await
    }

    async fn range(&self, context: Context, request: RangeRequest) -> Result<Vec<StoredEvent>> {
        only_the_kernel("event-archive-file", &context)?;
        self.work(move |days| Ok(days.page(&request, &mut EventBudget::endless())?.events))
            .await
    }

    async fn range_page(&self, context: Context, request: RangePageRequest) -> Result<RangePage> {
        only_the_kernel("event-archive-file", &context)?;
        let clock = Arc::clone(&self.clock);
        self.work(move |days| days.page(&request.range, &mut EventBudget::of(&request, &*clock)))
            .await
    }

    async fn prune(&self, context: Context, before_ms: i64) -> Result<u64> {
        only_the_kernel("event-archive-file", &context)?;
        self.work(move |days| days.prune(before_ms)).await
    }
}
