//! `objectos.auth`: who is who. Users, sessions, keys, second factors, organisations; wire-compatible with better-auth under
//! `/api/v1/auth`, and the service `auth` for the gateway.
//!
//! # Map
//! * [`config`], [`error`]: what an operator sets, and what can go wrong.
//! * `crypto`, `policy`, `guard`: hashes, seals and codes; which passwords are taken; what follows failed attempts.
//! * `rules`: what apps demand of passwords, sessions and networks beyond that, of everybody or of some profiles.
//! * `http`, `view`: bodies, cookies, origins, answers; records as clients see them.
//! * `records`: the plugin's objects behind the service `data`.
//! * `sessions`, `keys`, `identify`: who stands behind a request, from memory where it can be; `watch`: what ends that.
//! * `proofs`, `mail`, `bootstrap`: links that are good once, the mails they go by, how users come to be.
//! * `webauthn`: what passkeys sign, from bytes to "this key, this challenge, this page".
//! * `later`: what is done after an answer, so that it tells nothing.
//! * `lock`, `alarm`: locked accounts and blocked addresses, and what follows suspicious activity; `address`: what counts as one.
//! * `invited`: what the link of an invitation proves; `limit`: what is counted and waits after too many.
//! * `oauth`: providers where people prove who they are.
//! * `last_place`: the organisation that somebody in several begins in.
//! * `reach`, `powers`, `right`: whom somebody who manages users may manage, that they become no more by it, and what members may do
//!   in their organisation.
//! * `veto`: the same held against whoever writes the plugin's objects over the data routes; `disable`: what goes with a user.
//! * `routes`: everything that is called by HTTP. `plugin`: all of it behind the kernel.
//!
//! # Invariants
//! * No token, password or code stands in the store as it is: tokens and codes are hashed, the rest is sealed.
//! * What a request says of its tenant, user or address is never believed; the session and the gateway say it.
//! * What ends a session is forgotten in memory before it is acknowledged.
//! * No answer tells whether an account exists, but for registering an address that has one where whoever registers is signed in
//!   at once, and for directories and administrators, who cannot do without; each such answer counts, and many have to wait.
//! * A grant on one of the plugin's objects is not enough to become more than one is: ways in are written by its routes alone, and
//!   what else it keeps is written by whoever may do the same by a route.
//! * Nobody is believed to have an address by saying so: a link of a mail to it shows it, or a provider that is trusted.

mod address;
mod alarm;
mod auth;
mod bootstrap;
pub mod config;
mod crypto;
mod disable;
pub mod error;
mod guard;
mod http;
mod identify;
mod invited;
mod keys;
mod last_place;
mod later;
mod limit;
mod lock;
mod mail;
mod moment;
mod oauth;
mod plugin;
mod policy;
mod powers;
mod proofs;
mod reach;
mod records;
mod right;
mod routes;
mod rules;
mod sessions;
mod veto;
mod view;
mod watch;
mod webauthn;

pub use plugin::AuthPlugin;
