//! `event-archive`: where done events are kept until their retention is over, when they are not to stay in the event store
//! (`persistence.storage`). Only what every handler has had comes here, so nothing is delivered out of an archive but by a
//! replay. The kernel moves the events and is the only caller.
//!
//! The kernel forgets events in the store once `append` answered, and no sooner. Between the two it may end, or the answer may
//! get lost; then the same events come again. So an archive may hold an event twice, and whoever reads drops doubles by
//! sequence.
//!
//! An archive in files, and one in a bucket, are services of their own names ([`Named`](super::named::Named)), so
//! that a plugin can offer them beside one of somebody else.

use objectos_plugin_macros::service;

use super::event_store::{DoneEvent, RangePage, RangePageRequest, RangeRequest, StoredEvent};
use crate::{Context, Result};

/// Name of an [`EventArchive`] in files of the host, for `persistence.storage: file`.
pub const FILE_ARCHIVE: &str = "event-archive-file";
/// Name of an [`EventArchive`] in a bucket of an S3 server, for `persistence.storage: s3`.
pub const S3_ARCHIVE: &str = "event-archive-s3";

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
