//! `GET /api/v1/recent`: the records that the caller used lately, and `DELETE` to have them forgotten. Beside the routes of
//! records and not among them: `/api/v1/data/recent` are the records of an object of that name. The answers are the engine's.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::json;

use crate::engine::{Engine, RecentRequest};
use crate::error::DataError;
use crate::query::decode;

/// Everything that is served here, as `plugin.json` has it.
pub const ROUTES: [&str; 2] = ["GET /api/v1/recent", "DELETE /api/v1/recent"];

/// Registers all of [`ROUTES`].
pub fn register<P: Plugin>(registry: &mut Registry<P>, engine: &Arc<Engine>) {
    for route in ROUTES {
        let engine = Arc::clone(engine);
        registry.route(route, move |_, context, request| {
            let engine = Arc::clone(&engine);
            async move { answer(&engine, &context, &request).await }
        });
    }
}

/// Answers a request: `objects` (names with commas; all without), and for reading `limit` (20 unless it is said, 200 at most).
/// What was forgotten is answered as `{success, forgotten: NUMBER}`.
///
/// # Errors
/// `Invalid` for a parameter that does not have its shape, those of the engine otherwise.
pub async fn answer(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let reads = request.method() == "GET";
    let wanted = read(request.query(), reads).map_err(Error::from)?;
    if reads {
        let used = engine.recently_used(context, &wanted).await.map_err(Error::from)?;
        return HttpResponse::json(200, &used);
    }
    let forgotten = engine
        .forget_used(context, &wanted.objects)
        .await
        .map_err(Error::from)?;
    HttpResponse::json(200, &json!({ "success": true, "forgotten": forgotten }))
}

/// `limits`: how many are wanted may be said.
fn read(query: &str, limits: bool) -> crate::error::Result<RecentRequest> {
    /// Records when the request does not say.
    const LIMIT: u64 = 20;
    let mut wanted = RecentRequest {
        objects: Vec::new(),
        limit: LIMIT,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        match key.as_str() {
            "objects" | "object" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                wanted.objects.extend(names.map(str::to_owned));
            }
            "limit" | "top" if limits => {
                wanted.limit = value.trim().parse().map_err(|_| DataError::InvalidQuery {
                    message: format!("'{key}' takes a whole number from 0, found '{value}'"),
                })?;
            }
            unknown => {
                let known = if limits { "objects and limit" } else { "objects" };
                return Err(DataError::InvalidQuery {
                    message: format!("unknown parameter '{unknown}'; recently used records take {known}"),
                });
            }
        }
    }
    Ok(wanted)
}
