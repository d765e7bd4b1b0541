//! What the tests of the older engine's packages check, case by case, through the HTTP routes.

mod formula;
mod objects;
mod validator;

use objectos_data::routes_data::ROUTES;
use objectos_plugin_api::{Error, HttpRequest, HttpRequestParts, HttpResponse};
use serde_json::{Value, json};

use crate::seam::answer;
use crate::world::World;

/// A request on `/api/v1/data`: `POST case`, `PATCH case/c1`, `POST case/query`.
async fn call(world: &World, request: &str, body: Value) -> Result<(u16, Value), Error> {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parts = path.split('/');
    let object = parts.next().unwrap_or_default();
    let last = parts.next().unwrap_or_default();
    let fixed = format!("/api/v1/data/{{object}}/{last}");
    let route = match last {
        "" => "/api/v1/data/{object}",
        _ if ROUTES.contains(&format!("{method} {fixed}").as_str()) => fixed.as_str(),
        _ => "/api/v1/data/{object}/{id}",
    };
    let parameters = [("object", object), ("id", last)];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let frame = HttpRequestParts {
        method,
        route,
        path,
        query,
        parameters: &parameters,
        headers: &[],
        body: body.as_bytes(),
    };
    let request = HttpRequest::decode(frame.encode())?;
    let HttpResponse { status, body, .. } = answer(&world.engine, &world.local, &request).await?;
    Ok((status, serde_json::from_slice(&body).expect("an answer is JSON")))
}

/// `field: code` of each fault, or `201`.
async fn outcome(world: &World, request: &str, body: Value) -> String {
    match call(world, request, body).await {
        Ok((status, _)) => status.to_string(),
        Err(error) => {
            let details: Value = serde_json::from_slice(error.details()).unwrap_or_default();
            let fields = details["fields"].as_array().cloned().unwrap_or_default();
            let mut faults: Vec<String> = fields
                .iter()
                .map(|field| match field.as_str() {
                    Some(name) => format!("{name}: {}", error.code()),
                    None => format!(
                        "{}: {}",
                        field["field"].as_str().unwrap_or_default(),
                        field["code"].as_str().unwrap_or_default()
                    ),
                })
                .collect();
            faults.sort();
            if faults.is_empty() {
                faults.push(error.code().to_owned());
            }
            faults.join(", ")
        }
    }
}

/// The record of an answer.
async fn record(world: &World, request: &str, body: Value) -> Value {
    let (_, answer) = call(world, request, body)
        .await
        .unwrap_or_else(|error| panic!("{request}: {error}"));
    answer["record"].clone()
}

fn nothing() -> Value {
    json!(null)
}
