//! Reads the bodies of requests.

use objectos_plugin_api::HttpRequest;
use serde_json::{Map, Value};

use crate::engine::{BatchItem, BatchOperation, BatchOptions, Fields, TransactionItem};
use crate::error::{DataError, Result};
use crate::query::{self, QueryInput, from_query_string};

fn wrong(message: impl Into<String>) -> DataError {
    DataError::InvalidBody {
        message: message.into(),
    }
}

/// The body as JSON; an empty one is `null`, whatever the content type says.
pub(super) fn json(request: &HttpRequest) -> Result<Value> {
    if request.body().iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(request.body()).map_err(|error| wrong(format!("the body is no JSON: {error}")))
}

fn map(request: &HttpRequest, what: &str) -> Result<Map<String, Value>> {
    match json(request)? {
        Value::Object(map) => Ok(map),
        _ => Err(wrong(format!("the body must be {what}"))),
    }
}

/// The fields of a record.
pub(super) fn fields(request: &HttpRequest) -> Result<Fields> {
    map(request, "an object with the fields of the record")
}

/// `{overrides?}`, or nothing.
pub(super) fn overrides(request: &HttpRequest) -> Result<Fields> {
    match json(request)? {
        Value::Null => Ok(Fields::new()),
        Value::Object(mut map) => match (map.remove("overrides"), map.keys().next()) {
            (_, Some(key)) => Err(wrong(format!("unknown key '{key}'; the body must be {{overrides}}"))),
            (None | Some(Value::Null), None) => Ok(Fields::new()),
            (Some(Value::Object(fields)), None) => Ok(fields),
            (Some(_), None) => Err(wrong("'overrides' must be an object with fields")),
        },
        _ => Err(wrong("the body must be {overrides}")),
    }
}

/// A query; an empty body asks for everything.
pub(super) fn query(request: &HttpRequest) -> Result<QueryInput> {
    match json(request)? {
        Value::Null => Ok(QueryInput::default()),
        Value::Object(map) => QueryInput::from_map(&map),
        _ => Err(wrong("the body must be a query")),
    }
}

/// What is wanted of one record: fields and relations of the query string.
pub(super) fn wanted(request: &HttpRequest) -> Result<QueryInput> {
    let query = from_query_string(request.query())?;
    Ok(QueryInput {
        fields: query.fields,
        expand: query.expand,
        binned: query.binned,
        ..QueryInput::default()
    })
}

/// A parameter of the query string, decoded.
pub(super) fn parameter(request: &HttpRequest, name: &str) -> Result<Option<String>> {
    query::parameter(request.query(), name)
}

/// A parameter of the query string that is true or false; `None` where it is not written.
pub(super) fn switch(request: &HttpRequest, name: &str) -> Result<Option<bool>> {
    query::switch(request.query(), name)
}

/// `If-Match`, without the quotes and marks of an ETag, or `expectedVersion` in the query string; `*` matches whatever is there.
/// A condition that cannot be read is refused: without it the change would be made whatever is there.
pub(super) fn expected(request: &HttpRequest) -> Result<Option<String>> {
    let parameter = parameter(request, "expectedVersion")?;
    let Some(given) = request.header("if-match").or(parameter.as_deref()) else {
        return Ok(None);
    };
    let value = given.trim();
    match value.strip_prefix("W/").unwrap_or(value).trim_matches('"') {
        "" => Err(DataError::InvalidQuery {
            message: format!(
                "If-Match and expectedVersion take updated_at or the version of the record, or *; found '{given}'"
            ),
        }),
        "*" => Ok(None),
        version => Ok(Some(version.to_owned())),
    }
}

/// A list of records, bare or as `{records}`.
pub(super) fn record_list(request: &HttpRequest) -> Result<Vec<Fields>> {
    let items = match json(request)? {
        Value::Array(items) => items,
        Value::Object(mut map) => match map.remove("records") {
            Some(Value::Array(items)) => items,
            _ => return Err(wrong("the body must be a list of records")),
        },
        _ => return Err(wrong("the body must be a list of records")),
    };
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| match item {
            Value::Object(fields) => Ok(fields),
            _ => Err(wrong(format!("record {index} is not an object"))),
        })
        .collect()
}

fn options(map: &Map<String, Value>) -> Result<BatchOptions> {
    let mut options = BatchOptions::default();
    let given = match map.get("options") {
        None | Some(Value::Null) => return Ok(options),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(wrong("'options' must be an object")),
    };
    for (key, value) in given {
        let Value::Bool(value) = value else {
            return Err(wrong(format!("'options.{key}' must be true or false")));
        };
        match key.as_str() {
            "atomic" => options.atomic = *value,
            "returnRecords" => options.return_records = *value,
            "continueOnError" => options.continue_on_error = *value,
            "validateOnly" => options.validate_only = *value,
            _ => return Err(wrong(format!("unknown key 'options.{key}'"))),
        }
    }
    Ok(options)
}

/// Keys of one record of a bulk call.
const ITEM_KEYS: [&str; 4] = ["id", "externalId", "data", "expectedVersion"];
/// Further keys of one operation of a transaction.
const OPERATION_KEYS: [&str; 3] = ["object", "action", "type"];

