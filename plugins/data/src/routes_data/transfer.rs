//! Many records out of the system and into it: `export` and `import`.

use std::collections::HashMap;
use std::sync::Arc;

use objectos_plugin_api::{BodyStream, Context, HttpAnswer, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::body;
use crate::engine::{
    Engine, Export, ExportFormat, ExportWish, ImportMode, ImportOptions, ImportRow, import_csv, import_lines,
    import_list,
};
use crate::error::{DataError, Result};
use crate::query::from_query_string;

/// Bytes of a part that `limit` asks for: where the next part begins stands in the head, so that the whole part must be known
/// before anything of it is sent. Without a limit there is none for the bytes.
const LIMITED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Parameters that are not part of the query.
const OWN: [&str; 2] = ["format", "header"];

/// Says where the next part begins, when `limit` left records over.
const NEXT_CURSOR: &str = "x-next-cursor";

pub(super) async fn export(engine: &Arc<Engine>, context: &Context, request: &HttpRequest) -> Result<HttpAnswer> {
    let object = request.parameter("object");
    let name = body::parameter(request, "format")?.unwrap_or_else(|| "json".to_owned());
    let format = ExportFormat::named(&name).ok_or_else(|| DataError::InvalidQuery {
        message: format!("'format' must be csv, json or ndjson, found '{name}'"),
    })?;
    let heading = body::switch(request, "header")?.unwrap_or(true);
    let query: Vec<String> = request
        .query()
        .split('&')
        .filter(|pair| !OWN.contains(&pair.split('=').next().unwrap_or_default()))
        .map(|pair| match pair.strip_prefix("orderby=") {
            Some(order) => format!("orderBy={order}"),
            None => pair.to_owned(),
        })
        .collect();
    let query = from_query_string(&query.join("&"))?;
    let wish = ExportWish {
        object: object.to_owned(),
        query,
        format,
        heading,
    };
    let limited = wish.query.limit.is_some();
    let export = Export::begin(engine, context, wish).await?;
    let head = HttpResponse::empty(200)
        .with_header("content-type", format.media_type())
        .with_header(
            "content-disposition",
            format!("attachment; filename=\"{object}.{}\"", format.name()),
        );
    if !limited && !export.is_short() {
        return Ok(HttpAnswer::Streamed(head, BodyStream::unfold(export, next_part)));
    }
    let bytes_max = if limited { LIMITED_BYTES_MAX } else { usize::MAX };
    let (body, next) = export.whole(bytes_max).await?;
    let head = match next {
        Some(next) => head.with_header(NEXT_CURSOR, next),
        None => head,
    };
    Ok(HttpAnswer::Whole(HttpResponse { body, ..head }))
}

async fn next_part(mut export: Export) -> objectos_plugin_api::Result<Option<(Vec<u8>, Export)>> {
    let part = export.next().await?;
    Ok(part.map(|part| (part, export)))
}

pub(super) async fn import(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let (rows, options) = read(request)?;
    let mut answer = engine
        .import(context, request.parameter("object"), rows, &options)
        .await?;
    if options.results {
        answer = client_answer(answer);
    }
    HttpResponse::json(200, &answer).map_err(DataError::Plugin)
}

/// The summary as the newest client reads it: `{object, dryRun, writeMode, total, ok, errors, created, updated, skipped,
/// results}`.
fn client_answer(mut answer: Value) -> Value {
    let count = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (ok, errors) = (count("created") + count("updated"), count("failed"));
    answer["ok"] = ok.into();
    answer["errors"] = errors.into();
    answer["skipped"] = 0.into();
    answer["writeMode"] = answer["mode"].clone();
    answer
}

/// The rows and what to do with them: from the query string, or for JSON from the body beside `records`.
pub(super) fn read(request: &HttpRequest) -> Result<(Vec<ImportRow>, ImportOptions)> {
    let mut options = ImportOptions::default();
    for key in ["mode", "externalId"] {
        if let Some(text) = body::parameter(request, key)? {
            set(&mut options, key, &Value::String(text))?;
        }
    }
    options.dry_run = body::switch(request, "dryRun")?.unwrap_or(options.dry_run);
    let media = request.header("content-type").unwrap_or_default();
    let format = match body::parameter(request, "format")?.as_deref() {
        Some(name) => {
            ExportFormat::named(name).ok_or_else(|| wrong("'format' must be csv, json or ndjson".to_owned()))?
        }
        None if media.starts_with("text/csv") => ExportFormat::Csv,
        None if media.contains("ndjson") || media.contains("jsonl") => ExportFormat::Ndjson,
        None => ExportFormat::Json,
    };
    let text = || std::str::from_utf8(request.body()).map_err(|_| wrong("the file is not UTF-8".to_owned()));
    let rows = match format {
        ExportFormat::Csv => {
            options.cells = true;
            import_csv(text()?)?
        }
        ExportFormat::Ndjson => import_lines(text()?),
        ExportFormat::Json => match body::json(request)? {
            Value::Array(items) => import_list(items),
            Value::Object(map) if ["rows", "csv", "writeMode"].iter().any(|key| map.contains_key(*key)) => {
                client_rows(map, &mut options)?
            }
            Value::Object(mut map) => {
                let Some(Value::Array(items)) = map.remove("records") else {
                    return Err(wrong(
                        "the body must be a list of records, or {records, mode, …}".to_owned(),
                    ));
                };
                for (key, value) in &map {
                    set(&mut options, key, value)?;
                }
                import_list(items)
            }
            _ => {
                return Err(wrong(
                    "the body must be a list of records, or {records, mode, …}".to_owned(),
                ));
            }
        },
    };
    Ok((rows, options))
}

/// `{rows | csv, mapping?, writeMode?, matchFields?, dryRun?}`: what the newest client sends. Cells are as a table has them.
fn client_rows(mut map: Map<String, Value>, options: &mut ImportOptions) -> Result<Vec<ImportRow>> {
    options.cells = true;
    options.results = true;
    let mut rows = match (map.remove("rows"), map.remove("csv")) {
        (Some(Value::Array(items)), None) => import_list(items),
        (None, Some(Value::String(text))) => import_csv(&text)?,
        _ => return Err(wrong("the body must have 'rows', a list, or 'csv', a text".to_owned())),
    };
    for (key, value) in map {
        match (key.as_str(), value) {
            ("format" | "mappingName", Value::Null) | ("format", Value::String(_)) => {}
            ("writeMode", value) => set(options, "mode", &value)?,
            ("matchFields", Value::Array(fields)) => match fields.as_slice() {
                [] => {}
                [Value::String(field)] => options.external_id = Some(field.clone()),
                _ => return Err(wrong("'matchFields' takes one field, the external id".to_owned())),
            },
            ("mapping", mapping) => rename(&mut rows, &mapping)?,
            // What rows are put through here anyway.
            ("trimWhitespace" | "runAutomations", Value::Bool(true))
            | ("treatAsHistorical" | "createMissingOptions" | "skipBlankMatchKey", Value::Bool(false)) => {}
            (key, value) => set(options, key, &value)?,
        }
    }
    Ok(rows)
}

/// Columns get the names of fields: `{column: field}`, or `[{sourceField, targetField}]`.
fn rename(rows: &mut [ImportRow], mapping: &Value) -> Result<()> {
    let refusal = || wrong("'mapping' must be {column: field} or [{sourceField, targetField}]".to_owned());
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).ok_or_else(refusal);
    let names: HashMap<String, String> = match mapping {
        Value::Object(map) => map
            .iter()
            .map(|(column, field)| Ok((column.clone(), text(Some(field))?)))
            .collect::<Result<_>>()?,
        Value::Array(items) => items
            .iter()
            .map(|item| Ok((text(item.get("sourceField"))?, text(item.get("targetField"))?)))
            .collect::<Result<_>>()?,
        _ => return Err(refusal()),
    };
    for record in rows.iter_mut().filter_map(|row| row.record.as_mut().ok()) {
        let renamed = std::mem::take(record)
            .into_iter()
            .map(|(name, value)| (names.get(&name).cloned().unwrap_or(name), value));
        *record = renamed.collect();
    }
    Ok(())
}

fn set(options: &mut ImportOptions, key: &str, value: &Value) -> Result<()> {
    match (key, value) {
        ("mode", Value::String(name)) => {
            options.mode = ImportMode::named(name)
                .ok_or_else(|| wrong(format!("'mode' must be insert, update or upsert, found '{name}'")))?;
        }
        ("externalId", Value::String(name)) => options.external_id = Some(name.clone()).filter(|name| !name.is_empty()),
        ("dryRun", Value::Bool(dry)) => options.dry_run = *dry,
        ("dryRun", Value::String(text)) if text == "true" || text == "false" => options.dry_run = text == "true",
        (key, value) => {
            return Err(wrong(format!(
                "'{key}' cannot be {value}; known are mode, externalId and dryRun"
            )));
        }
    }
    Ok(())
}

fn wrong(message: String) -> DataError {
    DataError::InvalidBody { message }
}
