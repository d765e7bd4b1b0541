//! WebSockets as a plugin sees them: messages, and nothing of the protocol below. What a route answers ([`Socket`]), and one
//! message with its spelling across the line ([`SocketMessage`]). Handshake, frames, pings and limits are the gateway's, whose
//! side is [`crate::SocketLine`]; where a plugin keeps its open sockets, [`crate::body`]'s.

use std::{fmt, future::Future, pin::Pin};

use crate::{
    body::BodyStream,
    error::{Error, Result},
    http::HttpResponse,
};

/// Code of the error that a gateway reads from a socket whose plugin is replaced or stopped: its client is told to come back
/// (1012).
pub const SERVICE_RESTART: &str = "service_restart";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 3;

/// One message of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketMessage {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// The end. Nothing follows.
    Close {
        /// 1000 to 4999. What may not be sent, such as 1005 (none was given) and 1006 (the connection broke off), is only told.
        code: u16,
        /// In words, 123 bytes at most; what is longer is cut off. May be empty.
        reason: String,
    },
}

impl SocketMessage {
    /// As it crosses the line, never empty: byte 1 and the text, byte 2 and the bytes, or byte 3, the code as a little-endian
    /// `u16`, and the reason.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => [&[TEXT][..], text.as_bytes()].concat(),
            Self::Binary(bytes) => [&[BINARY][..], bytes.as_slice()].concat(),
            Self::Close { code, reason } => [&[CLOSE][..], &code.to_le_bytes()[..], reason.as_bytes()].concat(),
        }
    }

    /// Reads what [`SocketMessage::encode`] wrote.
    ///
    /// # Errors
    /// `Internal` when it is no message of a kind this knows, or its text is no UTF-8.
    pub fn decode(mut bytes: Vec<u8>) -> Result<Self> {
        let broken = || Error::internal("a message of a socket is broken");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| broken());
        match [0, 1, 2].map(|at| bytes.get(at).copied()) {
            [Some(TEXT), ..] => text(bytes.split_off(1)).map(Self::Text),
            [Some(BINARY), ..] => Ok(Self::Binary(bytes.split_off(1))),
            [Some(CLOSE), Some(low), Some(high)] => Ok(Self::Close {
                code: u16::from_le_bytes([low, high]),
                reason: text(bytes.split_off(3))?,
            }),
            _ => Err(broken()),
        }
    }
}

/// What hears the client.
pub(crate) type Incoming = Box<dyn FnMut(SocketMessage) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send>;

/// What a route answers that goes on as a WebSocket; only to a request whose header `upgrade` says `websocket`. Registered with
/// [`crate::Registry::streaming_route`]. Dropping it drops both sides, wherever they are.
pub struct Socket {
    protocol: Option<String>,
    pub(crate) outgoing: BodyStream,
    pub(crate) incoming: Incoming,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl Socket {
    /// `outgoing`: messages to the client, one a step, each out of the state that the one before left; the next one is made
    /// when the client has taken the one before. `None` closes with 1000, a `Close` message with its code, an error with 1011.
    ///
    /// `incoming`: called with each message of the client, one at a time, the next one only when the future is done; one that
    /// takes longer than the gateway's limit for a request is dropped, and the socket closed with 1011, as by an error. The
    /// last call is `Close`: with the client's code (1005 when it gave none), with that which the socket was closed with, or
    /// with 1006 when the connection broke off. There is none when the plugin itself is replaced or stopped: then both sides
    /// are dropped at once, whatever they do, and the client is told to come back (1012).
    ///
    /// `protocol`: the accepted `Sec-WebSocket-Protocol`, if any; one of those that the client offered.
    ///
    /// The deadline of the request's context is that of the answer; for what a message asks of others, give each a deadline of
    /// its own with [`crate::Context::renewed`].
    #[must_use]
    pub fn new<S, F, Fut, G, GFut>(protocol: Option<String>, state: S, mut outgoing: F, mut incoming: G) -> Self
    where
        S: Send + 'static,
        F: FnMut(S) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<(SocketMessage, S)>>> + Send + 'static,
        G: FnMut(SocketMessage) -> GFut + Send + 'static,
        GFut: Future<Output = Result<()>> + Send + 'static,
    {
        let outgoing = BodyStream::unfold(state, move |state| {
            let step = outgoing(state);
            async move { Ok(step.await?.map(|(message, state)| (message.encode(), state))) }
        });
        Self {
            protocol,
            outgoing,
            incoming: Box::new(move |message| Box::pin(incoming(message))),
        }
    }

    /// The head of the answer.
    pub(crate) fn head(&self) -> HttpResponse {
        let head = HttpResponse::empty(101);
        match &self.protocol {
            Some(protocol) => head.with_header("sec-websocket-protocol", protocol.as_str()),
            None => head,
        }
    }
}
