//! The whole server over real sockets, with a gateway of the tests' own in the kernel's place.
// Helpers of tests are tests; the lint's own exception covers only the functions marked so.
#![allow(clippy::unwrap_used)]

mod access;
mod client;
mod cors;
mod drain;
mod flows;
mod gateway;
mod http2;
mod limits;
mod malformed;
mod outgoing;
mod routing;
mod sockets;
mod system;
mod tls;
