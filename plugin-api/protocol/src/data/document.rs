//! Reading whole documents with the way to what is wrong in them. Each of these types costs seconds to compile for each form it
//! is read from, so that is done here, once, and not again in every crate that reads them. Not here: what to do about a fault.
//! Called by the loader of apps.

use serde_json::Value;

use super::{Dataset, Field, Object, RuleCommon};

/// What is wrong, and the way to it.
pub type DocumentError = serde_path_to_error::Error<serde_json::Error>;

/// A type that is read from a written document.
pub trait Document: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// The first fault, with the keys that lead to it.
    fn read(value: &Value) -> Result<Self, DocumentError>;
}

macro_rules! documents {
    ($($document:ty),+) => {
        $(impl Document for $document {
            #[inline(never)]
            fn read(value: &Value) -> Result<Self, DocumentError> {
                serde_path_to_error::deserialize(value)
            }
        })+
    };
}

documents!(Object, Field, Dataset, RuleCommon);

impl Object {
    /// The complete form, defaults included.
    #[must_use]
    #[inline(never)]
    pub fn to_json(&self) -> Value {
        // These types are made to be written as JSON: every key is text.
        serde_json::to_value(self).unwrap_or_default()
    }
}
