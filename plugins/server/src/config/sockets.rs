//! What an operator may set about WebSockets.

use serde::{Deserialize, Serialize};

/// WebSockets that plugins answer with. Sizes in bytes, times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SocketConfig {
    /// Between two pings; a client that does not answer until the next is gone.
    pub heartbeat_ms: u64,
    /// A message of a client; a larger one closes its socket.
    pub message_bytes_max: u32,
    /// Open sockets; further ones are refused. They do not count among `limits.connectionsMax`.
    pub connections_max: u32,
    /// Open sockets of one address; further ones are refused.
    pub connections_per_address_max: u32,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self {
            heartbeat_ms: 30_000,
            message_bytes_max: 64 * 1024,
            connections_max: 10_000,
            connections_per_address_max: 100,
        }
    }
}

impl SocketConfig {
    /// Every key with its value; none may be 0.
    pub(super) fn numbers(&self) -> [(&'static str, u64); 4] {
        [
            ("sockets.heartbeatMs", self.heartbeat_ms),
            ("sockets.messageBytesMax", u64::from(self.message_bytes_max)),
            ("sockets.connectionsMax", u64::from(self.connections_max)),
            (
                "sockets.connectionsPerAddressMax",
                u64::from(self.connections_per_address_max),
            ),
        ]
    }
}
