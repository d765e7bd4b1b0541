//! `GET /api/v1/search?q=WORDS`: text search over all objects that the caller may read. The answer is the engine's.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::{Map, Value};

use crate::engine::{Engine, SearchRequest};
use crate::error::DataError;
use crate::query::search_from_query_string;

/// Everything that is served here, as `plugin.json` has it.
pub const ROUTES: [&str; 1] = ["GET /api/v1/search"];

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

/// Answers a request: `q`, `objects`, `limit`, `operator` (`and` unless it is said), `fuzzy`, `minScore`, `filters`, `language`.
///
/// # Errors
/// `Invalid` for a parameter that does not have its shape, those of the engine otherwise.
pub async fn answer(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let wanted = read(request.query()).map_err(Error::from)?;
    let found = engine.search(context, &wanted).await.map_err(Error::from)?;
    HttpResponse::json(200, &found)
}

fn read(query: &str) -> crate::error::Result<SearchRequest> {
    /// Hits when the request does not say.
    const LIMIT: u64 = 20;
    let given = search_from_query_string(query)?;
    let mut search: Map<String, Value> = Map::new();
    search.insert("operator".to_owned(), Value::from("and"));
    search.extend(given.words);
    if !search.contains_key("query") {
        return Err(DataError::InvalidQuery {
            message: "a search needs words; use q=WORDS".to_owned(),
        });
    }
    let mut body = Map::new();
    body.insert("search".to_owned(), Value::Object(search));
    let query = crate::query::QueryInput::from_map(&body)?;
    Ok(SearchRequest {
        search: query.search.unwrap_or_default(),
        objects: given.objects,
        limit: given.limit.unwrap_or(LIMIT),
    })
}
