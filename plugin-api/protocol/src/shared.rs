//! Pieces that every schema family uses: numbers, open JSON maps, HTTP methods, labels.
//!
//! Source: the `shared` folder of the protocol. Called by the other families and by plugins.

mod json;
mod label;
mod number;
mod one_or_many;
mod values;

pub use json::{False, JsonMap};
pub use label::{Label, Translated};
pub use number::Number;
pub use one_or_many::OneOrMany;
pub use values::*;
