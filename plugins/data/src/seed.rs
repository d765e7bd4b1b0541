//! Seed records: what an app brings along, put in through the engine as the system.
//!
//! A set is applied once for each content: its digest is kept by the sink, so a restart does nothing and a changed file is
//! applied again, record by record, recognised by the external id. What users changed since is thus only overwritten when the
//! app's author changes the file. References are written as the external id of the record they point to, or as its id.
//!
//! Called by the plugin after the schema is in place; the engine implements [`SeedSink`].

mod apply;
mod set;

pub use apply::{SeedReport, SeedSink, apply};
pub use set::{SeedRecord, SeedSet, environment_of_mode};
