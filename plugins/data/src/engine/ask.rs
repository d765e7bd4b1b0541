//! Rules that somebody else decides: the question goes out, the answer becomes field errors. Asked last, of values that are in
//! order, outside of any transaction, and once for the same question of one write, however often the write is planned.
//!
//! Somebody who does not answer, or not in a way that can be understood, refuses the write: a rule that nobody can check is not
//! kept. A rule that only tells says so instead.

use std::collections::HashMap;

use objectos_plugin_api::contracts::http_client::OutgoingRequest;
use objectos_plugin_api::protocol::data::{ChangeKind, Severity};
use objectos_plugin_api::{Error, ErrorKind};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::Engine;
use super::draft::Draft;
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{Asked, AskedModel, ObjectModel, RuleModel};
use crate::validate::{Question, Told};

/// Largest answer that is read, bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Questions of one write that were answered.
pub(super) type Answered = Mutex<HashMap<String, Judgement>>;

/// What somebody says of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    valid: bool,
    /// In the place of the rule's own message.
    message: Option<String>,
    /// Fields that are at fault, each with a message.
    fields: Vec<(String, String)>,
}

/// The record that questions are about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) object: &'a ObjectModel,
    pub(super) change: ChangeKind,
    pub(super) record: &'a Map<String, Value>,
    pub(super) previous: Option<&'a Map<String, Value>>,
}

