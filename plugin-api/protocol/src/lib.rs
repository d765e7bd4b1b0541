//! The ObjectStack protocol as Rust types: what apps, requests, answers and configuration look like on the wire.
//!
//! One module per schema family of the protocol (version [`VERSION`]); each type names its schema in its documentation.
//! Reading fills the defaults that authored documents leave out, refuses unknown keys where the protocol does, and refuses
//! `null` where a key is merely optional. Writing gives the complete form. Every type has a JSON Schema, and
//! `cargo xtask audit-spec` holds each of them against the published one.
//!
//! Not here: any behaviour. Evaluating rules, compiling filters and answering requests is the work of plugins.
//! Older spellings of app files are turned into the protocol's by [`dialect`] before they are read.
//!
//! Called by the kernel (manifests), by every plugin, and by `xtask`. The macro that declares a plugin needs [`kernel`] alone,
//! and takes it without the feature `all`: it is compiled a second time, for the machine that builds.

#![cfg_attr(
    test,
    allow(
        clippy::needless_pass_by_value,
        reason = "documents are written where they are checked"
    )
)]

#[cfg(feature = "all")]
pub mod api;
#[cfg(feature = "all")]
pub mod data;
#[cfg(feature = "all")]
pub mod dialect;
#[cfg(feature = "all")]
mod guard;
#[cfg(feature = "all")]
pub mod identity;
pub mod kernel;
mod map_only;
#[cfg(feature = "all")]
pub mod security;
#[cfg(feature = "all")]
pub mod shared;
#[cfg(feature = "all")]
pub mod system;
pub mod text;
#[cfg(feature = "all")]
pub mod ui;
#[cfg(feature = "all")]
mod wire_enum;

#[cfg(feature = "all")]
pub use wire_enum::UnknownValue;

/// The protocol version these types follow.
pub const VERSION: &str = "2.0.7";
