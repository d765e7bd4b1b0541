//! SCIM 2.0 (RFC 7643, RFC 7644): a directory makes, changes and ends users, and fills groups, which are the teams of the
//! organisation its key works in. Needs the system permission `manage_users`, and reaches as far as `reach` says; a key is the
//! usual way in.

pub(super) mod discovery;
mod filter;
pub(super) mod groups;
mod path;
pub(super) mod users;

use objectos_plugin_api::contracts::events::Origin;
use serde_json::{Value, json};
use std::future::Future;

use self::filter::Field;
use super::Call;
use crate::{
    error::{AuthError, Refusal, Result},
    http::{Reply, percent},
};

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const MEDIA_TYPE: &str = "application/scim+json";
const BASE: &str = "/api/v1/auth/scim/v2";
/// Resources of a page at most.
const PAGE_MAX: u64 = 200;

/// Whether somebody may do what a directory does. Whoever acts as somebody else may not: users are made and changed in one's
/// own name.
async fn admit(call: &Call) -> Result<()> {
    let me = call.maybe_signed_in().await?;
    if me.is_some_and(|me| me.live.session.impersonated_by.is_some()) {
        return Err(Refusal::Forbidden.into());
    }
    call.auth.demand(&call.context, "manage_users").await
}

/// Runs a handler for somebody who manages users; refusals are said as SCIM says them.
async fn scim<Fut: Future<Output = Result<Reply>>>(call: &Call, handler: Fut) -> Result<Reply> {
    let answered = match admit(call).await {
        Ok(()) => handler.await,
        Err(error) => Err(error),
    };
    let lacking = answered.as_ref().err().and_then(AuthError::lacking_right);
    if let Some(lacking) = lacking {
        let route = format!("{} {}", call.request.method(), call.request.route());
        let origin = Origin::of(&call.context);
        call.auth
            .tell_refusal(&call.context, origin, (route.as_str(), None), lacking)
            .await;
    }
    let (refusal, message) = match answered {
        Ok(reply) => return Ok(reply.media_type(MEDIA_TYPE)),
        Err(AuthError::Refused(refusal)) => (refusal, refusal.message().to_owned()),
        Err(AuthError::Explained { refusal, message }) => (refusal, message),
        Err(error) => return Err(error),
    };
    let status = if refusal == Refusal::UserExists {
        409
    } else {
        refusal.status()
    };
    let mut body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": message });
    match status {
        409 => body["scimType"] = "uniqueness".into(),
        400 if refusal == Refusal::InvalidFilter => body["scimType"] = "invalidFilter".into(),
        400 if refusal == Refusal::InvalidPath => body["scimType"] = "invalidPath".into(),
        400 if refusal == Refusal::NoTarget => body["scimType"] = "noTarget".into(),
        400 => body["scimType"] = "invalidValue".into(),
        _ => {}
    }
    Ok(Reply::status(status, body).media_type(MEDIA_TYPE))
}

/// The body as a map: SCIM's keys are read without case by some directories, but written in one way by all.
fn body(call: &Call) -> Result<Value> {
    match serde_json::from_slice(call.request.body()) {
        Ok(Value::Object(map)) => Ok(Value::Object(map)),
        _ => Err(invalid("the body is no JSON object")),
    }
}

fn invalid(message: impl Into<String>) -> AuthError {
    AuthError::explained(Refusal::Validation, message)
}

/// `startIndex` and `count` as offset and limit.
fn page(call: &Call) -> (u64, u64) {
    let number = |name: &str| percent::parameter(call.request.query(), name).and_then(|text| text.parse::<u64>().ok());
    let offset = number("startIndex").unwrap_or(1).max(1) - 1;
    (offset, number("count").unwrap_or(100).min(PAGE_MAX))
}

/// The filter of a request, as one of the store.
fn filter(call: &Call, field: impl Fn(&str) -> Option<Field>) -> Result<Value> {
    match percent::parameter(call.request.query(), "filter").filter(|text| !text.is_empty()) {
        Some(text) => filter::read(&text, field),
        None => Ok(json!({})),
    }
}

fn list(resources: &[Value], total: u64, offset: u64) -> Reply {
    Reply::ok(json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": offset + 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    }))
}

/// One operation of a PATCH: name in small letters, path, value.
fn operations(body: &Value) -> Result<Vec<(String, String, Value)>> {
    let list = body.get("Operations").and_then(Value::as_array);
    let list = list.ok_or_else(|| invalid("a PATCH has Operations"))?;
    list.iter()
        .map(|operation| {
            let name = operation
                .get("op")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_ascii_lowercase();
            if !matches!(name.as_str(), "add" | "replace" | "remove") {
                return Err(invalid(format!("`{name}` is no operation")));
            }
            let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
            Ok((
                name,
                path.to_owned(),
                operation.get("value").cloned().unwrap_or_default(),
            ))
        })
        .collect()
}
