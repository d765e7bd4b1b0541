//! Rules that records keep, compiled from the protocol's validations.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use objectos_plugin_api::protocol::data::{ChangeKind, Severity, TextFormat};
use serde_json::Value;

use super::Expression;

/// A rule. Only active rules are compiled.
#[derive(Clone, Debug)]
pub struct RuleModel {
    /// Unique within the object.
    pub name: String,
    /// For the user when the rule is broken.
    pub message: String,
    /// `Error` refuses the change; the others only tell.
    pub severity: Severity,
    /// On which changes it is looked at.
    pub events: Vec<ChangeKind>,
    /// Fields at which the message is shown.
    pub fields: Vec<String>,
    /// What it looks at.
    pub check: RuleCheck,
}

/// What a rule looks at.
#[derive(Clone, Debug)]
pub enum RuleCheck {
    /// Broken when the expression is **true**. `script`, and `cross_field` in the same sense.
    Condition(Arc<Expression>),
    /// No two records share the values.
    Unique {
        /// Fields that together must be unique.
        fields: Vec<String>,
        /// Only records for which it holds are compared.
        scope: Option<Arc<Expression>>,
        /// Text is compared with case.
        case_sensitive: bool,
    },
    /// A field changes only along these ways; a value stays where it is freely.
    Transitions {
        /// The field.
        field: String,
        /// For each value those that may follow it. A value without an entry may become anything; with an empty one nothing.
        allowed: HashMap<String, HashSet<String>>,
    },
    /// Text of a field matches a pattern.
    Pattern {
        /// The field.
        field: String,
        /// Unanchored, as in the protocol.
        regex: regex::Regex,
    },
    /// Text of a field has a well-known form.
    Format {
        /// The field.
        field: String,
        /// Which.
        format: TextFormat,
    },
    /// A JSON field fits a JSON Schema.
    JsonSchema {
        /// The field.
        field: String,
        /// The compiled schema.
        validator: Arc<jsonschema::Validator>,
        /// The schema as written.
        schema: Value,
    },
    /// Another rule, depending on a condition.
    Conditional {
        /// Which way.
        when: Arc<Expression>,
        /// When it is true.
        then: Box<RuleModel>,
        /// When it is false or null.
        otherwise: Option<Box<RuleModel>>,
    },
}
