//! What is wrong with one field of a record.

use serde_json::{Map, Value, json};

/// Why a field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldCode {
    /// No value, though one is needed.
    Required,
    /// Not a field of the object.
    UnknownField,
    /// A value of another kind.
    InvalidType,
    /// Not true or false.
    InvalidBoolean,
    /// Not a number.
    InvalidNumber,
    /// Not a day or a moment.
    InvalidDate,
    /// Not a time of day.
    InvalidTime,
    /// Not an e-mail address.
    InvalidEmail,
    /// Not an address of the web.
    InvalidUrl,
    /// Not a telephone number.
    InvalidPhone,
    /// Not JSON, or not of the schema.
    InvalidJson,
    /// Not of the form that a rule asks for.
    InvalidFormat,
    /// Shorter than allowed.
    MinLength,
    /// Longer than allowed.
    MaxLength,
    /// Below the least value.
    MinValue,
    /// Above the greatest value.
    MaxValue,
    /// More digits than allowed.
    MaxScale,
    /// None of the options.
    InvalidOption,
    /// Points to a record that does not exist.
    ReferenceNotFound,
    /// Leads back to the record itself.
    CircularReference,
    /// Written by the engine alone.
    ReadOnly,
    /// A rule of the object is broken.
    RuleViolation,
    /// Not a state in which a record may begin.
    InvalidInitialState,
    /// No way leads from the old value to the new one.
    InvalidTransition,
    /// A value that another record has.
    Duplicate,
}

impl FieldCode {
    /// The short code, as the clients know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnknownField => "unknown_field",
            Self::InvalidType => "invalid_type",
            Self::InvalidBoolean => "invalid_boolean",
            Self::InvalidNumber => "invalid_number",
            Self::InvalidDate => "invalid_date",
            Self::InvalidTime => "invalid_time",
            Self::InvalidEmail => "invalid_email",
            Self::InvalidUrl => "invalid_url",
            Self::InvalidPhone => "invalid_phone",
            Self::InvalidJson => "invalid_json",
            Self::InvalidFormat => "invalid_format",
            Self::MinLength => "min_length",
            Self::MaxLength => "max_length",
            Self::MinValue => "min_value",
            Self::MaxValue => "max_value",
            Self::MaxScale => "max_scale",
            Self::InvalidOption => "invalid_option",
            Self::ReferenceNotFound => "reference_not_found",
            Self::CircularReference => "circular_reference",
            Self::ReadOnly => "read_only",
            Self::RuleViolation => "rule_violation",
            Self::InvalidInitialState => "invalid_initial_state",
            Self::InvalidTransition => "invalid_transition",
            Self::Duplicate => "duplicate_value",
        }
    }

    /// The protocol's code, `api/StandardErrorCode`.
    #[must_use]
    pub const fn standard(self) -> &'static str {
        match self {
            Self::Required => "missing_required_field",
            Self::UnknownField => "invalid_field",
            Self::InvalidType
            | Self::InvalidBoolean
            | Self::InvalidNumber
            | Self::InvalidDate
            | Self::InvalidTime
            | Self::InvalidEmail
            | Self::InvalidUrl
            | Self::InvalidPhone
            | Self::InvalidJson
            | Self::InvalidFormat => "invalid_format",
            Self::MinLength => "value_too_short",
            Self::MaxLength => "value_too_long",
            Self::MinValue | Self::MaxValue | Self::MaxScale => "value_out_of_range",
            Self::ReferenceNotFound | Self::CircularReference => "invalid_reference",
            Self::ReadOnly => "field_not_accessible",
            Self::Duplicate => "duplicate_value",
            Self::InvalidOption | Self::RuleViolation | Self::InvalidInitialState | Self::InvalidTransition => {
                "validation_error"
            }
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field; empty when the whole record is meant.
    pub field: String,
    /// Why.
    pub code: FieldCode,
    /// For people.
    pub message: String,
    /// What it was held against: a limit, the options, a pattern.
    pub constraint: Option<Value>,
    /// Name of the rule of the object that is broken.
    pub rule: Option<String>,
}

impl FieldError {
    /// An error of a field.
    pub fn new(field: &str, code: FieldCode, message: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            code,
            message: message.into(),
            constraint: None,
            rule: None,
        }
    }

    /// Adds what the value was held against.
    #[must_use]
    pub fn with_constraint(mut self, constraint: impl Into<Value>) -> Self {
        self.constraint = Some(constraint.into());
        self
    }

    /// Adds the name of the broken rule.
    #[must_use]
    pub fn with_rule(mut self, rule: &str) -> Self {
        self.rule = Some(rule.to_owned());
        self
    }

    /// `{field, code, message, constraint?, rule?}` with the short code.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.document(self.code.name())
    }

    /// The same with the protocol's code (`fieldErrors` of `api/ApiError`).
    #[must_use]
    pub fn to_standard_json(&self) -> Value {
        self.document(self.code.standard())
    }

    fn document(&self, code: &str) -> Value {
        let mut out = Map::new();
        out.insert("field".to_owned(), json!(self.field));
        out.insert("code".to_owned(), json!(code));
        out.insert("message".to_owned(), json!(self.message));
        if let Some(constraint) = &self.constraint {
            out.insert("constraint".to_owned(), constraint.clone());
        }
        if let Some(rule) = &self.rule {
            out.insert("rule".to_owned(), json!(rule));
        }
        Value::Object(out)
    }
}
