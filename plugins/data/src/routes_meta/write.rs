//! Metadata saved over HTTP. Who may is decided by the permission `customize_metadata`; what an app declares is refused.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::{Value, json};

use super::{query_value, versions};
use crate::metadata::kind_of_name;
use crate::query::switch;
use crate::runtime::{RuntimeMetadata, Saved, Terms};

/// Everything that is served here, as `plugin.json` has it.
pub const WRITE_ROUTES: [&str; 11] = [
    "PUT /api/v1/meta/{type}/{name}",
    "DELETE /api/v1/meta/{type}/{name}",
    "GET /api/v1/meta/{type}/{name}/history",
    "GET /api/v1/meta/{type}/{name}/history/{version}",
    "POST /api/v1/meta/{type}/{name}/rollback",
    "GET /api/v1/meta/{type}/{name}/diff",
    "GET /api/v1/meta/{type}/{name}/audit",
    "POST /api/v1/meta/{type}/{name}/publish",
    "POST /api/v1/meta/_migrate-stored",
    "GET /api/v1/meta/_drafts",
    "GET /api/v1/meta/diagnostics",
];

/// Registers all of [`WRITE_ROUTES`].
pub fn register_writes<P: Plugin>(registry: &mut Registry<P>, runtime: &Arc<RuntimeMetadata>) {
    for route in WRITE_ROUTES {
        let runtime = Arc::clone(runtime);
        registry.route(route, move |_, context, request| {
            let runtime = Arc::clone(&runtime);
            async move { change(&runtime, &context, &request).await }
        });
    }
}

/// Answers one request of [`WRITE_ROUTES`].
///
/// # Errors
/// Those of [`RuntimeMetadata`]; `Invalid` for a body that does not have its shape.
pub async fn change(runtime: &RuntimeMetadata, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (kind, name) = (request.parameter("type"), request.parameter("name"));
    match (request.method(), request.route()) {
        ("PUT", "/api/v1/meta/{type}/{name}") => {
            let terms = terms(request)?;
            let saved = runtime.save(context, kind, name, body(request)?, &terms).await?;
            answer(kind, name, &saved)
        }
        ("DELETE", "/api/v1/meta/{type}/{name}") => {
            runtime.delete(context, kind, name, &terms(request)?).await?;
            let body = json!({ "success": true, "type": singular(kind), "name": name, "deleted": true, "reset": true });
            HttpResponse::json(200, &body)
        }
        ("POST", "/api/v1/meta/{type}/{name}/rollback") => {
            let body = body(request)?;
            let wanted = body.get("version").or_else(|| body.get("toVersion"));
            let number = number(wanted.unwrap_or(&Value::Null))?;
            let terms = terms(request)?;
            let saved = runtime.roll_back(context, kind, name, number, &terms).await?;
            let mut body = answer_body(kind, name, &saved);
            body["restoredFromVersion"] = number.into();
            HttpResponse::json(200, &body)
        }
        ("POST", "/api/v1/meta/_migrate-stored") => migrate(runtime, context, request).await,
        ("GET", _) | ("POST", "/api/v1/meta/{type}/{name}/publish") => tell(runtime, context, request).await,
        (method, route) => Err(Error::internal(format!(
            "{method} {route} is not one of the metadata routes"
        ))),
    }
}

/// Brings what is stored into the protocol's spelling: `{apply?, types?}`. A preview without `apply`.
async fn migrate(runtime: &RuntimeMetadata, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let body = if request.body().is_empty() {
        Value::Null
    } else {
        body(request)?
    };
    let wrong = |message: &str| Error::invalid(message).with_code("invalid_format");
    let apply = match body.get("apply") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(apply)) => *apply,
        Some(_) => return Err(wrong("'apply' must be true or false")),
    };
    let kinds: Option<Vec<String>> = match body.get("types") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(types) => serde_json::from_value(types.clone()).ok(),
    };
    let kinds = kinds.ok_or_else(|| wrong("'types' must be a list of kinds"))?;
    HttpResponse::json(200, &runtime.migrate_stored(context, &kinds, apply).await?)
}

