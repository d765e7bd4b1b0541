//! Reading the bytes of a document, with every structural problem named by its key path.
//!
//! A document that fits is read in one pass. Only one that does not is walked against the schema derived from the
//! types, because the reader stops at its first error and knows neither paths nor spellings.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::name::nearest;
use super::{DocumentProblem, PluginDocument};

/// Keys listed in an error before the list is cut.
const LISTED_KEYS: usize = 12;

/// Reads the bytes; semantic checks come later.
pub(super) fn read(bytes: &[u8]) -> Result<PluginDocument, Vec<DocumentProblem>> {
    let bytes = without_padding(bytes);
    if bytes.is_empty() {
        return Err(vec![DocumentProblem::new(
            "",
            "the plugin document is empty",
            "write one, as `plugin.json` of a new plugin shows",
        )]);
    }
    let first = match serde_json::from_slice::<PluginDocument>(bytes) {
        Ok(document) => return Ok(document),
        Err(error) => error.to_string(),
    };
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            return Err(vec![DocumentProblem::new(
                "",
                format!("not valid JSON: {error}"),
                "correct the text at that place",
            )]);
        }
    };
    let mut problems = Vec::new();
    walk(schema(), &value, "", &mut problems);
    if problems.is_empty() {
        problems.push(by_reader(bytes, &first));
    }
    Err(problems)
}

fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, 0 | b' ' | b'\n' | b'\r' | b'\t'))
        .map_or(0, |last| last + 1);
    &bytes[..end]
}

/// Whether the text of a document that was read says `autoRestart: false`. The value itself cannot tell: it is the default, too.
pub(super) fn wants_no_restart(bytes: &[u8]) -> bool {
    let said = serde_json::from_slice::<Said>(without_padding(bytes));
    said.is_ok_and(|said| said.objectos.health.auto_restart == Some(false))
}

#[derive(Deserialize)]
struct Said {
    objectos: SaidOfKernel,
}

#[derive(Deserialize)]
struct SaidOfKernel {
    #[serde(default)]
    health: SaidOfHealth,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SaidOfHealth {
    auto_restart: Option<bool>,
}

/// What the reader itself says, with the path at which it stopped.
fn by_reader(bytes: &[u8], fallback: &str) -> DocumentProblem {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, PluginDocument>(&mut deserializer) {
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            DocumentProblem::new(path, without_position(&error.inner().to_string()), "")
        }
        Ok(_) => DocumentProblem::new("", without_position(fallback), ""),
    }
}

/// The path says where; the position of the error in a generated document says nothing more.
fn without_position(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |at| &message[..at])
}

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        SchemaSettings::draft2020_12()
            .for_deserialize()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<PluginDocument>()
            .to_value()
    })
}

fn walk(schema: &Value, value: &Value, path: &str, problems: &mut Vec<DocumentProblem>) {
    let Some(wanted) = schema.get("type").and_then(Value::as_str) else {
        return;
    };
    if !is_type(value, wanted) {
        let message = format!("expected {}, found {}", with_article(wanted), shown(value));
        problems.push(DocumentProblem::new(path, message, ""));
        return;
    }
    if let (Some(Value::Array(allowed)), Value::String(found)) = (schema.get("enum"), value) {
        unknown_value(allowed, found, path, problems);
    }
    match value {
        Value::Object(entries) => walk_object(schema, entries, path, problems),
        Value::Array(items) => {
            if let Some(item_schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    walk(item_schema, item, &format!("{path}[{index}]"), problems);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn walk_object(schema: &Value, entries: &Map<String, Value>, path: &str, problems: &mut Vec<DocumentProblem>) {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let others = schema.get("additionalProperties");
    for (key, value) in entries {
        let below = joined(path, key);
        match (properties.get(key), others) {
            (Some(property), _) => walk(property, value, &below, problems),
            (None, Some(Value::Bool(false))) => {
                let known = properties.keys().map(String::as_str);
                problems.push(DocumentProblem::new(
                    below,
                    format!("`{key}` is not a known key"),
                    suggestion(key, known),
                ));
            }
            (None, Some(other)) => walk(other, value, &below, problems),
            (None, None) => {}
        }
    }
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    for key in required
        .iter()
        .filter_map(Value::as_str)
        .filter(|key| !entries.contains_key(*key))
    {
        problems.push(DocumentProblem::new(
            joined(path, key),
            "a required key is missing",
            format!("add `{key}`"),
        ));
    }
}

fn unknown_value(allowed: &[Value], found: &str, path: &str, problems: &mut Vec<DocumentProblem>) {
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    if !allowed.contains(&found) {
        let remedy = suggestion(found, allowed.iter().copied());
        problems.push(DocumentProblem::new(path, format!("`{found}` is not known"), remedy));
    }
}

/// The nearest spelling, or else what there is to choose from.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut listed: Vec<String> = known.clone().take(LISTED_KEYS).map(|key| format!("`{key}`")).collect();
    if known.count() > LISTED_KEYS {
        listed.push("...".to_owned());
    }
    format!("use one of {}", listed.join(", "))
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn is_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        _ => true,
    }
}

fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
    if name == "object" {
        "an object".to_owned()
    } else {
        format!("{article} {name}")
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => format!("`{value}`"),
    }
}
