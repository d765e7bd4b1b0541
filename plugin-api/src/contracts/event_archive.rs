//! `event-archive`: where done events are kept until their retention is over, when they are not to stay in the event store
//! (`persistence.storage`). Only what every handler has had comes here, so nothing is delivered out of an archive but by a
//! replay. The kernel moves the events and is the only caller.
//!
//! The kernel forgets events in the store once `append` answered, and no sooner. Between the two it may end, or the answer may
//! get lost; then the same events come again. So an archive may hold an event twice, and whoever reads drops doubles by
//! sequence.
//!
//! An archive in files is a service of its own name, so that a plugin can offer it beside one of somebody else.

use objectos_plugin_macros::service;
use std::sync::Arc;

use super::event_store::{DoneEvent, RangePage, RangePageRequest, RangeRequest, StoredEvent};
use crate::{Context, MethodSpec, Result, ServiceFuture, ServiceHandler};

/// Name of an [`EventArchive`] in files of the host, for `persistence.storage: file`.
pub const FILE_ARCHIVE: &str = "event-archive-file";

/// The archive of done events.
#[service(name = "event-archive", version = "1.1.0")]
pub trait EventArchive {
    /// Keeps events. When it answers, they are on the disk, or as safe as they are ever going to be. Events that are here
    /// already may come again.
    async fn append(&self, context: Context, events: Vec<DoneEvent>) -> Result<()>;
    /// Reads events, in order of sequence. Fewer than the limit means that there are no more. One that is here twice may be
    /// answered twice.
    async fn range(&self, context: Context, request: RangeRequest) -> Result<Vec<StoredEvent>>;
    /// Forgets events stored before this time (milliseconds since 1970); answers how many entries. They may stay up to a day
    /// longer, where whole days are forgotten.
    async fn prune(&self, context: Context, before_ms: i64) -> Result<u64>;
    /// Reads events as [`EventArchive::range`] does, but no more of them than one call should take: rare ones are found by many
    /// short calls. Since 1.1; an archive that does not write it reads its range.
    async fn range_page(&self, context: Context, request: RangePageRequest) -> Result<RangePage> {
        let limit = request.range.limit;
        let events = self.range(context, request.range).await?;
        Ok(RangePage::of_range(events, limit))
    }
}

/// Offers an [`EventArchive`] as the service [`FILE_ARCHIVE`].
#[derive(Debug)]
pub struct FileArchiveServer<T>(EventArchiveServer<T>);

impl<T: EventArchive> FileArchiveServer<T> {
    /// Offers this provider.
    pub fn new(provider: Arc<T>) -> Self {
        Self(EventArchiveServer::new(provider))
    }
}

impl<T: EventArchive> ServiceHandler for FileArchiveServer<T> {
    fn name(&self) -> &str {
        FILE_ARCHIVE
    }

    fn version(&self) -> &str {
        self.0.version()
    }

    fn methods(&self) -> Vec<MethodSpec> {
        self.0.methods()
    }

    fn call(&self, method: &str, context: Context, payload: &[u8]) -> ServiceFuture {
        self.0.call(method, context, payload)
    }

    fn call_sync(&self, method: &str, context: Context, payload: &[u8]) -> Result<Vec<u8>> {
        self.0.call_sync(method, context, payload)
    }
}
