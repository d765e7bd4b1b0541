//! The reading side of a body that streams: what a gateway makes of the number in an answer's frame. Not for whoever writes
//! bodies; those are [`crate::BodyStream`]s.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use super::{Host, Payload, payload};
use crate::{abi::RawFuture, context::monotonic_ns, error::Result};

/// A body that another plugin makes while it is read. Dropping it ends it there.
pub struct BodyReader {
    host: Host,
    stream: u64,
    /// The piece that was asked for.
    next: Option<RawFuture>,
    over: bool,
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader")
            .field("stream", &self.stream)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl BodyReader {
    pub(super) fn new(host: Host, stream: u64) -> Self {
        Self {
            host,
            stream,
            next: None,
            over: false,
        }
    }

    /// Looks for the next piece, which may take `limit` from the first look on; `None` at the end.
    ///
    /// Fails with what the piece failed with, `Timeout` past the limit, `Unavailable` when its plugin went away; the body is
    /// not whole then, and nothing follows.
    pub fn poll_next(&mut self, task: &mut TaskContext<'_>, limit: Duration) -> Poll<Result<Option<Payload>>> {
        if self.over {
            return Poll::Ready(Ok(None));
        }
        let next = self.next.get_or_insert_with(|| {
            let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            let deadline_ns = monotonic_ns().saturating_add(limit_ns);
            self.host.0.stream_next(self.stream, deadline_ns)
        });
        let answer = ready!(Pin::new(next).poll(task));
        self.next = None;
        let piece = payload(answer).map(|piece| (!piece.is_empty()).then_some(piece));
        self.over = !matches!(piece, Ok(Some(_)));
        Poll::Ready(piece)
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// As [`BodyReader::poll_next`].
    pub async fn next(&mut self, limit: Duration) -> Result<Option<Payload>> {
        poll_fn(|task| self.poll_next(task, limit)).await
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        self.next = None;
        self.host.0.stream_drop(self.stream);
    }
}
