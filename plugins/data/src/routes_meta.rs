//! Metadata over HTTP: kinds, lists, single items with validators for caches, and views.
//!
//! Answers are bytes that were written once per catalogue (`metadata`). Writing is `write`. Who may
//! read is decided before: by the route's `access` and the gateway.
//!
//! The routes of [`ROUTES`] stand in `plugin.json`; the plugin registers them with [`register`].

mod conditional;
mod date;
mod inquire;
mod versions;
mod views;
mod write;

use std::sync::Arc;

use objectos_plugin_api::{Error, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::{Value, json};

use crate::error::DataError;
use crate::metadata::{Rendered, ViewType, generated_view, kind_of_name};
use crate::model::{Catalogue, CatalogueCell, nearest};

pub use views::{VIEW_ROUTES, register_views, serve as serve_views};
pub use write::{WRITE_ROUTES, change, register_writes};

/// Everything that is served here, as `plugin.json` has it.
pub const ROUTES: [&str; 12] = [
    "GET /api/v1/meta",
    "GET /api/v1/meta/{type}",
    "GET /api/v1/meta/{type}/{name}",
    "GET /api/v1/ui/view/{object}",
    "GET /api/v1/ui/view/{object}/{type}",
    "GET /api/v1/meta/object/{name}/state/{field}",
    "GET /api/v1/meta/book/{name}/tree",
    "GET /api/v1/meta/{type}/{name}/references",
    "GET /api/v1/meta/{type}/{name}/published",
    "GET /api/metadata",
    "GET /api/metadata/{type}",
    "GET /api/metadata/{type}/{name}",
];

/// Registers all of [`ROUTES`].
pub fn register<P: Plugin>(registry: &mut Registry<P>, catalogue: &Arc<CatalogueCell>) {
    for route in ROUTES {
        let catalogue = Arc::clone(catalogue);
        registry.route(route, move |_, _, request| {
            let answer = answer(&catalogue.snapshot(), &request);
            async move { answer }
        });
    }
}

/// Answers one request of [`ROUTES`].
///
/// # Errors
/// `NotFound` for an item or object that is not there, `Invalid` for a type of view that is none.
pub fn answer(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    match request.route() {
        "/api/v1/meta" => Ok(conditional::respond(request, catalogue.metadata().rendered_types())),
        "/api/v1/meta/{type}" => Ok(list(catalogue, request)),
        // What is saved is in use at once: there is no other state than the published one.
        "/api/v1/meta/{type}/{name}" | "/api/v1/meta/{type}/{name}/published" => item(catalogue, request),
        "/api/v1/ui/view/{object}" => view(catalogue, request, &query_value(request, "type").unwrap_or_default()),
        "/api/v1/ui/view/{object}/{type}" => view(catalogue, request, request.parameter("type")),
        "/api/v1/meta/object/{name}/state/{field}" => inquire::next_states(catalogue, request),
        "/api/v1/meta/book/{name}/tree" => inquire::book_tree(catalogue, request),
        "/api/v1/meta/{type}/{name}/references" => inquire::references(catalogue, request),
        "/api/metadata" => {
            let types: Vec<&str> = catalogue.metadata().kinds().collect();
            Ok(envelope(request, catalogue, &json!({ "types": types })))
        }
        "/api/metadata/{type}" => seed_list(catalogue, request),
        "/api/metadata/{type}/{name}" => {
            let entry = find(catalogue, request.parameter("type"), request.parameter("name"))?;
            Ok(envelope(request, catalogue, &entry.definition))
        }
        route => Err(Error::internal(format!(
            "the route {route} is not one of the metadata routes"
        ))),
    }
}

fn list(catalogue: &Catalogue, request: &HttpRequest) -> HttpResponse {
    let metadata = catalogue.metadata();
    let wanted = request.parameter("type");
    // An unknown kind has no items; that is an answer, not an error.
    let name = kind_of_name(wanted).map_or(wanted, |kind| kind.name);
    match (query_value(request, "package"), metadata.rendered_list(name)) {
        (None, Some(rendered)) => conditional::respond(request, rendered),
        (package, _) => conditional::respond(request, &metadata.render_list(name, package.as_deref())),
    }
}

fn item(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    let (kind, name) = (request.parameter("type"), request.parameter("name"));
    let entry = find(catalogue, kind, name)?;
    match query_value(request, "package") {
        Some(package) if package != entry.package => Err(missing(catalogue, kind, name)),
        _ => Ok(conditional::respond(request, entry.rendered())),
    }
}

/// The older path has one name where the newer has two: a kind or, since most asked for those, an object.
fn seed_list(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    let wanted = request.parameter("type");
    if kind_of_name(wanted).is_some() {
        let items: Vec<&Value> = catalogue
            .metadata()
            .list(wanted)
            .map(|entry| &*entry.definition)
            .collect();
        return Ok(envelope(request, catalogue, &json!(items)));
    }
    let entry = find(catalogue, "object", wanted)?;
    Ok(envelope(request, catalogue, &entry.definition))
}

fn view(catalogue: &Catalogue, request: &HttpRequest, wanted: &str) -> Result<HttpResponse> {
    let only = match wanted {
        "" => None,
        wanted => Some(ViewType::from_name(wanted).ok_or_else(|| {
            Error::invalid(format!("'{wanted}' is no type of view; use 'list' or 'form'")).with_code("invalid_query")
        })?),
    };
    let name = request.parameter("object");
    let Some(object) = catalogue.object(name) else {
        return Err(missing(catalogue, "object", name));
    };
    let modified_ms = catalogue
        .metadata()
        .get("object", name)
        .map_or(0, |entry| entry.modified_ms);
    let view = generated_view(object, catalogue.metadata(), only);
    Ok(conditional::respond(request, &Rendered::new(&view, modified_ms)))
}

fn find<'a>(catalogue: &'a Catalogue, kind: &str, name: &str) -> Result<&'a Arc<crate::metadata::MetadataEntry>> {
    catalogue
        .metadata()
        .get(kind, name)
        .ok_or_else(|| missing(catalogue, kind, name))
}

fn missing(catalogue: &Catalogue, kind: &str, name: &str) -> Error {
    let singular = kind_of_name(kind).map_or(kind, |kind| kind.name);
    if singular == "object" {
        let nearest = catalogue.nearest_object(name).map(str::to_owned);
        return DataError::ObjectNotFound {
            object: name.to_owned(),
            nearest,
        }
        .into();
    }
    let nearest = nearest(
        name,
        catalogue.metadata().list(singular).map(|entry| entry.name.as_str()),
    );
    let question = nearest
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default();
    Error::not_found(format!("there is no {singular} '{name}'{question}"))
        .with_details(&json!({ "type": singular, "name": name, "suggestion": nearest }))
}

fn envelope(request: &HttpRequest, catalogue: &Catalogue, data: &Value) -> HttpResponse {
    let modified_ms = catalogue
        .metadata()
        .entries()
        .map(|entry| entry.modified_ms)
        .max()
        .unwrap_or_default();
    conditional::respond(
        request,
        &Rendered::new(&json!({ "success": true, "data": data }), modified_ms),
    )
}

/// The first value of a query parameter, decoded; an empty one counts as missing.
fn query_value(request: &HttpRequest, name: &str) -> Option<String> {
    request
        .query()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| decode(value))
        .filter(|value| !value.is_empty())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (*first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
