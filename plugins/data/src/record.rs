//! Records between the store and JSON: how an object lies in its table, and how its values are written.
//!
//! A [`Layout`] is made once per object and catalogue; with it a row becomes JSON bytes without a document in between. Here is
//! no SQL and no check of what clients send (`query`, `validate`).

mod canonical;
pub mod json;
pub mod layout;
pub mod mask;
pub mod moment;

pub use canonical::{canonical, canonical_number, canonical_text};
pub use json::{Form, SECRET_MASK, write_text, write_value};
pub use layout::{Layout, Schema, TablePlace};
