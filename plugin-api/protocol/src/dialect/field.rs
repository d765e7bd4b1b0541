//! Older spellings within a field. Called by [`super`].

use serde_json::{Map, Value, json};

use super::keys::{Place, Rewriter};
use super::table::{SECRET, USERS, newer_type, newer_value, type_of_later};
use super::{NoteKind, snake_case, title_case};

/// Rewrites a field in place; the answer is validation rules that stood in the field and belong to the object.
pub(super) fn normalise(rewriter: &mut Rewriter, name: &str, field: &mut Value) -> Vec<Value> {
    let path = format!("fields.{name}");
    if let Some(kind) = field.as_str().map(str::to_owned) {
        rewriter.note(&path, NoteKind::Alias, "a field that is only its type");
        *field = json!({ "type": kind });
    }
    let Value::Object(map) = field else { return Vec::new() };
    let mut map = std::mem::take(map);
    let rules = hoisted_rules(rewriter, name, &path, &mut map);
    let mut map = rewriter.keys(Place::Field, &path, map);
    words(rewriter, &path, &mut map);
    options(rewriter, &path, &mut map);
    kind(rewriter, &path, &mut map);
    rewriter.fill(&mut map, "name", &format!("{path}.name"), || json!(name));
    rewriter.fill(&mut map, "label", &format!("{path}.label"), || json!(title_case(name)));
    *field = Value::Object(map);
    rules
}

/// Older words for values that are one of a few.
fn words(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let mut replace = |key: &str, value: Option<&mut Value>| {
        let Some(value) = value else { return };
        if let Some(new) = value.as_str().and_then(|old| newer_value(key, old)) {
            rewriter.note(
                &format!("{path}.{key}"),
                NoteKind::Alias,
                format!("older spelling of `{new}`"),
            );
            *value = json!(new);
        }
    };
    replace("deleteBehavior", map.get_mut("deleteBehavior"));
    replace(
        "function",
        map.get_mut("summaryOperations")
            .and_then(|summary| summary.get_mut("function")),
    );
}

/// The type: an older name, one of a later version, or what the other keys give away.
fn kind(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    if map.get("type").is_some_and(|kind| kind == "user") {
        rewriter.fill(map, "reference", &format!("{path}.reference"), || json!(USERS));
    }
    if map.get("type").is_some_and(|kind| kind == SECRET) {
        encrypted(rewriter, &format!("{path}.encryptionConfig"), map);
    }
    let path = format!("{path}.type");
    if let Some(here) = map.get("type").and_then(Value::as_str).and_then(type_of_later) {
        rewriter.note(
            &path,
            NoteKind::Alias,
            format!("a type of later versions, here `{here}`"),
        );
        map.insert("type".to_owned(), json!(here));
    }
    if let Some(new) = map.get("type").and_then(Value::as_str).and_then(newer_type) {
        rewriter.note(&path, NoteKind::Alias, format!("older spelling of `{new}`"));
        map.insert("type".to_owned(), json!(new));
    }
    let inferred = [
        ("reference", "lookup"),
        ("options", "select"),
        ("expression", "formula"),
        ("summaryOperations", "summary"),
    ];
    if let Some((_, kind)) = inferred.into_iter().find(|(key, _)| map.contains_key(*key)) {
        rewriter.fill(map, "type", &path, || json!(kind));
    }
    let is_autonumber = map.get("type").is_some_and(|kind| kind == "autonumber");
    if is_autonumber
        && !map.contains_key("autonumberFormat")
        && let Some(format) = map.shift_remove("format")
    {
        rewriter.note(
            &path.replace(".type", ".format"),
            NoteKind::Alias,
            "older spelling of `autonumberFormat`",
        );
        map.insert("autonumberFormat".to_owned(), format);
    }
}

