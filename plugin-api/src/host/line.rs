//! The gateway's side of a socket that a plugin answered with: what goes to the client is taken from it, what the client says
//! is pushed into it. Not for whoever answers with sockets; those are [`crate::Socket`]s.

use abi_stable::std_types::RSlice;
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use super::{Host, payload};
use crate::{abi::RawFuture, error::Result, socket::SocketMessage};

/// A message on its way to a plugin. Dropping it cancels that message, and not the socket.
pub type SocketPush = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A socket of another plugin. Dropping it ends it there.
pub struct SocketLine {
    host: Host,
    socket: u64,
    /// The message that was asked for.
    next: Option<RawFuture>,
    over: bool,
}

impl fmt::Debug for SocketLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketLine")
            .field("socket", &self.socket)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl SocketLine {
    pub(super) fn new(host: Host, socket: u64) -> Self {
        Self {
            host,
            socket,
            next: None,
            over: false,
        }
    }

    /// Looks for the next message to the client, however long that takes; `None` when there are no more. What the client says
    /// may be pushed until this is dropped.
    ///
    /// Fails with what the plugin failed with; with the code [`crate::SERVICE_RESTART`] when the plugin is being replaced or
    /// stopped. Nothing follows then.
    pub fn poll_next(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<Option<SocketMessage>>> {
        if self.over {
            return Poll::Ready(Ok(None));
        }
        // No deadline: a socket may be silent for as long as it likes.
        let next = self.next.get_or_insert_with(|| self.host.0.stream_next(self.socket, 0));
        let answer = ready!(Pin::new(next).poll(task));
        self.next = None;
        let message = payload(answer).and_then(|bytes| {
            if bytes.is_empty() {
                return Ok(None);
            }
            SocketMessage::decode(bytes.to_vec()).map(Some)
        });
        self.over = !matches!(message, Ok(Some(_)));
        Poll::Ready(message)
    }

    /// The next message to the client; `None` when there are no more.
    ///
    /// # Errors
    /// As [`SocketLine::poll_next`].
    pub async fn next(&mut self) -> Result<Option<SocketMessage>> {
        poll_fn(|task| self.poll_next(task)).await
    }

    /// Pushes a message of the client; the next one only when this is done.
    ///
    /// The future fails with what the plugin fails with, and like [`SocketLine::poll_next`] when the plugin goes away.
    #[must_use]
    pub fn push(&self, message: &SocketMessage) -> SocketPush {
        let pushed = self
            .host
            .0
            .stream_push(self.socket, RSlice::from_slice(&message.encode()));
        Box::pin(async move { payload(pushed.await).map(drop) })
    }
}

impl Drop for SocketLine {
    fn drop(&mut self) {
        self.next = None;
        self.host.0.stream_drop(self.socket);
    }
}
