//! Field errors of the error document. Handlers give them in `details.fields` as `[{field, code, message, …}]`, with codes
//! such as `required` or `max_length`; `fieldErrors` of the protocol knows only its own codes. A handler that knows better
//! gives them in `details.fieldErrors`; else each is put under the one that says the same.

use objectos_plugin_api::protocol::api::StandardErrorCode;
use serde_json::{Map, Value};

/// The same list twice.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) as_given: Value,
    /// For `fieldErrors`.
    pub(super) standard: Value,
}

impl Fields {
    pub(super) fn of(details: Option<&Value>) -> Option<Self> {
        let details = details?.as_object()?;
        let list = |key: &str| details.get(key).and_then(Value::as_array);
        let given = list("fields").or_else(|| list("fieldErrors"))?;
        let known = list("fieldErrors").unwrap_or(given);
        let entries: Vec<Value> = known.iter().filter_map(Value::as_object).map(standard).collect();
        (!entries.is_empty()).then(|| Self {
            as_given: Value::Array(given.clone()),
            standard: entries.into(),
        })
    }
}

/// One entry with the keys that the protocol knows.
fn standard(given: &Map<String, Value>) -> Value {
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut entry = Map::new();
    entry.insert("field".to_owned(), text("field").into());
    entry.insert("code".to_owned(), standard_code(text("code")).as_str().into());
    entry.insert("message".to_owned(), text("message").into());
    for key in ["value", "constraint"] {
        if let Some(value) = given.get(key) {
            entry.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(entry)
}

pub(super) fn standard_code(code: &str) -> StandardErrorCode {
    use StandardErrorCode as Code;
    match code {
        "required" => Code::MissingRequiredField,
        "min_length" => Code::ValueTooShort,
        "max_length" => Code::ValueTooLong,
        "min_value" | "max_value" | "max_scale" => Code::ValueOutOfRange,
        "reference_not_found" => Code::InvalidReference,
        "unknown_field" => Code::InvalidField,
        "unique" | "duplicate" => Code::DuplicateValue,
        other if other.starts_with("invalid_") => other.parse().unwrap_or(Code::InvalidFormat),
        other => other.parse().unwrap_or(Code::ValidationError),
    }
}