impl Engine {
    /// Asks all questions; the answers are what is broken, and what is only told.
    pub(super) async fn ask(
        &self,
        draft: &Draft<'_>,
        subject: Subject<'_>,
        questions: &[Question<'_>],
    ) -> Result<(Vec<FieldError>, Vec<Told>)> {
        let (mut errors, mut told) = (Vec::new(), Vec::new());
        for question in questions {
            let rule = question.rule;
            let found = match self.judgement(draft, subject, question).await {
                Ok(judgement) => faults(subject.object, rule, question.asked, &judgement),
                Err(error) if rule.severity == Severity::Error => return Err(unchecked(rule, question.asked, error)),
                Err(error) => {
                    let error = unchecked(rule, question.asked, error).to_string();
                    vec![FieldError::new("", FieldCode::RuleViolation, error).with_rule(&rule.name)]
                }
            };
            match rule.severity {
                Severity::Error => errors.extend(found),
                severity => told.extend(found.into_iter().map(|error| Told { severity, error })),
            }
        }
        Ok((errors, told))
    }

    async fn judgement(&self, draft: &Draft<'_>, subject: Subject<'_>, question: &Question<'_>) -> Result<Judgement> {
        let payload = payload(subject, question);
        let key = format!("{}\n{payload}", question.rule.name);
        if let Some(known) = draft.known.answered.lock().get(&key) {
            return Ok(known.clone());
        }
        let judgement = match &question.asked.whom {
            Asked::Http { url, post, headers } => {
                let request = request(url, *post, headers, question.asked, &payload);
                let answer = self.parts.outside.send(draft.caller.context, request).await?;
                of_http(answer.status, &answer.body)?
            }
            Asked::Service { service, method } => {
                let sent = payload.to_string().into_bytes();
                let context = draft.caller.context;
                let answer = self.parts.outside.call(context, service, method, sent).await?;
                let answer = serde_json::from_slice(&answer).unwrap_or_default();
                read(&answer).ok_or_else(|| not_understood("a document without `valid`"))?
            }
        };
        draft.known.answered.lock().insert(key, judgement.clone());
        Ok(judgement)
    }
}

/// What is sent: one value, or the whole record.
fn payload(subject: Subject<'_>, question: &Question<'_>) -> Value {
    let asked = question.asked;
    match &asked.field {
        Some(field) => json!({
            "object": subject.object.name,
            "rule": question.rule.name,
            "field": field,
            "value": subject.record.get(field),
            "params": asked.params,
        }),
        None => json!({
            "object": subject.object.name,
            "rule": question.rule.name,
            "event": subject.change.as_str(),
            "record": subject.record,
            "previous": subject.previous,
            "params": asked.params,
        }),
    }
}

fn request(
    url: &str,
    post: bool,
    headers: &[(String, String)],
    asked: &AskedModel,
    payload: &Value,
) -> OutgoingRequest {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let value = text(&payload["value"]);
    let mut request = OutgoingRequest {
        method: if post { "POST" } else { "GET" }.to_owned(),
        url: url.replace("{value}", &escaped(&value)),
        headers: headers.to_vec(),
        timeout_ms: asked.timeout_ms,
        answer_bytes_max: ANSWER_BYTES_MAX,
        ..OutgoingRequest::default()
    };
    if post {
        let named = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if !headers.iter().any(named) {
            let kind = ("content-type".to_owned(), "application/json".to_owned());
            request.headers.push(kind);
        }
        request.body = payload.to_string();
        return request;
    }
    let mut pairs = vec![("object".to_owned(), text(&payload["object"]))];
    if !url.contains("{value}") {
        pairs.push(("field".to_owned(), text(&payload["field"])));
        pairs.push(("value".to_owned(), value));
    }
    pairs.extend(asked.params.iter().map(|(name, value)| (name.clone(), text(value))));
    for (name, value) in pairs {
        request.url.push(if request.url.contains('?') { '&' } else { '?' });
        request.url.push_str(&format!("{}={}", escaped(&name), escaped(&value)));
    }
    request
}

/// A text as part of an address: everything but letters, digits and `-._~` as `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// 2xx without a body is yes; 400, 409 and 422 are no; every other status is no answer.
fn of_http(status: u16, body: &str) -> Result<Judgement> {
    let answer: Option<Value> = serde_json::from_str(body).ok();
    match status {
        200..=299 if body.trim().is_empty() => Ok(Judgement {
            valid: true,
            ..Judgement::default()
        }),
        200..=299 => answer
            .as_ref()
            .and_then(read)
            .ok_or_else(|| not_understood("a body that is no JSON with `valid`")),
        400 | 409 | 422 => Ok(Judgement {
            valid: false,
            ..answer.as_ref().and_then(read).unwrap_or_else(|| Judgement {
                message: answer.as_ref().and_then(message),
                ..Judgement::default()
            })
        }),
        status => Err(not_understood(&format!("status {status}"))),
    }
}

/// `true`, or `{valid, message?, errors?: [{field?, message}]}`.
fn read(answer: &Value) -> Option<Judgement> {
    if let Value::Bool(valid) = answer {
        return Some(Judgement {
            valid: *valid,
            ..Judgement::default()
        });
    }
    let valid = ["valid", "isValid"]
        .iter()
        .find_map(|key| answer.get(*key)?.as_bool())?;
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
    let fields = errors.filter_map(|error| {
        let field = error.get("field").and_then(Value::as_str).unwrap_or_default();
        Some((field.to_owned(), error.get("message")?.as_str()?.to_owned()))
    });
    Some(Judgement {
        valid,
        message: message(answer),
        fields: fields.collect(),
    })
}

fn message(answer: &Value) -> Option<String> {
    let said = ["message", "error"].iter().find_map(|key| answer.get(*key)?.as_str());
    said.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn not_understood(what: &str) -> DataError {
    DataError::Plugin(Error::new(ErrorKind::External, format!("the answer was {what}")))
}

fn faults(object: &ObjectModel, rule: &RuleModel, asked: &AskedModel, judgement: &Judgement) -> Vec<FieldError> {
    if judgement.valid {
        return Vec::new();
    }
    let error = |field: &str, message: &str| {
        // Only names of fields are told as such.
        let field = if object.field(field).is_some() { field } else { "" };
        FieldError::new(field, FieldCode::RuleViolation, message).with_rule(&rule.name)
    };
    if judgement.fields.is_empty() {
        let message = judgement.message.as_deref().unwrap_or(&rule.message);
        return vec![error(asked.field.as_deref().unwrap_or_default(), message)];
    }
    judgement
        .fields
        .iter()
        .map(|(field, message)| error(field, message))
        .collect()
}

/// Nobody could say whether the rule is kept.
fn unchecked(rule: &RuleModel, asked: &AskedModel, error: DataError) -> DataError {
    let inner = Error::from(error);
    let why = match inner.kind() {
        ErrorKind::Timeout => format!("there was no answer within {} ms", asked.timeout_ms),
        _ => inner.message().to_owned(),
    };
    let message = format!("the rule '{}' could not be checked: {why}; try again", rule.name);
    DataError::Plugin(
        Error::new(ErrorKind::External, message)
            .with_code("external_service_error")
            .with_internal(inner.internal_message()),
    )
}

#[cfg(test)]
mod tests;
