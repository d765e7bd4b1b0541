//! An OpenAPI 3.1 document of every route that plugins declare: paths, methods, parameters, summaries and the one error
//! document. Bodies are not described: the gateway does not know them.

use serde_json::{Map, Value, json};

use objectos_plugin_api::protocol::kernel::plugin_document::RouteAccess;

use crate::router::{Route, Table};

pub(crate) fn document<R>(table: &Table<R>) -> Vec<u8> {
    let mut paths: Map<String, Value> = Map::new();
    for route in &table.routes {
        let path = route.pattern().replace("{*", "{");
        let entry = paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
        entry[route.method().to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "ObjectOS", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "responses": { "Error": { "description": "the error document, with code, message and request id" } },
        },
    })
    .to_string()
    .into_bytes()
}

fn operation<R>(route: &Route<R>) -> Value {
    let parameter =
        |name: &String| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    let parameters: Vec<Value> = route.parameters.iter().map(parameter).collect();
    let mut operation = json!({
        "tags": [route.plugin],
        "responses": {
            "2XX": { "description": "the answer" },
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    if let Some(summary) = &route.summary {
        operation["summary"] = summary.as_str().into();
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if route.access != RouteAccess::Public {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}
