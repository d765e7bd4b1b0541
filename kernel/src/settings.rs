//! A plugin's configuration, checked against what the plugin declares before its code runs.
//!
//! Two declarations count: `objectos.settings`, a JSON Schema, and the protocol's `manifest.configuration.properties`.
//! Defaults are filled first, unknown keys are refused with the nearest spelling, and no message repeats a value: it
//! may be a secret. Called by `discover` for each plugin and by the host's `check`.

mod defaults;
mod places;
mod secrets;
mod unknown;

#[cfg(test)]
mod tests;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use objectos_protocol::kernel::plugin_document::{DocumentProblem, PluginDocument};
use objectos_protocol::kernel::{ManifestConfiguration, SettingType};
use serde_json::{Map, Value, json};

pub use self::places::Places;
pub use self::secrets::{shown, unmarked, without_credentials};

/// A checked configuration with its defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginSettings {
    value: Map<String, Value>,
    /// JSON pointers of secret values.
    secrets: Vec<String>,
}

impl PluginSettings {
    /// The configuration as the plugin gets it.
    #[must_use]
    pub const fn value(&self) -> &Map<String, Value> {
        &self.value
    }

    /// JSON pointers of the values whose schema says that they are never shown, as in `/smtp/password`.
    #[must_use]
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The configuration with `***` in place of every secret: what the schema marks, and what keys and addresses tell by
    /// themselves.
    #[must_use]
    pub fn redacted(&self) -> Value {
        let mut shown = Value::Object(self.value.clone());
        for pointer in &self.secrets {
            if let Some(secret) = shown.pointer_mut(pointer) {
                *secret = Value::String(secrets::HIDDEN.to_owned());
            }
        }
        secrets::shown(&shown)
    }
}

/// Checks a configuration; `None` and `null` mean an empty one.
///
/// # Errors
///
/// Every problem found, with its key path below the plugin's configuration. A schema that is no JSON Schema is a problem
/// at `objectos.settings`.
pub fn check(document: &PluginDocument, configuration: Option<&Value>) -> Result<PluginSettings, Vec<DocumentProblem>> {
    let mut value = match configuration {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(entries)) => entries.clone(),
        Some(_) => {
            return Err(vec![DocumentProblem::new(
                "",
                "the configuration is not a mapping",
                "write keys and values",
            )]);
        }
    };
    let schemas = declared(document);
    let validators = schemas
        .iter()
        .map(validator)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| vec![problem])?;
    for schema in &schemas {
        defaults::fill(schema, &mut value);
    }
    let mut problems = unknown::keys(&schemas, &value, document.id());
    let whole = Value::Object(value);
    for validator in &validators {
        problems.extend(validator.iter_errors(&whole).flat_map(|error| told(&error, &schemas)));
    }
    problems.sort();
    // Two schemas, or a schema and the look for unknown keys, may say the same of one key.
    problems.dedup_by(|later, first| later.path == first.path && later.message == first.message);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut secrets = Vec::new();
    for schema in &schemas {
        secrets::marked(schema, &whole, &mut secrets);
    }
    secrets.sort();
    secrets.dedup();
    match whole {
        Value::Object(value) => Ok(PluginSettings { value, secrets }),
        _ => Ok(PluginSettings::default()),
    }
}

/// The schemas a configuration has to satisfy, each an object schema.
fn declared(document: &PluginDocument) -> Vec<Value> {
    let of_manifest = document.manifest.configuration.as_ref().map(from_properties);
    document.objectos.settings.iter().cloned().chain(of_manifest).collect()
}

/// The protocol's own list of settings as a JSON Schema.
fn from_properties(configuration: &ManifestConfiguration) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, setting) in &configuration.properties {
        let kind = match setting.kind {
            SettingType::String => "string",
            SettingType::Number => "number",
            SettingType::Boolean => "boolean",
            SettingType::Array => "array",
            SettingType::Object => "object",
        };
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!(kind));
        if !setting.allowed.is_empty() {
            schema.insert("enum".to_owned(), json!(setting.allowed));
        }
        if let Some(default) = &setting.default {
            schema.insert("default".to_owned(), default.clone());
        }
        if setting.secret == Some(true) {
            schema.insert("writeOnly".to_owned(), json!(true));
        }
        if setting.required == Some(true) {
            required.push(json!(name));
        }
        properties.insert(name.clone(), Value::Object(schema));
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn validator(schema: &Value) -> Result<Validator, DocumentProblem> {
    jsonschema::validator_for(schema).map_err(|error| {
        let path = join("objectos.settings", error.instance_path().as_str());
        DocumentProblem::new(
            path,
            format!("not a JSON Schema: {error}"),
            "correct the schema and build the plugin again",
        )
    })
}

/// One validation error in words.
fn told(error: &ValidationError<'_>, schemas: &[Value]) -> Vec<DocumentProblem> {
    let path = join("", error.instance_path().as_str());
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let foreign = |key: &&String| !path.is_empty() || !unknown::is_known(schemas, key);
            let remedy = "remove the key";
            let problem = |key: &String| DocumentProblem::new(below(key), unknown::message(key), remedy);
            unexpected.iter().filter(foreign).map(problem).collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            vec![DocumentProblem::new(
                below(key),
                "a required key is missing",
                format!("add `{key}`"),
            )]
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let listed: Vec<String> = options.iter().map(ToString::to_string).collect();
            let remedy = format!("use one of {}", listed.join(", "));
            vec![DocumentProblem::new(
                path,
                "the value is not one of those allowed",
                remedy,
            )]
        }
        _ => vec![DocumentProblem::new(
            path,
            error.masked_with("the value").to_string(),
            "",
        )],
    }
}

/// A JSON pointer as a key path: `/a/0/b` becomes `a[0].b`.
fn join(base: &str, pointer: &str) -> String {
    let mut path = base.to_owned();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            path.push_str(&format!("[{part}]"));
        } else if path.is_empty() {
            path = part;
        } else {
            path.push('.');
            path.push_str(&part);
        }
    }
    path
}
