//! The host around the kernel: flags, configuration, logging, signals, and the commands about plugins. Nothing else: what the
//! platform does is done by plugins, and the host knows none of them by name.
//!
//! * [`cli`]: the command line.
//! * [`settings`]: file, environment and flags become one configuration, each value with its origin.
//! * [`logging`]: where log lines go and how they look.
//! * [`out`]: what is told to whoever started the host.
//! * [`serve`]: starts the kernel, waits for a signal, stops it.
//! * [`control`]: the socket by which `plugins swap` reaches the running host.
//! * [`lock`]: one host for each data folder.
//! * [`plugins`]: the commands about plugin files.
//! * [`exit`]: exit codes.

pub mod cli;
pub mod control;
pub mod exit;
pub mod lock;
pub mod logging;
pub mod out;
pub mod plugins;
pub mod serve;
pub mod settings;
