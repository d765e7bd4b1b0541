//! Text that is shown to a person, either as it is or by translation key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;

/// A label: plain text, or a key to be looked up in the translations. Source: `ui/I18nLabel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Label {
    /// Shown as it is.
    Text(String),
    /// Looked up by key.
    Translated(Translated),
}

impl Label {
    /// What to show when no translation is at hand: the text, the default value, or the key.
    #[must_use]
    pub fn fallback(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Translated(translated) => translated.default_value.as_deref().unwrap_or(&translated.key),
        }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A translation key with its fallback. Source: `ui/I18nObject`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Translated", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Translated {
    /// Key in the translation bundle.
    pub key: String,
    /// Shown when the key has no translation.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default_value: Option<String>,
    /// Values for the placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
}

map_only! { Translated }
