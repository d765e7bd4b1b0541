//! The further life of a record: back from the bin, its versions, its copies. Shapes as those of the published clients.

use objectos_plugin_api::{Context, HttpRequest, HttpResponse};
use serde_json::Value;

use super::body;
use crate::engine::{Engine, UseAction};
use crate::error::{DataError, Result};
use crate::record::write_text;

pub(super) async fn restore(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let answer = engine
        .restore(context, request.parameter("object"), request.parameter("id"))
        .await?;
    engine.note_use(context, &answer, UseAction::Updated);
    Ok(HttpResponse::json_bytes(200, answer.to_json()))
}

/// `POST` with `{overrides?}` → `{object, id, sourceId, record}`.
pub(super) async fn clone(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    let answer = engine
        .clone_record(context, object, id, body::overrides(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Created);
    let mut out = Vec::with_capacity(answer.record.len() + 128);
    out.extend_from_slice(b"{\"object\":");
    write_text(&mut out, object);
    out.extend_from_slice(b",\"id\":");
    write_text(&mut out, &answer.id);
    out.extend_from_slice(b",\"sourceId\":");
    write_text(&mut out, id);
    out.extend_from_slice(b",\"record\":");
    out.extend_from_slice(&answer.record);
    out.push(b'}');
    Ok(HttpResponse::json_bytes(201, out))
}

pub(super) async fn versions(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let offset = match body::parameter(request, "offset")? {
        Some(text) => text.parse().map_err(|_| DataError::InvalidQuery {
            message: format!("'offset' must be a whole number, found '{text}'"),
        })?,
        None => 0,
    };
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    json_answer(&engine.versions(context, object, id, offset).await?)
}

pub(super) async fn version(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    json_answer(&engine.version(context, object, id, number(request)?).await?)
}

pub(super) async fn restore_version(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    let answer = engine
        .restore_version(context, object, id, number(request)?, body::expected(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Updated);
    Ok(HttpResponse::json_bytes(200, answer.to_json()))
}

fn number(request: &HttpRequest) -> Result<i64> {
    let text = request.parameter("version");
    text.parse().map_err(|_| DataError::InvalidQuery {
        message: format!("the version must be a whole number, found '{text}'"),
    })
}

fn json_answer(value: &Value) -> Result<HttpResponse> {
    HttpResponse::json(200, value).map_err(DataError::Plugin)
}
