//! The JSON body of a request, read field by field, with better-auth's words for what is wrong. An empty body is an empty
//! object: several clients send a JSON content type and nothing.

use objectos_plugin_api::HttpRequest;
use serde_json::{Map, Value};

use super::percent;
use crate::error::{AuthError, Refusal, Result};

/// Longest text that is taken where nothing else is said, bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// A body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Reads it.
    ///
    /// # Errors
    /// `Validation` when it is no JSON object.
    pub(crate) fn read(request: &HttpRequest) -> Result<Self> {
        let bytes = request.body();
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) | Err(_) => Err(AuthError::explained(
                Refusal::Validation,
                "[body] Invalid input: expected a JSON object",
            )),
        }
    }

    /// A part of the body that is an object itself.
    pub(crate) fn part(&self, name: &str) -> Result<Self> {
        match self.0.get(name) {
            Some(Value::Object(map)) => Ok(Self(map.clone())),
            other => Err(wrong(name, "object", other)),
        }
    }

    /// A text that may be left out; empty counts as left out.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() > TEXT_BYTES_MAX => {
                Err(AuthError::body(name, "Too big: the text is too long"))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            other => Err(wrong(name, "string", other)),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None if self.0.contains_key(name) => Err(AuthError::body(
                name,
                "Too small: expected string to have >=1 characters",
            )),
            None => Err(wrong(name, "string", None)),
        }
    }

    /// An e-mail address that must be there, in small letters.
    pub(crate) fn email(&self, name: &str) -> Result<String> {
        let text = self.required(name)?.trim().to_lowercase();
        if is_email(&text) {
            Ok(text)
        } else {
            Err(AuthError::body(name, "Invalid email address"))
        }
    }

    /// A yes or no that may be left out.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            other => Err(wrong(name, "boolean", other)),
        }
    }

    /// A whole number that may be left out.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| wrong(name, "number", Some(value))),
        }
    }

    /// Texts, one or several: roles may be sent either way.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.split(',').map(|piece| piece.trim().to_owned()).collect()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map(ToOwned::to_owned)
                        .ok_or_else(|| wrong(name, "string", Some(item)))
                })
                .collect(),
            other => Err(wrong(name, "string", other)),
        }
    }

    /// Whatever stands there.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether a key is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A value of the query that must be there.
pub(crate) fn query(request: &HttpRequest, name: &str) -> Result<String> {
    percent::parameter(request.query(), name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            AuthError::explained(
                Refusal::Validation,
                format!("[query.{name}] Invalid input: expected string"),
            )
        })
}

fn wrong(name: &str, expected: &str, found: Option<&Value>) -> AuthError {
    let found = match found {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    };
    AuthError::body(name, &format!("Invalid input: expected {expected}, received {found}"))
}

/// Whether a text has the form of an e-mail address: as strict as the protocol's pattern.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._%+-'!#$&*/=?^`{|}~".contains(&byte));
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    local_fits
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label_fits)
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(value: Value) -> Body {
        let Value::Object(map) = value else { panic!("an object") };
        Body(map)
    }

    #[test]
    fn what_is_wrong_is_named_as_better_auth_names_it() {
        let body = body(json!({ "a": 1, "b": "", "c": "x@y" }));
        let check = |result: Result<String>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
        let owned = |text: &str| text.to_owned();
        check(
            body.required("a").map(owned),
            "[body.a] Invalid input: expected string, received number",
        );
        check(
            body.required("b").map(owned),
            "[body.b] Too small: expected string to have >=1 characters",
        );
        check(
            body.required("z").map(owned),
            "[body.z] Invalid input: expected string, received undefined",
        );
        check(body.email("c"), "[body.c] Invalid email address");
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["a@b.co", "ada.lovelace+x@mail.example.com", "o'neill@example.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@b.c",
            "a b@c.de",
            "a@b..de",
            "a@-b.de",
            ".a@b.de",
            "a@b.de\n",
            "a@b.de>",
            "a..b@c.de",
            "a@b.123",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
