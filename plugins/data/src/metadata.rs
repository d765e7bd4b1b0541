//! Everything that apps and plugins declare, by kind and name, as it was declared.
//!
//! Objects are here in the protocol's complete form; what the engine works on is `model`. The registry is part of a
//! catalogue, so it never changes; what a reader gets over HTTP is written once and kept ([`Rendered`]). Seed records are no
//! metadata and are not here.
//!
//! Called by the loader (`app`), the routes (`routes_meta`) and, through [`MetadataProvider`], by other plugins.

mod item;
mod kind;
mod provider;
mod registry;
mod view;

pub use item::{MetadataEntry, Rendered};
pub use kind::{DATA, KINDS, Kind, kind_of_file, kind_of_name};
pub use provider::MetadataProvider;
pub use registry::MetadataRegistry;
pub use view::{ViewType, generated_view};
