//! Placeholders `{{ name }}` in conditions and filters, at any depth, and the variables that sets and policies define with them.
//!
//! Nothing is pasted into text that is parsed afterwards: in an expression a placeholder becomes the name of a property of the
//! caller, in a filter a whole value takes its place. So no value of a caller can change what a condition asks.

use objectos_expression::Zone;
use serde_json::{Map, Value};

use super::{Asker, ConditionError};

/// How often variables may lead to other variables.
const DEPTH_MAX: usize = 8;

/// Nothing is known of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

/// The value of a property of the caller or of a variable.
pub(super) fn look_up<'a>(name: &str, asker: &'a Asker<'_>) -> Option<&'a Value> {
    walk(asker.user, name)
        .or_else(|| asker.variables.get(name))
        .or_else(|| {
            let attributes = asker.user.get("attributes")?;
            walk(attributes, name)
        })
        .filter(|value| !value.is_null())
}

fn walk<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(value, |value, part| value.get(part))
}

/// The property that a placeholder's name stands for.
fn property(name: &str) -> &str {
    let name = name.trim();
    let bare = [
        "$current_user.",
        "current_user.",
        "currentUser.",
        "$User.",
        "$user.",
        "user.",
        "vars.",
    ]
    .iter()
    .find_map(|prefix| name.strip_prefix(prefix))
    .unwrap_or(name);
    match bare {
        "userId" | "user_id" | "current_user_id" => "id",
        "organizationId" | "tenantId" | "organization" => "organization_id",
        "userName" => "name",
        "userEmail" => "email",
        other => other,
    }
}

/// Cuts a text at its placeholders: what stands before, and the name; at last the rest with no name.
fn pieces(text: &str) -> Result<Vec<(&str, Option<&str>)>, ConditionError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let after = &rest[start + 2..];
        let Some(end) = after.find("}}") else {
            return Err(ConditionError::new("a placeholder `{{` is not closed by `}}`"));
        };
        let name = after[..end].trim();
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "_.$".contains(letter);
        if name.is_empty() || !name.chars().all(letters) {
            return Err(ConditionError::new(format!(
                "`{{{{ {name} }}}}` is no placeholder: write a name, such as `{{{{ userId }}}}`"
            )));
        }
        pieces.push((&rest[..start], Some(name)));
        rest = &after[end + 2..];
    }
    pieces.push((rest, None));
    Ok(pieces)
}

/// An expression in which each placeholder, alone or alone between quotes, is a property of the caller.
pub(super) fn into_expression(text: &str) -> Result<String, ConditionError> {
    let inside = || ConditionError::new("a placeholder is part of a text; let it stand alone between the quotes");
    let mut out = String::with_capacity(text.len());
    let mut closes: Option<char> = None;
    for (before, name) in pieces(text)? {
        let mut rest = before;
        if let Some(quote) = closes.take() {
            rest = rest.strip_prefix(quote).ok_or_else(inside)?;
        }
        let open = open_quote(rest);
        out.push_str(rest);
        let Some(name) = name else { break };
        if let Some((at, quote)) = open {
            if at + quote.len_utf8() != rest.len() {
                return Err(inside());
            }
            out.truncate(out.len() - quote.len_utf8());
            closes = Some(quote);
        }
        out.push_str("current_user.");
        out.push_str(property(name));
    }
    Ok(out)
}

/// Where the quote begins that a piece of an expression leaves open.
fn open_quote(text: &str) -> Option<(usize, char)> {
    let mut open = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (open, letter) {
            (Some(_), '\\') => drop(letters.next()),
            (Some((_, quote)), _) if letter == quote => open = None,
            (None, '\'' | '"') => open = Some((at, letter)),
            _ => {}
        }
    }
    open
}

/// Checks that every placeholder in a value can be read.
pub(super) fn check(value: &Value) -> Result<(), ConditionError> {
    match value {
        Value::String(text) => pieces(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(map) => map.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// The value with every placeholder filled. A text that is one placeholder becomes the value itself, lists included.
pub(super) fn fill(value: &Value, asker: &Asker<'_>) -> Result<Value, Missing> {
    fill_with(value, &|name| look_up(property(name), asker).cloned())
}

fn fill_with(value: &Value, known: &dyn Fn(&str) -> Option<Value>) -> Result<Value, Missing> {
    Ok(match value {
        Value::String(text) if text.contains("{{") => {
            let pieces = pieces(text).map_err(|_| Missing(text.clone()))?;
            let value_of = |name: &str| known(name).ok_or_else(|| Missing(name.to_owned()));
            if let [("", Some(name)), ("", None)] = pieces.as_slice() {
                return value_of(name);
            }
            let mut out = String::new();
            for (before, name) in pieces {
                out.push_str(before);
                match name.map(value_of).transpose()? {
                    None => {}
                    Some(Value::String(text)) => out.push_str(&text),
                    Some(other) => out.push_str(&other.to_string()),
                }
            }
            Value::String(out)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| fill_with(item, known))
            .collect::<Result<_, _>>()?,
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| Ok((key.clone(), fill_with(value, known)?)))
            .collect::<Result<_, Missing>>()?,
        other => other.clone(),
    })
}

/// The variables of a set for one caller; a variable may use others. One that cannot be filled is left out, and so holds for
/// nothing.
#[must_use]
pub fn resolve_variables(variables: &Map<String, Value>, user: &Value) -> Map<String, Value> {
    let (nothing, zone) = (Map::new(), Zone::UTC);
    let asker = Asker {
        user,
        variables: &nothing,
        now_ms: 0,
        zone: &zone,
    };
    variables
        .keys()
        .filter_map(|name| variable(name, variables, &asker, 0).map(|value| (name.clone(), value)))
        .collect()
}

fn variable(name: &str, variables: &Map<String, Value>, asker: &Asker<'_>, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    let known = |inner: &str| {
        let inner = property(inner);
        look_up(inner, asker)
            .cloned()
            .or_else(|| variable(inner, variables, asker, depth + 1))
    };
    fill_with(variables.get(name)?, &known).ok()
}

/// Checks the variables of a set: placeholders that can be read, and none that leads back to itself.
///
/// # Errors
/// Name of the variable and what is wrong with it.
pub fn check_variables(variables: &Map<String, Value>) -> Result<(), (String, ConditionError)> {
    for (name, value) in variables {
        check(value).map_err(|error| (name.clone(), error))?;
        let mut open = vec![(name.as_str(), 0)];
        while let Some((at, depth)) = open.pop() {
            if depth > DEPTH_MAX {
                let message = format!("the variables lead from `{name}` back to itself, or too far");
                return Err((name.clone(), ConditionError::new(message)));
            }
            let Some(value) = variables.get(at) else { continue };
            let used = names(value);
            open.extend(
                variables
                    .keys()
                    .filter(|key| used.contains(key))
                    .map(|key| (key.as_str(), depth + 1)),
            );
        }
    }
    Ok(())
}

fn names(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => pieces(text)
            .into_iter()
            .flatten()
            .filter_map(|(_, name)| name.map(|name| property(name).to_owned()))
            .collect(),
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(map) => map.values().flat_map(names).collect(),
        _ => Vec::new(),
    }
}
