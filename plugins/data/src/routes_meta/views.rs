//! Views of an object over HTTP, as the older clients name them: each is an item of metadata of the kind `view`, found and saved
//! as such.
//!
//! A view is one item (`list`, `form`, or both) whose `object` is the object, or that has its name. Where nobody declared or
//! saved one, there is the generated one, `default`.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::{Map, Value, json};

use super::{find, missing, query_value, write};
use crate::metadata::{MetadataEntry, ViewType, generated_view};
use crate::model::{Catalogue, CatalogueCell, ObjectModel};
use crate::runtime::{RuntimeMetadata, Terms};

/// Everything that is served here, as `plugin.json` has it.
pub const VIEW_ROUTES: [&str; 6] = [
    "GET /api/v1/ui/views/{object}",
    "POST /api/v1/ui/views/{object}",
    "GET /api/v1/ui/views/{object}/{view}",
    "PUT /api/v1/ui/views/{object}/{view}",
    "PATCH /api/v1/ui/views/{object}/{view}",
    "DELETE /api/v1/ui/views/{object}/{view}",
];

/// The kind of the items.
const KIND: &str = "view";
/// Name of the view that nobody made.
const DEFAULT: &str = "default";

/// Registers all of [`VIEW_ROUTES`].
pub fn register_views<P: Plugin>(
    registry: &mut Registry<P>,
    catalogue: &Arc<CatalogueCell>,
    runtime: &Arc<RuntimeMetadata>,
) {
    for route in VIEW_ROUTES {
        let (catalogue, runtime) = (Arc::clone(catalogue), Arc::clone(runtime));
        registry.route(route, move |_, context, request| {
            let (catalogue, runtime) = (Arc::clone(&catalogue), Arc::clone(&runtime));
            async move { serve(&catalogue.snapshot(), &runtime, &context, &request).await }
        });
    }
}

/// Answers one request of [`VIEW_ROUTES`].
///
/// # Errors
/// `NotFound` for an object or view that is not there, `Invalid` for a body that is no view; those of [`RuntimeMetadata`].
pub async fn serve(
    catalogue: &Catalogue,
    runtime: &RuntimeMetadata,
    context: &Context,
    request: &HttpRequest,
) -> Result<HttpResponse> {
    let name = request.parameter("object");
    let object = catalogue
        .object(name)
        .ok_or_else(|| missing(catalogue, "object", name))?;
    let view = request.parameter("view");
    match request.method() {
        "GET" if view.is_empty() => list(catalogue, object, request),
        "GET" => {
            let body = json!({ "object": name, "viewId": view, "view": one(catalogue, object, view)? });
            HttpResponse::json(200, &body)
        }
        "POST" => {
            let mut data = data(request)?;
            let wanted = data.get("name").and_then(Value::as_str).map(str::to_owned);
            let view = wanted.unwrap_or_else(|| format!("{name}.{}", uuid::Uuid::now_v7().simple()));
            data.insert("object".to_owned(), json!(name));
            let terms = Terms {
                absent: true,
                ..Terms::default()
            };
            runtime
                .save(context, KIND, &view, Value::Object(data.clone()), &terms)
                .await?;
            HttpResponse::json(201, &saved(name, &view, data))
        }
        "PUT" | "PATCH" => {
            let entry = entry(catalogue, object, view)?;
            let mut data = data(request)?;
            if let ("PATCH", Value::Object(before)) = (request.method(), &*entry.definition) {
                let mut merged = before.clone();
                merged.extend(data);
                data = merged;
            }
            data.insert("name".to_owned(), json!(view));
            data.insert("object".to_owned(), json!(name));
            let terms = write::terms(request)?;
            runtime
                .save(context, KIND, view, Value::Object(data.clone()), &terms)
                .await?;
            HttpResponse::json(200, &saved(name, view, data))
        }
        "DELETE" => {
            entry(catalogue, object, view)?;
            runtime.delete(context, KIND, view, &write::terms(request)?).await?;
            HttpResponse::json(
                200,
                &json!({ "object": name, "viewId": view, "success": true, "deleted": true }),
            )
        }
        method => Err(Error::internal(format!("{method} is not one of the routes of views"))),
    }
}

fn list(catalogue: &Catalogue, object: &ObjectModel, request: &HttpRequest) -> Result<HttpResponse> {
    let only = match query_value(request, "type") {
        None => None,
        Some(name) => Some(ViewType::from_name(&name).ok_or_else(|| {
            Error::invalid(format!("'{name}' is no type of view; use 'list' or 'form'")).with_code("invalid_query")
        })?),
    };
    let has = |view: &Value| only.is_none_or(|only| view.get(only.key()).is_some());
    let mut views: Vec<Value> = of_object(catalogue, object)
        .map(|entry| shown(entry))
        .filter(has)
        .collect();
    if views.is_empty() {
        views.push(generated(catalogue, object, only));
    }
    HttpResponse::json(
        200,
        &json!({ "object": object.name, "views": views, "total": views.len() }),
    )
}

fn of_object<'a>(catalogue: &'a Catalogue, object: &'a ObjectModel) -> impl Iterator<Item = &'a Arc<MetadataEntry>> {
    catalogue.metadata().list(KIND).filter(|entry| {
        let about = entry.definition.get("object").and_then(Value::as_str);
        about.unwrap_or(&entry.name) == object.name
    })
}

fn one(catalogue: &Catalogue, object: &ObjectModel, view: &str) -> Result<Value> {
    match entry(catalogue, object, view) {
        Ok(entry) => Ok(shown(entry)),
        Err(_) if view == DEFAULT => Ok(generated(catalogue, object, None)),
        Err(error) => Err(error),
    }
}

fn entry<'a>(catalogue: &'a Catalogue, object: &ObjectModel, view: &str) -> Result<&'a Arc<MetadataEntry>> {
    let entry = find(catalogue, KIND, view)?;
    let about = entry
        .definition
        .get("object")
        .and_then(Value::as_str)
        .unwrap_or(&entry.name);
    if about == object.name {
        return Ok(entry);
    }
    Err(
        Error::not_found(format!("the view '{view}' is not one of '{}'", object.name))
            .with_details(&json!({ "object": object.name, "viewId": view })),
    )
}

/// The definition with its name, which a file need not repeat.
fn shown(entry: &MetadataEntry) -> Value {
    let mut view = Value::clone(&entry.definition);
    if let Value::Object(view) = &mut view {
        view.entry("name").or_insert_with(|| json!(entry.name));
    }
    view
}

fn generated(catalogue: &Catalogue, object: &ObjectModel, only: Option<ViewType>) -> Value {
    let mut view = generated_view(object, catalogue.metadata(), only);
    view["name"] = json!(DEFAULT);
    view["object"] = json!(object.name);
    view
}

/// `{object, viewId?, data}`, or the view alone.
fn data(request: &HttpRequest) -> Result<Map<String, Value>> {
    let wrong = |message: &str| Error::invalid(message.to_owned()).with_code("invalid_format");
    let Value::Object(mut body) = write::body(request)? else {
        return Err(wrong("the body must be an object: {data}, the view"));
    };
    match body.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        Some(_) => Err(wrong("'data' must be an object, the view")),
        None => Ok(body),
    }
}

fn saved(object: &str, view: &str, mut definition: Map<String, Value>) -> Value {
    definition.insert("name".to_owned(), json!(view));
    json!({ "object": object, "viewId": view, "view": definition })
}
