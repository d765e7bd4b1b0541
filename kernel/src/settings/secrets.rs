//! Which values of a configuration nobody is shown: those whose schema says so (`writeOnly`, `secret`), those whose key says
//! so, and the part of an address that signs in. The second and third hold without any schema, so that a plugin whose
//! author marked nothing shows nothing either; `cargo xtask audit-spec` tells of such a schema.

use serde_json::{Map, Value};
use std::borrow::Cow;

use super::defaults::properties;

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "***";
/// Ends of keys whose values are secret, in lower case; a list of such values has an `s` behind.
const KEY_ENDS: [&str; 10] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "signingkey",
    "encryptionkey",
];
/// Keys at and below which every text is secret: what stands there is sent along to sign in.
const SECRET_GROUPS: [&str; 3] = ["credential", "credentials", "headers"];
/// Ends of keys whose values are addresses that whoever knows them may use, in lower case: the path is the secret.
const HOOK_ENDS: [&str; 3] = ["webhook", "webhookurl", "slack"];
/// The key below which each `url` is such an address.
const HOOKS: &str = "webhooks";
/// Query parameters that sign in, beside those whose names end as keys do.
const PARAMETERS: [&str; 5] = ["key", "sig", "signature", "code", "auth"];
/// Keywords whose value is a schema of the same value.
const SAME_PLACE: [&str; 4] = ["if", "then", "else", "not"];
/// Keywords whose value is a list of schemas of the same value.
const SAME_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// How deep references may lead: a schema may refer to itself.
const DEPTH_MAX: usize = 64;

/// JSON pointers of the values below `value` whose schema says `writeOnly` or `secret`.
pub(super) fn marked(schema: &Value, value: &Value, found: &mut Vec<String>) {
    Walk { root: schema }.values(schema, value, "", found, 0);
}

/// A value as it may be shown when nothing is known of it but its keys: `***` in place of what the keys call secret, and of
/// what signs in within addresses.
#[must_use]
pub fn shown(value: &Value) -> Value {
    named("", value)
}

/// Paths of properties that hold secrets by their names or their descriptions and are not marked in `schema`, as in
/// `smtp.password`; a list adds `[]`, a free key `*`.
#[must_use]
pub fn unmarked(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Walk { root: schema }.schemas(schema, "", &mut found, 0);
    found.sort();
    found.dedup();
    found
}

/// A text without what signs in within the addresses in it: `https://***@host/path?token=***`.
#[must_use]
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|letter: char| letter.is_whitespace() || "\"'<>".contains(letter));
        let (address, left) = after.split_at(end.unwrap_or(after.len()));
        push_address(&mut out, address);
        rest = left;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What comes behind the scheme.
fn push_address(out: &mut String, address: &str) {
    let authority_end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let authority = &address[..authority_end];
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    // A password may hold what should have been escaped: then what looks like a port is the beginning of it.
    let cut_short = !authority.contains(['@', ']']) && !port.bytes().all(|byte| byte.is_ascii_digit());
    let sign_in_end = if cut_short {
        address.rfind('@')
    } else {
        authority.rfind('@')
    };
    let left = match sign_in_end {
        Some(end) => {
            out.push_str(HIDDEN);
            &address[end..]
        }
        None => address,
    };
    let Some((path, query)) = left.split_once('?') else {
        out.push_str(left);
        return;
    };
    out.push_str(path);
    let pieces = query.split('&').map(|piece| match piece.split_once('=') {
        Some((name, _)) if secret_parameter(name) => Cow::Owned(format!("{name}={HIDDEN}")),
        _ => Cow::Borrowed(piece),
    });
    for (index, piece) in pieces.enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(&piece);
    }
}

/// An address without its path.
fn place_only(text: &str) -> String {
    let text = without_credentials(text);
    let path = text.find("://").and_then(|scheme_end| {
        text[scheme_end + 3..]
            .find(['/', '?', '#'])
            .map(|path| scheme_end + 3 + path)
    });
    match path {
        Some(path) if path + 1 < text.len() => format!("{}/{HIDDEN}", &text[..path]),
        _ => text.into_owned(),
    }
}

