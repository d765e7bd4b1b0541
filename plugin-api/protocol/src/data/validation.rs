//! Validation rules of an object: what every rule has, and what each kind adds.
//!
//! The wire form is flat (`{type, name, message, ...}`). In Rust the shared keys are fields and the rest is an enum, so a
//! rule is read as `rule.name` and `match &rule.kind`. Evaluating rules is `plugins/data`.

mod kind;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use kind::*;

use crate::data::ChangeKind;
use crate::guard::{divided, guarded, identifier, some, yes};
use crate::map_only::map_only;
use crate::text::IDENTIFIER;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a broken rule does: refuse the record, or only tell.
    #[derive(Default)]
    pub enum Severity {
        #[default]
        Error = "error",
        Warning = "warning",
        Info = "info",
    }
}

/// A rule that records of an object must keep. Source: `data/ValidationRule` and its nine kinds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct ValidationRule {
    /// Keys that every rule has.
    #[serde(flatten)]
    pub common: RuleCommon,
    /// What the rule checks, by `type`.
    #[serde(flatten)]
    pub kind: RuleKind,
}

/// The keys that every validation rule has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RuleCommon", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RuleCommon {
    /// Unique within the object.
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    /// A rule that is not active is kept but not evaluated.
    #[serde(default = "yes")]
    pub active: bool,
    /// The changes on which the rule is evaluated; by default insert and update.
    #[serde(default = "insert_and_update")]
    pub events: Vec<ChangeKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tags: Option<Vec<String>>,
    #[serde(default)]
    pub severity: Severity,
    /// Shown to the user when the rule is broken.
    pub message: String,
}

impl RuleCommon {
    /// An active rule of severity error on insert and update.
    #[must_use]
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: None,
            description: None,
            active: true,
            events: insert_and_update(),
            tags: None,
            severity: Severity::Error,
            message: message.into(),
        }
    }
}

fn insert_and_update() -> Vec<ChangeKind> {
    vec![ChangeKind::Insert, ChangeKind::Update]
}

/// Keys that belong to [`RuleCommon`]; every other key belongs to the kind.
const COMMON_KEYS: [&str; 8] = [
    "name",
    "label",
    "description",
    "active",
    "events",
    "tags",
    "severity",
    "message",
];

impl<'de> Deserialize<'de> for ValidationRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (common, kind) = divided(deserializer, &COMMON_KEYS)?;
        Ok(Self { common, kind })
    }
}

map_only! { RuleCommon }

#[cfg(test)]
mod tests;
