//! The shapes of the older dialect: `{success, data, meta?}`. A single record stands in `data` field by field, and once more
//! as `record`, for readers of either habit.

use objectos_plugin_api::{Context, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::body;
use super::client::{remove, warnings, write_records};
use crate::engine::{BatchOperation, Engine, Found, RecordAnswer, UseAction, write_warnings};
use crate::error::{DataError, Result};
use crate::query::from_query_string;

fn page(found: &Found) -> HttpResponse {
    let mut out = Vec::with_capacity(found.records.len() + 128);
    out.extend_from_slice(b"{\"success\":true,\"data\":");
    out.extend_from_slice(&found.records);
    out.extend_from_slice(b",\"meta\":{\"count\":");
    let number = |out: &mut Vec<u8>, key: &[u8], number: u64| {
        out.extend_from_slice(key);
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    };
    number(&mut out, b"", found.count);
    number(&mut out, b",\"limit\":", found.limit);
    number(&mut out, b",\"skip\":", found.offset);
    if let Some(total) = found.total {
        number(&mut out, b",\"total\":", total);
    }
    out.extend_from_slice(if found.has_more {
        b",\"hasMore\":true}}"
    } else {
        b",\"hasMore\":false}}"
    });
    HttpResponse::json_bytes(200, out)
}

fn single(status: u16, answer: &RecordAnswer) -> HttpResponse {
    let record = &answer.record;
    let mut out = Vec::with_capacity(record.len() * 2 + 64);
    out.extend_from_slice(b"{\"success\":true,\"data\":");
    // The record without its last bracket, then the record again.
    out.extend_from_slice(record.strip_suffix(b"}").unwrap_or(record));
    out.extend_from_slice(if record.len() > 2 {
        b",\"record\":"
    } else {
        b"\"record\":"
    });
    out.extend_from_slice(record);
    out.push(b'}');
    write_warnings(&mut out, &answer.warnings);
    out.push(b'}');
    HttpResponse::json_bytes(status, out)
}

pub(super) async fn list(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let query = from_query_string(request.query())?;
    engine
        .find(context, request.parameter("object"), query)
        .await
        .map(|found| page(&found))
}

pub(super) async fn get(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let wanted = body::wanted(request)?;
    let answer = engine
        .get(context, request.parameter("object"), request.parameter("id"), &wanted)
        .await?;
    if !wanted.binned {
        engine.note_use(context, &answer, UseAction::Viewed);
    }
    Ok(single(200, &answer))
}

pub(super) async fn create(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let answer = engine
        .create(context, request.parameter("object"), body::fields(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Created);
    Ok(single(201, &answer))
}

pub(super) async fn update(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (object, id) = (request.parameter("object"), request.parameter("id"));
    let answer = engine
        .update(context, object, id, body::fields(request)?, body::expected(request)?)
        .await?;
    engine.note_use(context, &answer, UseAction::Updated);
    Ok(single(200, &answer))
}

pub(super) async fn delete(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let id = request.parameter("id");
    remove(engine, context, request).await?;
    json_answer(200, &json!({ "success": true, "data": { "id": id, "deleted": true } }))
}

fn json_answer(status: u16, value: &Value) -> Result<HttpResponse> {
    HttpResponse::json(status, value).map_err(DataError::Plugin)
}

/// `query`, `batch` and the bulk calls of the newer dialect.
pub(super) async fn action(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let object = request.parameter("object");
    match request.parameter("action") {
        "query" => engine
            .find(context, object, body::query(request)?)
            .await
            .map(|found| page(&found)),
        "batch" => batch(engine, context, request).await,
        "createMany" => {
            let answers = engine.create_many(context, object, body::record_list(request)?).await?;
            let mut out = b"{\"success\":true,\"data\":".to_vec();
            write_records(&mut out, &answers);
            out.extend_from_slice(b",\"meta\":{\"count\":");
            out.extend_from_slice(itoa::Buffer::new().format(answers.len()).as_bytes());
            out.push(b'}');
            write_warnings(&mut out, &warnings(&answers));
            out.push(b'}');
            Ok(HttpResponse::json_bytes(201, out))
        }
        "updateMany" => {
            let (items, options) = body::updates(request)?;
            let answer = engine
                .batch(context, object, BatchOperation::Update, items, options)
                .await?
                .to_json();
            json_answer(200, &json!({ "success": answer["success"], "data": answer }))
        }
        "deleteMany" => {
            let (items, options) = body::deletions(request)?;
            let answer = engine
                .batch(context, object, BatchOperation::Delete, items, options)
                .await?
                .to_json();
            json_answer(200, &json!({ "success": answer["success"], "data": answer }))
        }
        action => Err(DataError::Plugin(
            objectos_plugin_api::Error::not_found(format!("there is no '{action}' of records; use query or batch"))
                .with_code("endpoint_not_found"),
        )),
    }
}

/// `{operations: [{type, id?, externalId?, data?, expectedVersion?}]}`, all or none; or the newer `{operation, records}`.
async fn batch(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let object = request.parameter("object");
    if body::json(request)?.get("operation").is_some() {
        let (operation, items, options) = body::batch(request)?;
        let answer = engine
            .batch(context, object, operation, items, options)
            .await?
            .to_json();
        return json_answer(200, &json!({ "success": answer["success"], "data": answer }));
    }
    let items = body::transaction(request, Some(object))?;
    let operations: Vec<BatchOperation> = items.iter().map(|item| item.operation).collect();
    let count = |wanted: &[BatchOperation]| operations.iter().filter(|operation| wanted.contains(operation)).count();
    let answers = engine.transaction(context, items).await?;
    let results: Vec<Value> = answers
        .iter()
        .zip(&operations)
        .map(|(answer, operation)| json!({ "type": operation.name(), "id": answer.id, "success": true }))
        .collect();
    let data = json!({
        "created": count(&[BatchOperation::Create]),
        "updated": count(&[BatchOperation::Update, BatchOperation::Upsert]),
        "deleted": count(&[BatchOperation::Delete]),
        "results": results,
    });
    json_answer(200, &json!({ "success": true, "data": data }))
}
