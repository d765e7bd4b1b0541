//! Older spellings of validation rules. Called by [`super`].

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
    comparison(rewriter, path, &mut map);
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

/// `rule: {field, operator, value | compare_to}` becomes a condition. The older form says what must hold, the condition
/// says when the record is refused, so the operator is turned round.
fn comparison(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let Some(rule) = map.get("rule") else { return };
    let Some(condition) = refusal(rule) else { return };
    let fields: Vec<Value> = ["field", "compare_to"]
        .iter()
        .filter_map(|key| rule.get(*key).cloned())
        .collect();
    map.shift_remove("rule");
    map.insert("condition".to_owned(), json!(condition));
    map.entry("fields").or_insert(Value::Array(fields));
    rewriter.note(
        &format!("{path}.rule"),
        NoteKind::Alias,
        format!("read as the condition `{condition}`"),
    );
}

fn refusal(rule: &Value) -> Option<String> {
    let field = rule.get("field")?.as_str()?;
    let opposite = match rule.get("operator")?.as_str()? {
        "=" => "!=",
        "!=" => "=",
        ">" => "<=",
        ">=" => "<",
        "<" => ">=",
        "<=" => ">",
        _ => return None,
    };
    let other = match (rule.get("compare_to").and_then(Value::as_str), rule.get("value")) {
        (Some(other), _) => other.to_owned(),
        (None, Some(value)) => value.to_string(),
        (None, None) => return None,
    };
    Some(format!("{field} {opposite} {other}"))
}