/// Answers what is only told: versions, how they differ, who saved them, what is odd.
async fn tell(runtime: &RuntimeMetadata, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (kind, name) = (request.parameter("type"), request.parameter("name"));
    match (request.method(), request.route()) {
        ("GET", "/api/v1/meta/{type}/{name}/history") => {
            let mut history = runtime.history(context, kind, name).await?;
            history["events"] =
                versions::events(&history, number_of(request, "sinceSeq")?, number_of(request, "limit")?);
            HttpResponse::json(200, &history)
        }
        ("GET", "/api/v1/meta/{type}/{name}/history/{version}") => {
            let number = number(&json!(request.parameter("version")))?;
            HttpResponse::json(200, &runtime.version(context, kind, name, number).await?)
        }
        ("GET", "/api/v1/meta/{type}/{name}/diff") => {
            let history = runtime.history(context, kind, name).await?;
            let last = versions::last(&history);
            let to = number_of(request, "to")?.unwrap_or(last);
            let from = number_of(request, "from")?.unwrap_or(to.saturating_sub(1));
            let definition = async |number: u64| -> Result<Value> {
                if number == 0 {
                    return Ok(Value::Null);
                }
                let mut version = runtime.version(context, kind, name, number).await?;
                Ok(version["definition"].take())
            };
            let mut body = versions::difference(&definition(from).await?, &definition(to).await?);
            let told = |number: u64| if number == 0 { Value::Null } else { number.into() };
            body["type"] = singular(kind).into();
            body["name"] = name.into();
            body["fromVersion"] = told(from);
            body["toVersion"] = told(to);
            HttpResponse::json(200, &body)
        }
        ("GET", "/api/v1/meta/{type}/{name}/audit") => {
            let history = runtime.history(context, kind, name).await?;
            let body = json!({ "events": versions::audit(&history, number_of(request, "limit")?) });
            HttpResponse::json(200, &body)
        }
        ("POST", "/api/v1/meta/{type}/{name}/publish") => {
            // What is saved is in use at once, so there is nothing left to do but to say which version that is.
            let history = runtime.history(context, kind, name).await?;
            HttpResponse::json(200, &published(kind, name, versions::last(&history)))
        }
        ("GET", "/api/v1/meta/_drafts") => HttpResponse::json(200, &json!({ "drafts": [] })),
        ("GET", "/api/v1/meta/diagnostics") => {
            let wanted = |key: &str| query_value(request, key);
            let found = runtime
                .diagnostics(context, wanted("type").as_deref(), wanted("package").as_deref())
                .await?;
            HttpResponse::json(200, &found)
        }
        (method, route) => Err(Error::internal(format!(
            "{method} {route} is not one of the metadata routes"
        ))),
    }
}

fn published(kind: &str, name: &str, version: u64) -> Value {
    json!({
        "success": true,
        "message": format!("{} '{name}' is in use as it was saved, version {version}", singular(kind)),
        "type": singular(kind),
        "name": name,
        "version": version.to_string(),
        "seq": version,
    })
}

/// `?loseData=true`, and `If-Match` with what `GET` sent as `ETag` or a save as `version`; `If-None-Match: *` for a new item.
/// A condition that cannot be read is refused: without it the item would be saved whatever is there.
pub(super) fn terms(request: &HttpRequest) -> Result<Terms> {
    let condition = request.header("if-match");
    let tags = condition.unwrap_or_default().split(',').map(str::trim);
    let expected: Vec<String> = tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    if condition.is_some() && expected.is_empty() {
        let message = "If-Match is empty; give the ETag or the version that you have seen, or leave it out";
        return Err(Error::invalid(message).with_code("invalid_query"));
    }
    Ok(Terms {
        lose_data: switch(request.query(), "loseData")?.unwrap_or(false),
        expected,
        absent: request.header("if-none-match").map(str::trim) == Some("*"),
    })
}

fn singular(kind: &str) -> &str {
    kind_of_name(kind).map_or(kind, |kind| kind.name)
}

/// A parameter that holds a number.
fn number_of(request: &HttpRequest, name: &str) -> Result<Option<u64>> {
    let Some(text) = query_value(request, name) else {
        return Ok(None);
    };
    let number = text.parse().map_err(|_| {
        Error::invalid(format!("'{name}' must be a whole number, found '{text}'")).with_code("invalid_query")
    })?;
    Ok(Some(number))
}

fn answer(kind: &str, name: &str, saved: &Saved) -> Result<HttpResponse> {
    HttpResponse::json(200, &answer_body(kind, name, saved))
}

fn answer_body(kind: &str, name: &str, saved: &Saved) -> Value {
    let message = if saved.changed {
        format!("saved {} '{name}', version {}", singular(kind), saved.number)
    } else {
        format!("{} '{name}' is as it was, version {}", singular(kind), saved.number)
    };
    json!({
        "success": true,
        "message": message,
        "type": singular(kind),
        "name": name,
        "version": saved.number,
        "seq": saved.number,
        "state": "active",
        "changed": saved.changed,
        "steps": saved.steps,
    })
}

pub(super) fn body(request: &HttpRequest) -> Result<Value> {
    serde_json::from_slice(request.body())
        .map_err(|error| Error::invalid(format!("the body is no JSON: {error}")).with_code("invalid_format"))
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
        .ok_or_else(|| Error::invalid(format!("'version' must be a whole number, found {value}")))
}
