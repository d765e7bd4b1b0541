//! Objects, fields, queries, filters, rules, seed data: what an app is made of. Source: the `data` folder of the protocol.

mod construct;
mod dataset;
mod datasource;
mod document;
mod engine;
mod field;
mod field_config;
mod field_node;
mod field_type;
mod filter;
mod hook;
mod lifecycle;
mod object;
mod operators;
mod query;
mod state_machine;
mod validation;
mod values;

pub use dataset::*;
pub use datasource::*;
pub use document::*;
pub use engine::*;
pub use field::*;
pub use field_config::*;
pub use field_node::*;
pub use field_type::*;
pub use filter::*;
pub use hook::*;
pub use lifecycle::*;
pub use object::*;
pub use operators::*;
pub use query::*;
pub use state_machine::*;
pub use validation::*;
pub use values::*;
