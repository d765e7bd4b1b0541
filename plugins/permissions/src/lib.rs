//! `objectos.permissions`: who may do what, as access plans.
//!
//! What is written about access ([`decode`]) becomes one model ([`model`]); a principal becomes a subject ([`subject`]); both make
//! a plan ([`plan`]) that the data engine turns into its query. No record of an app is read here to decide about a request: sets
//! of people and shares are looked up by the query itself.
//!
//! Invariants: everybody who is not an administrator begins with nothing; what cannot be read, found or turned into a filter
//! closes and never opens; the version grows before a change of access is acknowledged.

pub mod catalogue;
pub mod command;
pub mod condition;
pub mod config;
pub mod decode;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod files;
pub mod guard;
pub mod load;
pub mod model;
pub mod moment;
pub mod plan;
mod plugin;
pub mod problem;
pub mod reach;
pub mod records;
pub mod routes;
pub mod rows;
pub mod service;
pub mod state;
pub mod subject;

pub use plugin::PermissionsPlugin;
