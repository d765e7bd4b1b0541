//! Comparisons written as maps become conditions of the expression language.
//!
//! `rule: {field, operator, value | compare_to}`, `{all_of: [...]}` and `{any_of: [...]}` say what must hold; a condition says
//! when the record is refused, so each comparison is turned round. `then_require` names what must be there when they hold;
//! `apply_when` says for which records the rule is at all.

use serde_json::{Map, Value, json};

use super::super::NoteKind;
use super::super::keys::Rewriter;

/// Rewrites `rule`, `constraint` and `apply_when` of a rule.
pub(super) fn rewrite(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let business = map.get("type").is_some_and(|kind| kind == "business_rule");
    for key in ["rule", "constraint"] {
        let Some(older) = map.get(key) else { continue };
        let mut fields = Vec::new();
        let Some(condition) = broken(older, &mut fields) else {
            continue;
        };
        map.shift_remove(key);
        if business {
            map.insert("type".to_owned(), json!("cross_field"));
        }
        rewriter.note(
            &format!("{path}.{key}"),
            NoteKind::Alias,
            format!("read as the condition `{condition}`"),
        );
        map.insert("condition".to_owned(), json!(condition));
        map.entry("fields").or_insert_with(|| json!(fields));
        break;
    }
    apply_when(rewriter, path, map);
}

/// A rule with a condition takes it up; every other becomes the inner rule of a conditional one.
fn apply_when(rewriter: &mut Rewriter, path: &str, map: &mut Map<String, Value>) {
    let when = match map.get("apply_when") {
        Some(Value::String(condition)) => condition.clone(),
        Some(older) => match holds(older, &mut Vec::new()) {
            Some(condition) => condition,
            None => return,
        },
        None => return,
    };
    map.shift_remove("apply_when");
    rewriter.note(
        &format!("{path}.apply_when"),
        NoteKind::Alias,
        format!("read as the condition `{when}`"),
    );
    if let Some(condition) = map.get("condition").and_then(Value::as_str) {
        let both = format!("({when}) AND ({condition})");
        map.insert("condition".to_owned(), json!(both));
        return;
    }
    let inner = std::mem::take(map);
    for key in [
        "name",
        "message",
        "events",
        "severity",
        "active",
        "label",
        "description",
    ] {
        if let Some(value) = inner.get(key) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    map.insert("type".to_owned(), json!("conditional"));
    map.insert("when".to_owned(), json!(when));
    map.insert("then".to_owned(), Value::Object(inner));
}

/// When what is asked for does not hold; the fields it speaks of are added.
fn broken(older: &Value, fields: &mut Vec<String>) -> Option<String> {
    if let Some(required) = older.get("then_require") {
        let when = holds(older, &mut Vec::new());
        let missing = list(required, " OR ", fields, |item, fields| match item {
            Value::String(field) => {
                add(fields, field);
                Some(format!("ISBLANK({field})"))
            }
            other => broken(other, fields),
        })?;
        return Some(match when {
            Some(when) => format!("({when}) AND ({missing})"),
            None => missing,
        });
    }
    if let Some(all) = older.get("all_of") {
        return list(all, " OR ", fields, broken);
    }
    if let Some(any) = older.get("any_of") {
        return list(any, " AND ", fields, broken);
    }
    compared(older, fields, true)
}

/// When what is asked for holds.
fn holds(older: &Value, fields: &mut Vec<String>) -> Option<String> {
    if let Some(all) = older.get("all_of") {
        return list(all, " AND ", fields, holds);
    }
    if let Some(any) = older.get("any_of") {
        return list(any, " OR ", fields, holds);
    }
    compared(older, fields, false)
}

fn list(
    items: &Value,
    between: &str,
    fields: &mut Vec<String>,
    one: impl Fn(&Value, &mut Vec<String>) -> Option<String>,
) -> Option<String> {
    let items = items.as_array().filter(|items| !items.is_empty())?;
    let parts: Option<Vec<String>> = items
        .iter()
        .map(|item| one(item, fields).map(|part| format!("({part})")))
        .collect();
    Some(parts?.join(between))
}

fn add(fields: &mut Vec<String>, field: &str) {
    if !fields.iter().any(|known| known == field) {
        fields.push(field.to_owned());
    }
}

/// `{field, operator, value | compare_to}`, or the opposite of it.
fn compared(older: &Value, fields: &mut Vec<String>, opposite: bool) -> Option<String> {
    let field = older.get("field")?.as_str()?;
    let operator = older.get("operator").map_or(Some("="), Value::as_str)?;
    let other = older.get("compare_to").and_then(Value::as_str);
    let with = match (other, older.get("value")) {
        (Some(other), _) => other.to_owned(),
        (None, Some(value)) => literal(value),
        (None, None) => return None,
    };
    let sign = |sign: &str| Some(format!("{field} {sign} {with}"));
    let call = |function: &str, not: bool| {
        let call = format!("{function}({field}, {with})");
        Some(if not { format!("NOT {call}") } else { call })
    };
    let condition = match (operator, opposite) {
        ("=" | "==" | "equals", false) | ("!=" | "<>" | "not_equals", true) => sign("="),
        ("!=" | "<>" | "not_equals", false) | ("=" | "==" | "equals", true) => sign("!="),
        (">", false) | ("<=", true) => sign(">"),
        (">=", false) | ("<", true) => sign(">="),
        ("<", false) | (">=", true) => sign("<"),
        ("<=", false) | (">", true) => sign("<="),
        ("in", false) | ("not_in", true) => sign("IN"),
        ("not_in", false) | ("in", true) => sign("NOT IN"),
        ("contains", not) => call("CONTAINS", not),
        ("not_contains", not) => call("CONTAINS", !not),
        ("starts_with", not) => call("STARTS_WITH", not),
        ("ends_with", not) => call("ENDS_WITH", not),
        _ => None,
    }?;
    add(fields, field);
    if let Some(other) = other {
        add(fields, other);
    }
    Some(condition)
}

fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("({})", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
