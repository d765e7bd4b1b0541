//! WebSockets: what a plugin answers with messages, and what its client gets as frames. The plugin's route decides; the server
//! shakes hands, keeps to limits, pings, closes, and passes messages on, each side as fast as the other takes them.
//!
//! From a request to a socket: [`handshake`] looks at the request, [`places`] has room for it or not, the route answers with
//! a [`Line`], [`crate::exchange`] answers 101, [`crate::connection`] hands the upgraded connection to a [`Session`].
//!
//! HTTP/1.1 only: over HTTP/2 (extended CONNECT, RFC 8441) no WebSocket is offered, and browsers then take HTTP/1.1 for it.
//! No extensions (compression) are agreed on.

mod handshake;
mod line;
mod places;
mod session;

pub use self::line::Line;
pub(crate) use self::{
    handshake::offers,
    places::{Place, Sockets},
    session::{Session, Upgrading},
};

/// A socket that a plugin answered with, and its place among those that may be open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) line: Box<dyn Line>,
    pub(crate) place: Place,
}
