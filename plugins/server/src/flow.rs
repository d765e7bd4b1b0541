//! Bodies of answers on their way out: whole ones as they lie, and those that their plugin makes while they are sent. Of the
//! latter a piece is asked for when the connection has room for it, so that a slow reader makes a slow writer. What happens in
//! a plugin behind [`Flow`] is not known here.
//!
//! A body that breaks off is no end: HTTP/1 closes the connection without the last chunk, HTTP/2 resets the stream.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use objectos_plugin_api::{BodyReader, Result};
use parking_lot::Mutex;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{task::AbortHandle, time::sleep};

use crate::{connection::Connection, gateway::Gateway};

/// A body that its plugin makes while it is read. Dropping it ends it there.
pub trait Flow: fmt::Debug + Send + 'static {
    /// The next piece, which may take `limit` from the first look on; `None` at the end.
    ///
    /// Fails with what the piece failed with; nothing follows then.
    fn poll_next(&mut self, task: &mut Context<'_>, limit: Duration) -> Poll<Result<Option<Bytes>>>;
}

impl Flow for BodyReader {
    fn poll_next(&mut self, task: &mut Context<'_>, limit: Duration) -> Poll<Result<Option<Bytes>>> {
        Self::poll_next(self, task, limit).map_ok(|piece| piece.map(Bytes::from_owner))
    }
}

/// The body of an answer.
pub(crate) enum AnswerBody {
    Whole(Full<Bytes>),
    Flowing(FlowBody),
}

/// The body is not whole. Why stands in the log.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub(crate) struct BrokenOff;

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(task)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Flowing(body) => body.poll(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Flowing(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Flowing(_) => SizeHint::default(),
        }
    }
}

/// Bytes handed on at once: what the peer takes of a large piece shows while it is sent.
const PART_BYTES_MAX: usize = 16 * 1024;

/// Limits of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowLimits {
    /// For a piece to be made.
    pub(crate) piece: Duration,
    /// For the peer to take a part of one.
    pub(crate) taken: Duration,
}

/// A body that is sent while it is made.
pub(crate) struct FlowBody {
    shared: Arc<Shared>,
    limits: FlowLimits,
    /// What looks whether the peer takes anything.
    watch: AbortHandle,
}

struct Shared {
    request_id: Box<str>,
    path: Box<str>,
    state: Mutex<State>,
}

enum State {
    Live(Live),
    /// It came to its end.
    Over,
    /// It did not.
    Broken,
}

struct Live {
    flow: Box<dyn Flow>,
    /// The peer waits for us, not we for it.
    making: bool,
    /// What is left of the latest piece.
    rest: Bytes,
    bytes: u64,
    /// Counts the request for as long as it is here.
    _held: Box<dyn Send + Sync>,
}

impl FlowBody {
    /// Must be called inside the server's runtime.
    pub(crate) fn new<G: Gateway>(
        flow: Box<dyn Flow>,
        connection: &Arc<Connection<G>>,
        limits: FlowLimits,
        request_id: &str,
        path: &str,
    ) -> Self {
        let shared = Arc::new(Shared {
            request_id: request_id.into(),
            path: path.into(),
            state: Mutex::new(State::Live(Live {
                flow,
                making: false,
                rest: Bytes::new(),
                bytes: 0,
                _held: Box::new(Held::new(connection)),
            })),
        });
        let watch = tokio::spawn(watch(Arc::downgrade(&shared), limits.taken)).abort_handle();
        Self { shared, limits, watch }
    }

    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let mut state = self.shared.state.lock();
        let live = match &mut *state {
            State::Live(live) => live,
            State::Over => return Poll::Ready(None),
            State::Broken => return Poll::Ready(Some(Err(BrokenOff))),
        };
        if !live.rest.is_empty() {
            return Poll::Ready(Some(Ok(live.part())));
        }
        match live.flow.poll_next(task, self.limits.piece) {
            Poll::Pending => {
                live.making = true;
                Poll::Pending
            }
            Poll::Ready(Ok(Some(piece))) => {
                live.making = false;
                live.rest = piece;
                Poll::Ready(Some(Ok(live.part())))
            }
            Poll::Ready(Ok(None)) => {
                self.shared.tell(live, "a body was sent to its end");
                *state = State::Over;
                Poll::Ready(None)
            }
            Poll::Ready(Err(error)) => {
                tracing::warn!(
                    request_id = &*self.shared.request_id,
                    path = &*self.shared.path,
                    code = error.code(),
                    internal = error.internal_message(),
                    reason = error.message(),
                    bytes = live.bytes,
                    "a body broke off"
                );
                *state = State::Broken;
                // What was made until now goes out first: hyper drops what it has not written when a body fails.
                task.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Drop for FlowBody {
    fn drop(&mut self) {
        // It would sleep on until its next look: many short bodies would leave many of them.
        self.watch.abort();
        if let State::Live(live) = &*self.shared.state.lock() {
            self.shared.tell(live, "a body was not read to its end");
        }
    }
}

impl Shared {
    fn tell(&self, live: &Live, message: &'static str) {
        tracing::debug!(
            request_id = &*self.request_id,
            path = &*self.path,
            bytes = live.bytes,
            message
        );
    }

    /// Whether the peer took something since it had taken so many bytes; answers how many those are now. `None`: it did not,
    /// or the flow is over.
    fn went_on(&self, before: Option<u64>) -> Option<u64> {
        let mut state = self.state.lock();
        let State::Live(live) = &*state else { return None };
        if live.making || before != Some(live.bytes) {
            return Some(live.bytes);
        }
        self.tell(live, "a body is not sent on: nobody takes it");
        *state = State::Broken;
        None
    }
}

impl Live {
    fn part(&mut self) -> Frame<Bytes> {
        let part = self.rest.split_to(self.rest.len().min(PART_BYTES_MAX));
        self.bytes += u64::try_from(part.len()).unwrap_or(u64::MAX);
        Frame::data(part)
    }
}

/// Ends a flow of which the peer takes nothing. HTTP/2 has no socket that would tell: the other streams of the connection may
/// do well.
async fn watch(shared: Weak<Shared>, limit: Duration) {
    let mut before = None;
    loop {
        sleep(limit).await;
        let now = shared.upgrade().and_then(|shared| shared.went_on(before));
        if now.is_none() {
            return;
        }
        before = now;
    }
}

/// A request of which the body is still sent counts as one that is worked on: for its connection, and for the server.
struct Held<G: Gateway>(Arc<Connection<G>>);

impl<G: Gateway> Held<G> {
    fn new(connection: &Arc<Connection<G>>) -> Self {
        connection.pulse.hold();
        connection.server.hold();
        Self(Arc::clone(connection))
    }
}

impl<G: Gateway> Drop for Held<G> {
    fn drop(&mut self) {
        self.0.pulse.release();
        self.0.server.release();
    }
}
