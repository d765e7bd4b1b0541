//! Planning of database changes: what the catalogue asks for, held against what is there.
//!
//! Driver-neutral: a store describes its tables as a [`DatabaseShape`], [`plan`] answers the steps, and the store writes
//! the SQL of each [`SchemaStep`]. Additive steps lose nothing and are applied at start and on reload; destructive ones
//! only when somebody asks for them after reading what would be lost.

mod made;
mod plan;
mod shape;
mod step;

pub use made::Made;
pub use plan::{INDEX_PREFIXES, SchemaPlan, mentions, plan, plan_beside, plan_of};
pub use shape::{ColumnShape, DatabaseShape, IndexShape, TableShape};
pub use step::{ColumnSpec, SchemaStep};
