//! A socket that a route of the plugin under test answered with: a test is its client.

use objectos_plugin_api::{
    Error, Result, SocketMessage,
    abi::{RawPluginObject, RawResult},
    private::{RResult, abi_stable::std_types::RSlice},
};
use std::{fmt, sync::Arc};

/// An open socket. Dropping it ends it in the plugin, without a last message: push [`SocketMessage::Close`] for that.
pub struct TestSocket {
    raw: Arc<RawPluginObject>,
    number: u64,
    protocol: Option<String>,
}

impl fmt::Debug for TestSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSocket")
            .field("number", &self.number)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

pub(crate) fn answer_of(result: RawResult) -> Result<Vec<u8>> {
    match result {
        RResult::ROk(bytes) => Ok(bytes.into_vec()),
        RResult::RErr(error) => Err(Error::from_raw(&error)),
    }
}

impl TestSocket {
    pub(crate) fn new(raw: Arc<RawPluginObject>, number: u64, protocol: Option<String>) -> Self {
        Self { raw, number, protocol }
    }

    /// The `Sec-WebSocket-Protocol` that the plugin accepted.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Says something to the plugin; done when that has heard it.
    ///
    /// # Errors
    /// What the plugin fails with; the gateway would close with 1011.
    pub async fn push(&self, message: &SocketMessage) -> Result<()> {
        let message = message.encode();
        let future = self.raw.stream_push(self.number, RSlice::from_slice(&message));
        answer_of(future.await).map(drop)
    }

    /// The plugin's next message; `None` when there are no more, which the gateway would close with 1000. Waits for as long as
    /// it takes.
    ///
    /// # Errors
    /// What the plugin fails with; the gateway would close with 1011.
    pub async fn next(&self) -> Result<Option<SocketMessage>> {
        let bytes = answer_of(self.raw.stream_next(self.number).await)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        SocketMessage::decode(bytes).map(Some)
    }
}

impl Drop for TestSocket {
    fn drop(&mut self) {
        self.raw.stream_drop(self.number);
    }
}
