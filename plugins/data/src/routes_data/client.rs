//! The shapes of the published clients: `{object, records, …}`, `{object, id, record}`, bulk summaries. 201 for what makes
//! records, 200 for everything else.

use objectos_plugin_api::{Context, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::body;
use crate::engine::{BatchAnswer, BatchOperation, Engine, RecordAnswer, UseAction, write_warnings};
use crate::error::{DataError, Result};
use crate::query::from_query_string;
use crate::record::write_text;
use crate::validate::Told;

pub(super) async fn list(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let query = from_query_string(request.query())?;
    let found = engine.find(context, request.parameter("object"), query).await?;
    Ok(HttpResponse::json_bytes(200, found.to_json()))
}

pub(super) async fn query(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let found = engine
        .find(context, request.parameter("object"), body::query(request)?)
        .await?;
    Ok(HttpResponse::json_bytes(200, found.to_json()))
}

pub(super) async fn get(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let wanted = body::wanted(request)?;
    let answer = engine
        .get(context, request.parameter("object"), request.parameter("id"), &wanted)
        .await?;
    if !wanted.binned {
        engine.note_use(context, &answer, UseAction::Viewed);
    }
    Ok(HttpResponse::json_bytes(200, answer.to_json()))
}

pub(super) async fn create(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let answer = engine
        .create(context, request.parameter("object"), body::fields(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Created);
    Ok(HttpResponse::json_bytes(201, answer.to_json()))
}

pub(super) async fn update(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    let answer = engine
        .update(context, object, id, body::fields(request)?, body::expected(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Updated);
    Ok(HttpResponse::json_bytes(200, answer.to_json()))
}

pub(super) async fn delete(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    remove(engine, context, request).await?;
    Ok(HttpResponse::json_bytes(200, deleted(object, id)))
}

/// Into the bin, or for good with `?purge=true`.
pub(super) async fn remove(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<()> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    let expected = body::expected(request)?;
    if body::switch(request, "purge")?.unwrap_or(false) {
        engine.purge(context, object, id, expected).await
    } else {
        engine.delete_expected(context, object, id, expected).await
    }
}

/// `{object, id, success, deleted}`
pub(crate) fn deleted(object: &str, id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(object.len() + id.len() + 64);
    out.extend_from_slice(b"{\"object\":");
    write_text(&mut out, object);
    out.extend_from_slice(b",\"id\":");
    write_text(&mut out, id);
    out.extend_from_slice(b",\"success\":true,\"deleted\":true}");
    out
}

pub(super) async fn create_many(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let object = request.parameter("object");
    let answers = engine.create_many(context, object, body::record_list(request)?).await?;
    let mut out = Vec::with_capacity(answers.iter().map(|answer| answer.record.len() + 1).sum::<usize>() + 64);
    out.extend_from_slice(b"{\"object\":");
    write_text(&mut out, object);
    out.extend_from_slice(b",\"records\":");
    write_records(&mut out, &answers);
    out.extend_from_slice(b",\"count\":");
    out.extend_from_slice(itoa::Buffer::new().format(answers.len()).as_bytes());
    write_warnings(&mut out, &warnings(&answers));
    out.push(b'}');
    Ok(HttpResponse::json_bytes(201, out))
}

/// All warnings of several records.
pub(super) fn warnings(answers: &[RecordAnswer]) -> Vec<Told> {
    answers
        .iter()
        .flat_map(|answer| answer.warnings.iter().cloned())
        .collect()
}

pub(super) fn write_records(out: &mut Vec<u8>, answers: &[RecordAnswer]) {
    out.push(b'[');
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&answer.record);
    }
    out.push(b']');
}

fn summary(answer: &BatchAnswer) -> Result<HttpResponse> {
    json_answer(&answer.to_json())
}

fn json_answer(value: &Value) -> Result<HttpResponse> {
    HttpResponse::json(200, value).map_err(DataError::Plugin)
}

pub(super) async fn update_many(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (items, options) = body::updates(request)?;
    summary(
        &engine
            .batch(
                context,
                request.parameter("object"),
                BatchOperation::Update,
                items,
                options,
            )
            .await?,
    )
}

pub(super) async fn delete_many(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (items, options) = body::deletions(request)?;
    summary(
        &engine
            .batch(
                context,
                request.parameter("object"),
                BatchOperation::Delete,
                items,
                options,
            )
            .await?,
    )
}

pub(super) async fn batch(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (operation, items, options) = body::batch(request)?;
    summary(
        &engine
            .batch(context, request.parameter("object"), operation, items, options)
            .await?,
    )
}

pub(super) async fn transaction(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let answers = engine.transaction(context, body::transaction(request, None)?).await?;
    json_answer(&results(&answers))
}

/// What became of the operations of a transaction.
pub(crate) fn results(answers: &[RecordAnswer]) -> Value {
    let results: Vec<Value> = answers
        .iter()
        .map(|answer| {
            let record: Value = serde_json::from_slice(&answer.record).unwrap_or_default();
            let mut result = json!({ "object": answer.object, "id": answer.id, "success": true, "record": record });
            if !answer.warnings.is_empty() {
                result["warnings"] = answer.warnings.iter().map(Told::to_json).collect();
            }
            result
        })
        .collect();
    json!({ "success": true, "results": results })
}
