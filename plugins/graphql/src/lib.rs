//! `objectos.graphql`: GraphQL over all objects. Reads and writes records through the services `data` and `metadata`
//! alone, with the caller's own principal: whatever they refuse is refused here, in the same words.
//!
//! # Map
//! * `config`, `error`, `failure`: what an operator sets, what may go wrong, and how GraphQL says it.
//! * `names`, `model`: objects of the metadata under names that GraphQL allows.
//! * `schema`: the types that clients see, made of the model; `keeper`: one schema, made anew when the metadata
//!   changed.
//! * `document`, `cost`: an operation, made ready and held to its limits before anything runs.
//! * `plan`, `page`, `filter`, `input`: what an operation wants, in the engine's terms.
//! * `engine`, `fetch`, `answer`, `node`: records with all that hangs on them, and how they come out.
//! * `root`, `change`: the fields of `Query` and `Mutation`.
//! * `request`, `playground`, `plugin`: the way in.
//!
//! # Invariants
//! * No record is read or written but by the service `data`, as the caller. This plugin holds no grant.
//! * A list costs as many calls as there are lists and counts in the selection, however many records there are.
//! * A caller learns of objects and fields what the metadata routes tell to the same caller, and nothing in production.

mod answer;
mod change;
mod config;
mod cost;
mod document;
mod engine;
mod error;
mod failure;
mod fetch;
mod filter;
mod input;
mod keeper;
mod model;
mod names;
mod node;
mod page;
mod plan;
mod playground;
mod plugin;
mod request;
mod root;
mod schema;

pub use config::GraphqlConfig;
pub use error::GraphqlError;
pub use plugin::GraphqlPlugin;
