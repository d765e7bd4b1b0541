//! The plugin's end of a socket, as the server sees it. A trait, so that tests need no kernel.

use objectos_plugin_api::{Result, SocketLine, SocketMessage, SocketPush};
use std::{
    fmt,
    task::{Context, Poll},
};

/// A socket that a plugin answered with. Dropping it ends it there.
pub trait Line: fmt::Debug + Send + 'static {
    /// The next message to the client; `None` when there are no more.
    ///
    /// Fails with what the plugin failed with, or with the code `service_restart` when it is being replaced or stopped;
    /// nothing follows then.
    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Result<Option<SocketMessage>>>;

    /// A message of the client; the next one only when this is done. Dropping the future cancels that message.
    fn push(&mut self, message: &SocketMessage) -> SocketPush;
}

impl Line for SocketLine {
    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Result<Option<SocketMessage>>> {
        Self::poll_next(self, task)
    }

    fn push(&mut self, message: &SocketMessage) -> SocketPush {
        Self::push(self, message)
    }
}
