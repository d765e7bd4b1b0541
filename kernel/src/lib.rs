//! The ObjectOS microkernel: finds plugins, decides which may run, loads and starts them, lets them meet by services, hooks
//! and events, watches them, swaps them while calls go on, and stops them.
//!
//! # Map
//! * Before any code of a plugin runs: [`discover`], [`trust`], [`grants`], [`settings`], [`resolve`] make of a folder the
//!   [`package`]s that start and the refusals with their reasons.
//! * [`loader`]: opens a library, checks its ABI, takes it out of memory again. The only place with `unsafe`.
//! * `instance`: one generation of a plugin and the calls into it; `instance::cell`: the one place of a plugin through which
//!   every reference to it goes; `instance::own_threads`: where a plugin runs that is not called on its callers' threads.
//! * `host_object`: the kernel as a plugin sees it, where every right is checked.
//! * `services`, `hooks`, [`events`], `contributions`, `listeners`: the ways plugins meet; `streams`: bodies of answers that one
//!   plugin makes while another one reads them, and sockets.
//! * `lifecycle`, `swap`, `health`, `watch`: what happens to a plugin, and when.
//! * [`Kernel`], [`KernelOptions`]: what a host uses; `control`: the same as the service `kernel`, and the service `grants`.
//!
//! # Invariants
//! * No HTTP, no SQL, no users, no plugin by name. (The services `event-store` and `http-client` are contracts.)
//! * Nothing is decided after a library is opened that could be decided before.
//! * A plugin that fails costs its own function: every way into it and out of it is guarded, limited and counted.

pub mod clock;
mod config;
mod contributions;
mod control;
pub mod discover;
mod error;
pub mod events;
pub mod grants;
mod health;
mod hooks;
mod host_object;
mod instance;
mod journal;
mod kernel;
mod lifecycle;
mod listeners;
pub mod loader;
pub mod package;
mod report;
pub mod resolve;
mod services;
pub mod settings;
mod streams;
mod swap;
pub mod threads;
pub mod trust;
mod watch;

pub use config::{KernelLimits, KernelOptions, Policy, Selection};
pub use control::own_services as kernel_services;
pub use error::Error;
pub use kernel::{HostService, Kernel, WeakKernel};
pub use listeners::Listener;
pub use report::{PluginLine, StartReport};
