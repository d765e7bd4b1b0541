//! A key that takes one string or a list of strings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One string, or several. Shape: `"a"` or `["a", "b"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// A single string.
    One(String),
    /// A list, possibly empty.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All strings, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// Whether `text` or the wildcard `*` is among them.
    #[must_use]
    pub fn allows(&self, text: &str) -> bool {
        self.as_slice().iter().any(|item| item == "*" || item == text)
    }
}

impl Default for OneOrMany {
    /// The wildcard.
    fn default() -> Self {
        Self::One("*".to_owned())
    }
}
