//! Older spellings of validation rules. Called by [`super`].

mod comparison;

use serde_json::{Map, Value, json};

use super::NoteKind;
use super::keys::{Place, Rewriter};
use super::table::newer_value;

/// Brings all rules together in `validations`: those already there, those under `validation.rules`, those from fields.
pub(super) fn normalise(rewriter: &mut Rewriter, object: &mut Map<String, Value>, hoisted: Vec<Value>) {
    let mut rules = Vec::new();
    let path = if let Some(Value::Object(mut validation)) = object.shift_remove("validation") {
        rewriter.note("validation", NoteKind::Alias, "older spelling of `validations`");
        if let Some(Value::Array(older)) = validation.shift_remove("rules") {
            rules.extend(older);
        }
        "validation.rules"
    } else {
        "validations"
    };
    match object.shift_remove("validations") {
        Some(Value::Array(canonical)) => rules.extend(canonical),
        // Not a list: left for the typed reader to refuse.
        Some(other) => {
            object.insert("validations".to_owned(), other);
            return;
        }
        None => {}
    }
    for (index, rule) in rules.iter_mut().enumerate() {
        normalise_rule(rewriter, &format!("{path}[{index}]"), rule);
    }
    rules.extend(hoisted);
    if !rules.is_empty() {
        object.insert("validations".to_owned(), Value::Array(rules));
    }
}

fn normalise_rule(rewriter: &mut Rewriter, path: &str, rule: &mut Value) {
    let Value::Object(map) = rule else { return };
    let mut map = rewriter.keys(Place::Rule, path, std::mem::take(map));
    if let Some(Value::Array(events)) = map.get_mut("events") {
        for event in events {
            if let Some(new) = event.as_str().and_then(|old| newer_value("events", old)) {
                *event = json!(new);
            }
        }
    }
    message(rewriter, path, &mut map);
    transitions(rewriter, path, &mut map);
    comparison::rewrite(rewriter, path, &mut map);
    changed_fields(rewriter, path, &mut map);
    *rule = Value::Object(map);
}

/// A message per language becomes the English one, or the first.
fn message(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let Some(Value::Object(languages)) = map.get("message") else {
        return;
    };
    let Some(text) = languages.get("en").or_else(|| languages.values().next()).cloned() else {
        return;
    };
    rewriter.note(
        &format!("{path}.message"),
        NoteKind::Ignored,
        "only one language is kept; use *.translation.yml",
    );
    map.insert("message".to_owned(), text);
}

/// `fields` of a script rule: it is looked at only when one of them changes.
fn changed_fields(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let script = map.get("type").is_some_and(|kind| kind == "script");
    let (true, Some(Value::Array(fields))) = (script, map.get("fields")) else {
        return;
    };
    let changed: Option<Vec<String>> = fields
        .iter()
        .map(|field| field.as_str().map(|field| format!("ISCHANGED({field})")))
        .collect();
    let (Some(changed), Some(condition)) = (changed, map.get("condition").and_then(Value::as_str)) else {
        return;
    };
    let both = format!("({}) AND ({condition})", changed.join(" OR "));
    rewriter.note(
        &format!("{path}.fields"),
        NoteKind::Alias,
        format!("read as the condition `{both}`"),
    );
    map.shift_remove("fields");
    map.insert("condition".to_owned(), json!(both));
}

/// `{allowed_next: [...]}` and `{is_terminal: true}` become lists of states.
fn transitions(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let Some(Value::Object(transitions)) = map.get_mut("transitions") else {
        return;
    };
    let mut changed = false;
    for next in transitions.values_mut() {
        if let Value::Object(older) = next {
            *next = older.shift_remove("allowed_next").unwrap_or_else(|| json!([]));
            changed = true;
        }
    }
    if changed {
        rewriter.note(
            &format!("{path}.transitions"),
            NoteKind::Alias,
            "read as lists of the states that may follow",
        );
    }
}
