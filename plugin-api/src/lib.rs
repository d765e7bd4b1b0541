//! Everything a plugin author needs: one trait ([`Plugin`]), one attribute (`#[plugin]`), typed services (`#[service]`),
//! hooks, events, routes and commands ([`Registry`]), and the kernel's side of it ([`Host`]).
//!
//! # Map
//! * [`Plugin`], [`Registry`], [`Setup`]: what an author writes and fills.
//! * [`Host`], [`ServiceRef`], [`HookRef`]: what a plugin may do.
//! * [`Context`], [`Principal`]: who asks, crossing every call.
//! * [`HttpRequest`], [`HttpResponse`]: a route's two sides; [`BodyStream`], [`BodyReader`]: a body made while it is sent;
//!   [`Socket`], [`SocketLine`]: an answer that goes on as a WebSocket.
//! * [`counted_address`]: by what callers are told apart. [`Readings`]: one reading for many.
//! * [`Refusals`]: tells of requests that a plugin refuses, without a flood of events. [`told_path`]: a path as it may be
//!   written down. [`nests_beyond`]: what is too deep to be kept for others; [`NESTED_MAX`], [`NESTED_TRUSTED_MAX`]: how deep it
//!   may be; [`too_deep`]: the refusal's sentence.
//! * [`contracts`]: the typed services by which plugins meet. Plugins never import each other.
//! * `abi`, `export`, `runtime`, `log`: the way across the line. Not for authors.
//!
//! # Invariants
//! * This crate does not know the kernel, nor any plugin. No type of tokio is in its public surface.
//! * Its version is the version of the API: plugins state the range they were built for, and a host loads every plugin of
//!   the same major.
//! * Nothing unwinds across the ABI; nothing that one library allocated is freed by another.

#![warn(missing_docs)]

extern crate self as objectos_plugin_api;

pub mod abi;
mod address;
mod body;
mod context;
pub mod contracts;
mod depth;
mod error;
mod event;
#[doc(hidden)]
pub mod export;
mod host;
mod http;
mod log;
mod plugin;
#[doc(hidden)]
pub mod private;
mod readings;
mod refusals;
mod runtime;
mod service;
mod socket;
mod told;

pub use address::counted_address;
pub use body::{BodyStream, HttpAnswer};
pub use context::{Context, Principal, PrincipalKind};
pub use depth::{NESTED_MAX, NESTED_TRUSTED_MAX, nests_beyond, too_deep};
pub use error::{ADDRESS_UNAVAILABLE, CONFIGURATION_ERROR, Error, ErrorKind, Result};
pub use event::{Event, NewEvent, Priority};
pub use host::{BodyReader, HookRef, HookStep, Host, Payload, ServiceRef, SocketLine, SocketPush};
pub use http::{HttpRequest, HttpRequestParts, HttpResponse};
pub use objectos_plugin_macros::{plugin, service};
pub use objectos_protocol as protocol;
pub use plugin::{
    CommandAnswer, HOOK_PRIORITY, Health, HookAnswer, HookCall, HostSettings, Plugin, RegisteredEvent, RegisteredHook,
    RegisteredService, Registrations, Registry, Setup,
};
pub use readings::Readings;
pub use refusals::{Refusals, Refused};
#[doc(hidden)]
pub use runtime::STACK_BYTES;
pub use service::{MethodSpec, ServiceFuture, ServiceHandler};
pub use socket::{SERVICE_RESTART, Socket, SocketMessage};
pub use told::told_path;
