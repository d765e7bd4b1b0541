//! The plugin in a test host: its routes and its service, on records in memory and with a clock the test sets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alarms;
mod authenticator;
mod bootstrap;
mod data;
mod disabled;
mod failures;
mod floods;
mod forced_factor;
mod guessing;
mod hijack;
mod impersonation;
mod invitations;
mod keys;
mod links;
mod lockout;
mod net;
mod organizations;
mod passkeys;
mod providers;
mod reach;
mod rules;
mod scim;
mod scim_paths;
mod sessions;
mod silence;
mod together;
mod two_factor;
mod veto;
mod world;