fn secret_parameter(name: &str) -> bool {
    secret_key(name) || PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a key says that its value is secret.
fn secret_key(key: &str) -> bool {
    ends(key, &KEY_ENDS)
}

fn ends(key: &str, ends: &[&str]) -> bool {
    let plain: String = key.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let plain = plain.to_ascii_lowercase();
    let one = plain.strip_suffix('s').unwrap_or(&plain);
    ends.iter().any(|end| plain.ends_with(end) || one.ends_with(end))
}

fn named(key: &str, value: &Value) -> Value {
    match value {
        _ if SECRET_GROUPS.contains(&key.to_ascii_lowercase().as_str()) => hidden(value),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| {
                let hook = key == HOOKS && name == "url";
                (
                    name.clone(),
                    named(if hook { HOOK_ENDS[0] } else { name.as_str() }, value),
                )
            });
            Value::Object(entries.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| named(key, item)).collect()),
        Value::String(_) | Value::Number(_) if secret_key(key) => Value::from(HIDDEN),
        Value::String(text) if ends(key, &HOOK_ENDS) => Value::from(place_only(text)),
        Value::String(text) => Value::from(without_credentials(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Every text and number hidden.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), hidden(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(hidden).collect()),
        Value::String(_) | Value::Number(_) => Value::from(HIDDEN),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// A walk through a schema. `root`: what references begin at.
struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    /// Schemas of the same value that `schema` leads to.
    fn same_place(&self, schema: &'a Value) -> Vec<&'a Value> {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let mut schemas: Vec<&Value> = reference
            .and_then(|reference| reference.strip_prefix('#'))
            .and_then(|pointer| self.root.pointer(pointer))
            .into_iter()
            .collect();
        schemas.extend(SAME_PLACE.iter().filter_map(|keyword| schema.get(*keyword)));
        for keyword in SAME_PLACE_LISTS {
            schemas.extend(schema.get(keyword).and_then(Value::as_array).into_iter().flatten());
        }
        let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
        schemas.extend(dependent.into_iter().flat_map(Map::values));
        schemas
    }

    /// Schemas of keys that `properties` does not name. Which key a pattern means is not asked: one too many is hidden.
    fn of_other_keys(schema: &'a Value) -> impl Iterator<Item = &'a Value> {
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        patterns
            .into_iter()
            .flat_map(Map::values)
            .chain(schema.get("additionalProperties"))
            .chain(schema.get("unevaluatedProperties"))
    }

    /// The schema of the item at a position of a list.
    fn of_item(schema: &'a Value, position: usize) -> Option<&'a Value> {
        let listed = schema.get("prefixItems").and_then(|list| list.get(position));
        listed.or_else(|| schema.get("items"))
    }

    fn values(&self, schema: &'a Value, value: &Value, pointer: &str, found: &mut Vec<String>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if is_marked(schema) && !pointer.is_empty() {
            found.push(pointer.to_owned());
            return;
        }
        for same in self.same_place(schema) {
            self.values(same, value, pointer, found, depth + 1);
        }
        match value {
            Value::Object(entries) => {
                for (name, inner) in entries {
                    let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    let own = properties(schema).find(|(known, _)| *known == name);
                    match own {
                        Some((_, property)) => self.values(property, inner, &below, found, depth + 1),
                        None => {
                            for other in Self::of_other_keys(schema) {
                                self.values(other, inner, &below, found, depth + 1);
                            }
                        }
                    }
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    if let Some(item) = Self::of_item(schema, index) {
                        self.values(item, inner, &format!("{pointer}/{index}"), found, depth + 1);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn schemas(&self, schema: &'a Value, path: &str, found: &mut Vec<String>, depth: usize) {
        if depth > DEPTH_MAX || is_marked(schema) {
            return;
        }
        let key = path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]");
        if may_be_text(schema) && (secret_key(key) || told_to_sign_in(schema)) {
            found.push(path.to_owned());
        }
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        for same in self.same_place(schema) {
            self.schemas(same, path, found, depth + 1);
        }
        for (name, property) in properties(schema) {
            self.schemas(property, &below(name), found, depth + 1);
        }
        for other in Self::of_other_keys(schema) {
            self.schemas(other, &below("*"), found, depth + 1);
        }
        if let Some(item) = Self::of_item(schema, 0) {
            self.schemas(item, &format!("{path}[]"), found, depth + 1);
        }
    }
}

fn is_marked(schema: &Value) -> bool {
    let says = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    says("writeOnly") || says("secret")
}

/// Whether the schema names text as its type, alone or among others.
fn may_be_text(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    }
}

/// Whether the description shows an address with a place for a password.
fn told_to_sign_in(schema: &Value) -> bool {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    without_credentials(text) != text
}
