//! The HTTP gateway: routes, limits, authenticates and passes bytes through. Speaks HTTP/1.1 and HTTP/2, with TLS when it is
//! configured, WebSocket where a plugin's route answers so, and sends outgoing requests for others (`http-client`).
//!
//! # Map
//! * `config`, `error`: what an operator sets, and what may be wrong with it.
//! * `gateway`: what is needed of the kernel; `snapshot`, `router`: who answers what, right now.
//! * `listener`, `connection`, `stream`, `pulse`: from the socket to a request, limits in time, stopping without loss.
//! * `exchange`, `access`, `identity`, `body`, `frame`, `answer`, `flow`, `problem`: from a request to its answer.
//! * `socket`: from a request to a WebSocket.
//! * `system`, `discovery`, `openapi`: the server's own routes.
//! * `outgoing`: the service `http-client`.
//!
//! # Invariants
//! * Knows nothing of objects, permissions or SQL. A route is a method, a pattern and the plugin that answers it.
//! * Fails closed: with `auth` declared and not answering, only public routes are served; without it, only this machine is.
//! * A body is copied once, into the frame that goes to the plugin; the body of an answer never is.
//! * A connection is closed only after an answer that announced it, or when it has been idle for longer than its limit.

mod access;
mod answer;
mod body;
mod config;
mod connection;
mod cors;
mod discovery;
mod error;
mod exchange;
mod flow;
mod frame;
mod gateway;
mod identity;
mod ids;
mod listener;
mod locale;
mod openapi;
mod outgoing;
mod peer;
mod plugin;
mod problem;
mod pulse;
mod rate;
mod router;
mod server;
mod snapshot;
mod socket;
mod stream;
mod system;
mod tls;

pub use config::{
    AddressRange, BodyRule, CorsConfig, Limits, Origin, OutgoingConfig, RateLimitConfig, ServerConfig, SocketConfig,
    TlsConfig,
};
pub use error::ServerError;
pub use flow::Flow;
pub use gateway::{ContributedRoute, ContributedService, Gateway, HostGateway};
pub use listener::{Listening, refuse_exposure};
pub use outgoing::{HostGrants, Outgoing};
pub use plugin::ServerPlugin;
pub use server::Server;
pub use socket::Line;
pub use tls::acceptor;