/// A secret of later versions is a password that is encrypted in the place of a hash: `encryptionConfig` says so, whatever else
/// it says.
fn encrypted(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    rewriter.fill(map, "encryptionConfig", path, || json!({}));
    let Some(Value::Object(config)) = map.get_mut("encryptionConfig") else {
        return;
    };
    if config.get("enabled") == Some(&Value::Bool(false)) {
        rewriter.note(
            &format!("{path}.enabled"),
            NoteKind::Ignored,
            "a secret is always encrypted",
        );
    }
    config.insert("enabled".to_owned(), json!(true));
    config
        .entry("keyManagement")
        .or_insert_with(|| json!({ "provider": "local" }));
    config.entry("scope").or_insert_with(|| json!("field"));
}

/// Options as plain words or as a map become a list of label and value; a default given as a label becomes the value.
fn options(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let Some(options) = map.get_mut("options") else { return };
    let mut changed = false;
    match options {
        Value::Array(items) => {
            for item in items {
                if let Some(text) = word(item) {
                    *item = option(&text, None);
                    changed = true;
                }
            }
        }
        Value::Object(labels) => {
            let list = std::mem::take(labels).into_iter();
            *options = list.map(|(value, label)| option(&value, label.as_str())).collect();
            changed = true;
        }
        _ => {}
    }
    if changed {
        rewriter.note(
            &format!("{path}.options"),
            NoteKind::Alias,
            "options were read as a list of label and value",
        );
    }
    let value = map
        .get("defaultValue")
        .and_then(Value::as_str)
        .and_then(|text| value_of_label(&map["options"], text));
    if let Some(value) = value {
        rewriter.note(
            &format!("{path}.default"),
            NoteKind::Alias,
            format!("a label, read as the value {value}"),
        );
        map.insert("defaultValue".to_owned(), value);
    }
}

fn word(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn option(text: &str, label: Option<&str>) -> Value {
    let label = label.map_or_else(|| title_case(text), str::to_owned);
    json!({ "label": label, "value": snake_case(text) })
}

/// The value of the option with this label, unless the text is a value already.
fn value_of_label(options: &Value, text: &str) -> Option<Value> {
    let options = options.as_array()?;
    if options.iter().any(|option| option["value"] == text) {
        return None;
    }
    let matches = |option: &&Value| option["label"] == text || option["value"] == snake_case(text);
    options.iter().find(matches).map(|option| option["value"].clone())
}

/// `regex` and `validation` in a field: limits go to the field, forms become rules of the object.
fn hoisted_rules(rewriter: &mut Rewriter, name: &str, path: &str, map: &mut Map<String, Value>) -> Vec<Value> {
    let mut rules = Vec::new();
    let mut message = None;
    let mut regex = map.shift_remove("regex");
    let mut format = None;
    if let Some(Value::Object(mut validation)) = map.shift_remove("validation") {
        message = validation.shift_remove("message");
        format = validation.shift_remove("format");
        if let Some(protocols) = validation.shift_remove("protocols") {
            let words: Vec<&str> = protocols
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if map.get("type").is_some_and(|kind| kind == "url") {
                map.insert("format".to_owned(), json!(words.join(", ")));
                format = None;
            } else if !words.is_empty() {
                regex = Some(json!(format!("^(?i:{})://", words.join("|"))));
                format = None;
            }
        }
        regex = validation
            .shift_remove("pattern")
            .or_else(|| validation.shift_remove("regex"))
            .or(regex);
        for (key, limit) in validation {
            map.entry(key).or_insert(limit);
        }
        rewriter.note(
            &format!("{path}.validation"),
            NoteKind::Alias,
            "limits go to the field, forms to `validations`",
        );
    } else if regex.is_some() {
        rewriter.note(
            &format!("{path}.regex"),
            NoteKind::Alias,
            "became a format rule in `validations`",
        );
    }
    let message = message.unwrap_or_else(|| json!(format!("{} does not have the right form", title_case(name))));
    for (key, value) in [("regex", regex), ("format", format)] {
        if let Some(value) = value {
            let rule = format!("{name}_{key}");
            rules.push(json!({ "type": "format", "name": rule, "field": name, key: value, "message": message }));
        }
    }
    rules
}