/// One record, `{id?, externalId?, data?, expectedVersion?}`. `what` it is called where it came from, which has keys `more`.
/// Nothing is passed over: a field beside `data` would be missing from the record, and nobody told.
fn batch_item(
    (what, index): (&str, usize),
    item: Value,
    more: &[&str],
    operation: BatchOperation,
) -> Result<BatchItem> {
    let Value::Object(mut item) = item else {
        return Err(wrong(format!("{what} {index} is not an object")));
    };
    let known = |key: &str| ITEM_KEYS.contains(&key) || more.contains(&key);
    if let Some(key) = item.keys().find(|key| !known(key)) {
        let keys = more.iter().chain(&ITEM_KEYS).copied().collect::<Vec<_>>().join(", ");
        return Err(wrong(format!(
            "unknown key '{key}' in {what} {index}: fields of the record are written within 'data'; known are {keys}"
        )));
    }
    let mut text = |key: &str| match item.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(format!("'{key}' of {what} {index} must be a text"))),
    };
    let (id, external_id, expected) = (text("id")?, text("externalId")?, text("expectedVersion")?);
    if external_id.is_some() && operation != BatchOperation::Upsert {
        return Err(wrong(format!(
            "'externalId' of {what} {index} goes with upsert only; name the record by 'id', or write the field within 'data'"
        )));
    }
    let conditional = [BatchOperation::Update, BatchOperation::Delete, BatchOperation::Purge];
    if expected.is_some() && !conditional.contains(&operation) {
        return Err(wrong(format!(
            "'expectedVersion' of {what} {index} goes with update, delete and purge only; leave it out"
        )));
    }
    let data = match item.remove("data") {
        Some(Value::Object(data)) => data,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(wrong(format!("'data' of {what} {index} must be an object"))),
    };
    Ok(BatchItem {
        id,
        external_id,
        data,
        expected,
    })
}

fn batch_items(map: &mut Map<String, Value>, operation: BatchOperation) -> Result<Vec<BatchItem>> {
    match map.remove("records") {
        Some(Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| batch_item(("record", index), item, &[], operation))
            .collect(),
        _ => Err(wrong("'records' must be a list")),
    }
}

/// `{records: [{id, data}], options?}`
pub(super) fn updates(request: &HttpRequest) -> Result<(Vec<BatchItem>, BatchOptions)> {
    let mut map = map(request, "{records, options}")?;
    let options = options(&map)?;
    Ok((batch_items(&mut map, BatchOperation::Update)?, options))
}

/// `{ids: [id], options?}`
pub(super) fn deletions(request: &HttpRequest) -> Result<(Vec<BatchItem>, BatchOptions)> {
    let map = map(request, "{ids, options}")?;
    let Some(Value::Array(ids)) = map.get("ids") else {
        return Err(wrong("'ids' must be a list"));
    };
    let items = ids.iter().map(|id| match id {
        Value::String(id) => Ok(BatchItem {
            id: Some(id.clone()),
            ..BatchItem::default()
        }),
        other => Err(wrong(format!("'ids' holds texts, found {other}"))),
    });
    Ok((items.collect::<Result<_>>()?, options(&map)?))
}

fn operation(map: &Map<String, Value>, key: &str) -> Result<BatchOperation> {
    let name = map.get(key).and_then(Value::as_str).unwrap_or_default();
    BatchOperation::named(name).ok_or_else(|| {
        wrong(format!(
            "'{key}' must be create, update, upsert, delete, restore or purge, found '{name}'"
        ))
    })
}

/// `{operation, records, options?}`, from a body or from another plugin.
pub(super) fn batch_of(mut map: Map<String, Value>) -> Result<(BatchOperation, Vec<BatchItem>, BatchOptions)> {
    let (operation, options) = (operation(&map, "operation")?, options(&map)?);
    Ok((operation, batch_items(&mut map, operation)?, options))
}

/// `{operation, records, options?}`
pub(super) fn batch(request: &HttpRequest) -> Result<(BatchOperation, Vec<BatchItem>, BatchOptions)> {
    batch_of(map(request, "{operation, records, options}")?)
}

/// `{operations: [{object, action, id?, externalId?, data?, expectedVersion?}], atomic?}`; with `object` for all of them, `type`
/// may stand for `action`.
pub(super) fn transaction(request: &HttpRequest, object: Option<&str>) -> Result<Vec<TransactionItem>> {
    let mut map = map(request, "{operations}")?;
    if map.get("atomic") == Some(&Value::Bool(false)) {
        return Err(wrong(
            "operations over several objects are all or none; leave 'atomic' out",
        ));
    }
    let Some(Value::Array(operations)) = map.remove("operations") else {
        return Err(wrong("'operations' must be a list"));
    };
    transaction_items(operations, object)
}

/// `[{object, action, id?, externalId?, data?, expectedVersion?}]`, from a body or from another plugin.
pub(super) fn transaction_items(operations: Vec<Value>, object: Option<&str>) -> Result<Vec<TransactionItem>> {
    operations
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let key = if object.is_some() { "type" } else { "action" };
            let Value::Object(entry) = &item else {
                return Err(wrong(format!("operation {index} is not an object")));
            };
            let operation = operation(entry, if entry.contains_key(key) { key } else { "action" })?;
            let named = entry.get("object").and_then(Value::as_str);
            if let (Some(object), Some(named)) = (object, named)
                && object != named
            {
                return Err(wrong(format!(
                    "operation {index} names the object '{named}', and the address '{object}'; use POST /api/v1/batch"
                )));
            }
            let named = object.or(named).map(str::to_owned);
            let object = named.ok_or_else(|| wrong(format!("operation {index} names no object")))?;
            let BatchItem {
                id,
                external_id,
                data,
                expected,
            } = batch_item(("operation", index), item, &OPERATION_KEYS, operation)?;
            Ok(TransactionItem {
                object,
                operation,
                id,
                external_id,
                data,
                expected,
            })
        })
        .collect()
}
