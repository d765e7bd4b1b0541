//! Rules that records keep, compiled from the protocol's validations.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use objectos_plugin_api::protocol::data::{ChangeKind, Severity, TextFormat};
use serde_json::{Map, Value};

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

impl RuleModel {
    /// It compares a record with the others of its object.
    #[must_use]
    pub fn compares_records(&self) -> bool {
        match &self.check {
            RuleCheck::Unique { .. } => true,
            RuleCheck::Conditional { then, otherwise, .. } => {
                then.iter().chain(otherwise).any(|rule| rule.compares_records())
            }
            _ => false,
        }
    }
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
        /// For each value those that may follow it. Nothing follows a value without an entry.
        allowed: HashMap<String, HashSet<String>>,
        /// Values with which a record may begin; none means any.
        initial: Option<HashSet<String>>,
    },
    /// Text of a field matches a pattern.
    Pattern {
        /// The field.
        field: String,
        /// Unanchored, as in the protocol.
        regex: regex::Regex,
        /// A well-known form that it must have as well.
        format: Option<TextFormat>,
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
        /// When it is true; none when it is switched off.
        then: Option<Box<RuleModel>>,
        /// When it is false or null.
        otherwise: Option<Box<RuleModel>>,
    },
    /// Somebody else decides.
    Asked(Box<AskedModel>),
}

/// A question to somebody outside of the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedModel {
    /// The field that is asked about: asked only when it has a value that is new. Without one the whole record is sent.
    pub field: Option<String>,
    /// Who is asked.
    pub whom: Asked,
    /// Sent along.
    pub params: Map<String, Value>,
    /// Milliseconds until the answer counts as failed.
    pub timeout_ms: u64,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A server, through the service `http-client`.
    Http {
        /// `http://` or `https://`; `{value}` in it stands for the value.
        url: String,
        /// The value goes into the body; else into the address.
        post: bool,
        /// Headers.
        headers: Vec<(String, String)>,
    },
    /// A service of a plugin.
    Service {
        /// Its name, which begins with [`VALIDATOR_SERVICES`].
        service: String,
        /// Its method.
        method: String,
    },
}

/// Beginning of the names of services that judge records: this plugin may call those and no others.
pub const VALIDATOR_SERVICES: &str = "validator.";
