//! Values that are not written down. What a person must not read later must not be stored now: a row cannot be changed.
//!
//! A field is hidden when its name holds one of the configured names as whole words (`access_token` and `tokenHash` hold
//! `token`), when its type is `password` or `secret`, or when it is a field of a platform object that is marked `hidden` or
//! stands in the list below. `includeSensitiveData` lifts the first; the others stay, whatever is set.

use serde_json::{Map, Value};

use crate::config::AuditSettings;

/// What stands in the place of a hidden value.
pub(crate) const HIDDEN: &str = "[redacted]";

/// Types whose values are secrets by nature.
const SECRET_TYPES: [&str; 2] = ["password", "secret"];

/// Fields of platform objects that hold proofs of identity under harmless names.
const SECRET_FIELDS: [(&str, &[&str]); 7] = [
    (
        "sys_account",
        &["password", "password_hash", "access_token", "refresh_token", "id_token"],
    ),
    ("sys_session", &["token", "token_hash"]),
    ("sys_verification", &["value", "value_hash", "token", "token_hash"]),
    ("sys_two_factor", &["secret", "backup_codes"]),
    ("sys_api_key", &["key", "key_hash", "hash"]),
    ("sys_invitation", &["token", "token_hash"]),
    ("sys_passkey", &["credential", "public_key"]),
];

/// The decision for one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Redaction {
    /// Names as lists of words.
    names: Vec<Vec<String>>,
}

/// `passwordHash`, `password_hash` and `Password-Hash` are the words `password`, `hash`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            words.push(String::new());
            lower_before = false;
            continue;
        }
        if letter.is_uppercase() && lower_before {
            words.push(String::new());
        }
        lower_before = letter.is_lowercase() || letter.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Redaction {
    pub(crate) fn new(settings: &AuditSettings) -> Self {
        let names = if settings.audit.include_sensitive_data {
            Vec::new()
        } else {
            settings.audit.redact_fields.iter().map(|name| words(name)).collect()
        };
        Self { names }
    }

    /// Whether a name says that its value is not for the trail.
    pub(crate) fn hides_name(&self, name: &str) -> bool {
        let given = words(name);
        let holds = |wanted: &[String]| !wanted.is_empty() && given.windows(wanted.len()).any(|part| part == wanted);
        self.names.iter().any(|wanted| holds(wanted))
    }

    /// Whether a field's value is not for the trail.
    pub(crate) fn hides_field(&self, object: &str, field: &str, field_type: Option<&str>) -> bool {
        let secret = SECRET_FIELDS
            .iter()
            .any(|(name, fields)| *name == object && fields.contains(&field));
        secret || field_type.is_some_and(|kind| SECRET_TYPES.contains(&kind)) || self.hides_name(field)
    }

    /// Hides values inside a value, by the names they stand under.
    pub(crate) fn clean(&self, value: &mut Value) {
        match value {
            Value::Object(map) => self.clean_map(map),
            Value::Array(values) => values.iter_mut().for_each(|value| self.clean(value)),
            _ => {}
        }
    }

    /// The same for a map.
    pub(crate) fn clean_map(&self, map: &mut Map<String, Value>) {
        for (name, value) in map.iter_mut() {
            if self.hides_name(name) && !value.is_null() && !value.is_boolean() {
                *value = Value::from(HIDDEN);
            } else {
                self.clean(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redaction(config: &Value) -> Redaction {
        Redaction::new(&AuditSettings::read(config).expect("settings"))
    }

    #[test]
    fn names_are_held_against_whole_words() {
        let redaction = redaction(&json!({}));
        for name in [
            "password",
            "Password",
            "password_hash",
            "accessToken",
            "access_token",
            "api_key",
            "apiKeyHash",
            "ssn",
            "credit_card",
        ] {
            assert!(redaction.hides_name(name), "{name}");
        }
        for name in [
            "name",
            "tokens_used",
            "passwordless",
            "api",
            "key",
            "secretary",
            "lesson",
        ] {
            assert!(!redaction.hides_name(name), "{name}");
        }
    }

    #[test]
    fn types_and_the_platforms_own_secrets_stay_hidden_whatever_is_set() {
        let open = redaction(&json!({ "includeSensitiveData": true }));
        assert!(!open.hides_name("password"));
        assert!(open.hides_field("employee", "door", Some("password")));
        assert!(open.hides_field("sys_two_factor", "backup_codes", Some("json")));
        assert!(!open.hides_field("employee", "door", Some("text")));
    }

    #[test]
    fn values_are_hidden_at_any_depth() {
        let mut value = json!({ "a": [{ "token": "x", "b": 1 }], "secret": null, "ssn": "1", "password": true });
        redaction(&json!({})).clean(&mut value);
        assert_eq!(
            value,
            json!({ "a": [{ "token": HIDDEN, "b": 1 }], "secret": null, "ssn": HIDDEN, "password": true })
        );
    }
}
