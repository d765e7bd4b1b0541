//! The nine kinds of validation rule. Read through [`super::ValidationRule`].

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ValidationRule;
use crate::guard::{guarded, number, some, yes};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};
use crate::wire_enum::wire_enum;

/// What a rule checks; the key `type` on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RuleKind {
    /// Broken when the condition is **true**.
    Script(ScriptRule),
    /// No two records share the values of the fields.
    Unique(UniqueRule),
    /// A field changes only along listed transitions.
    StateMachine(StateMachineRule),
    /// A field's text has a form.
    Format(FormatRule),
    /// A condition over several fields.
    CrossField(CrossFieldRule),
    /// A JSON field fits a JSON Schema.
    #[serde(rename = "json_schema")]
    JsonSchema(JsonSchemaRule),
    /// Asks a remote service or a named function.
    Async(AsyncRule),
    /// Calls a named handler.
    Custom(CustomRule),
    /// Applies another rule when a condition holds.
    Conditional(ConditionalRule),
}

/// Source: `data/ScriptValidation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScriptRule", deny_unknown_fields)]
pub struct ScriptRule {
    /// Expression over the record; the record is refused when it is true.
    pub condition: String,
}

/// Source: `data/UniquenessValidation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UniqueRule", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct UniqueRule {
    /// Fields that together must be unique.
    pub fields: Vec<String>,
    /// Filter expression: only records for which it holds are compared.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scope: Option<String>,
    #[serde(default = "yes")]
    pub case_sensitive: bool,
}

/// Source: `data/StateMachineValidation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StateMachineRule", deny_unknown_fields)]
pub struct StateMachineRule {
    /// The field that holds the state.
    pub field: String,
    /// For each state the states that may follow it.
    pub transitions: IndexMap<String, Vec<String>>,
}

/// Source: `data/FormatValidation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FormatRule", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FormatRule {
    pub field: String,
    /// A regular expression the text must match.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub regex: Option<String>,
    /// A well-known form.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub format: Option<TextFormat>,
}

wire_enum! {
    /// Well-known forms of text.
    pub enum TextFormat {
        Email = "email",
        Url = "url",
        Phone = "phone",
        Json = "json",
    }
}

/// Source: `data/CrossFieldValidation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CrossFieldRule", deny_unknown_fields)]
pub struct CrossFieldRule {
    /// Expression over the record.
    pub condition: String,
    /// The fields it speaks of; errors are shown at these.
    pub fields: Vec<String>,
}

/// Source: `data/JSONValidation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "JsonSchemaRule", deny_unknown_fields)]
pub struct JsonSchemaRule {
    pub field: String,
    /// The JSON Schema.
    pub schema: JsonMap,
}

wire_enum! {
    /// How a remote validator is called.
    #[derive(Default)]
    pub enum ValidatorMethod {
        #[default]
        Get = "GET",
        Post = "POST",
    }
}

/// Source: `data/AsyncValidation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AsyncRule", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AsyncRule {
    pub field: String,
    /// Address to ask.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub validator_url: Option<String>,
    #[serde(default)]
    pub method: ValidatorMethod,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub headers: Option<IndexMap<String, String>>,
    /// Name of a registered function, in place of an address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub validator_function: Option<String>,
    /// Milliseconds until the check counts as failed.
    #[serde(default = "number::<5000>")]
    pub timeout: Number,
    /// Milliseconds a form waits for the user to stop typing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub debounce: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
}

/// Source: `data/CustomValidator`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CustomRule", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CustomRule {
    /// Name of the handler.
    pub handler: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
}

/// Source: `data/ConditionalValidation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ConditionalRule", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ConditionalRule {
    /// Expression over the record.
    pub when: String,
    /// Evaluated when it holds.
    pub then: Box<ValidationRule>,
    /// Evaluated when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub otherwise: Option<Box<ValidationRule>>,
}

map_only! { ScriptRule, UniqueRule, StateMachineRule, FormatRule, CrossFieldRule, JsonSchemaRule, AsyncRule, CustomRule, ConditionalRule }
