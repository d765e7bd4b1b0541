//! Records over HTTP, in two shapes on one engine: under `/api/v1/data` as the published clients have it, under `/api/data`
//! in the envelope of the older dialect.
//!
//! The routes of [`ROUTES`] stand in `plugin.json`; the plugin registers them with [`register`]. Answers are bytes of the
//! engine with a few words around them. Errors are written by the gateway.

mod body;
mod client;
mod envelope;
mod jobs;
mod life;
mod transfer;

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpAnswer, HttpRequest, HttpResponse, Plugin, Registry, Result};
use serde_json::Value;

use crate::access::is_guest;
use crate::engine::{BatchItem, BatchOperation, BatchOptions, Engine, TransactionItem};
use crate::error::DataError;

/// Everything that is served here, as `plugin.json` has it.
pub const ROUTES: [&str; 24] = [
    "GET /api/v1/data/{object}",
    "POST /api/v1/data/{object}",
    "POST /api/v1/data/{object}/query",
    "POST /api/v1/data/{object}/createMany",
    "POST /api/v1/data/{object}/updateMany",
    "POST /api/v1/data/{object}/deleteMany",
    "POST /api/v1/data/{object}/batch",
    "GET /api/v1/data/{object}/{id}",
    "PATCH /api/v1/data/{object}/{id}",
    "DELETE /api/v1/data/{object}/{id}",
    EXPORT,
    "POST /api/v1/data/{object}/import",
    "POST /api/v1/data/{object}/{id}/restore",
    "POST /api/v1/data/{object}/{id}/clone",
    "GET /api/v1/data/{object}/{id}/versions",
    "GET /api/v1/data/{object}/{id}/versions/{version}",
    "POST /api/v1/data/{object}/{id}/versions/{version}/restore",
    "POST /api/v1/batch",
    "GET /api/data/{object}",
    "POST /api/data/{object}",
    "POST /api/data/{object}/{action}",
    "GET /api/data/{object}/{id}",
    "PATCH /api/data/{object}/{id}",
    "DELETE /api/data/{object}/{id}",
];

/// The one of [`ROUTES`] whose answer may be made while it is sent.
pub const EXPORT: &str = "GET /api/v1/data/{object}/export";

pub(crate) use client::{deleted, results};
pub use jobs::{JOB_ROUTES, register_jobs};

/// Reads `{operation, records, options?}` of another plugin.
///
/// # Errors
/// `InvalidBody`.
pub(crate) fn read_batch(batch: Value) -> crate::error::Result<(BatchOperation, Vec<BatchItem>, BatchOptions)> {
    match batch {
        Value::Object(map) => body::batch_of(map),
        _ => Err(DataError::InvalidBody {
            message: "'batch' must be {operation, records, options}".to_owned(),
        }),
    }
}

/// Reads the operations of another plugin's transaction.
///
/// # Errors
/// `InvalidBody`.
pub(crate) fn read_transaction(operations: Vec<Value>) -> crate::error::Result<Vec<TransactionItem>> {
    body::transaction_items(operations, None)
}

/// Registers all of [`ROUTES`].
pub fn register<P: Plugin>(registry: &mut Registry<P>, engine: &Arc<Engine>) {
    let exporting = Arc::clone(engine);
    registry.streaming_route(EXPORT, move |_, context, request| {
        let engine = Arc::clone(&exporting);
        async move { export(&engine, &context, &request).await }
    });
    for route in ROUTES.into_iter().filter(|route| *route != EXPORT) {
        let engine = Arc::clone(engine);
        registry.route(route, move |_, context, request| {
            let engine = Arc::clone(&engine);
            async move { answer(&engine, &context, &request).await }
        });
    }
}

/// Answers one request of [`EXPORT`]; the body may be made while it is sent.
///
/// # Errors
/// Those of the engine; `Invalid` for a query that does not have its shape.
pub async fn export(engine: &Arc<Engine>, context: &Context, request: &HttpRequest) -> Result<HttpAnswer> {
    transfer::export(engine, context, request).await.map_err(Error::from)
}

/// Answers one request of [`ROUTES`] other than [`EXPORT`].
///
/// # Errors
/// Those of the engine; `Invalid` for a body that does not have its shape.
pub async fn answer(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let answered = match (request.method(), request.route()) {
        ("GET", "/api/v1/data/{object}") => client::list(engine, context, request).await,
        ("POST", "/api/v1/data/{object}") => client::create(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/query") => client::query(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/createMany") => client::create_many(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/updateMany") => client::update_many(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/deleteMany") => client::delete_many(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/batch") => client::batch(engine, context, request).await,
        ("GET", "/api/v1/data/{object}/{id}") => client::get(engine, context, request).await,
        ("PATCH", "/api/v1/data/{object}/{id}") => client::update(engine, context, request).await,
        ("DELETE", "/api/v1/data/{object}/{id}") => client::delete(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/import") => transfer::import(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/{id}/restore") => life::restore(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/{id}/clone") => life::clone(engine, context, request).await,
        ("GET", "/api/v1/data/{object}/{id}/versions") => life::versions(engine, context, request).await,
        ("GET", "/api/v1/data/{object}/{id}/versions/{version}") => life::version(engine, context, request).await,
        ("POST", "/api/v1/data/{object}/{id}/versions/{version}/restore") => {
            life::restore_version(engine, context, request).await
        }
        ("POST", "/api/v1/batch") => client::transaction(engine, context, request).await,
        ("GET", "/api/data/{object}") => envelope::list(engine, context, request).await,
        ("POST", "/api/data/{object}") => envelope::create(engine, context, request).await,
        ("POST", "/api/data/{object}/{action}") => envelope::action(engine, context, request).await,
        ("GET", "/api/data/{object}/{id}") => envelope::get(engine, context, request).await,
        ("PATCH", "/api/data/{object}/{id}") => envelope::update(engine, context, request).await,
        ("DELETE", "/api/data/{object}/{id}") => envelope::delete(engine, context, request).await,
        (method, route) => {
            return Err(Error::internal(format!(
                "{method} {route} is not one of the data routes"
            )));
        }
    };
    answered.map_err(|error| Error::from(for_guests(context, error)))
}

/// What a guest may not do, and what is not there, is the same to them: they are asked to sign in, as everybody is where no
/// guests are let in.
fn for_guests(context: &Context, error: DataError) -> DataError {
    let tells = matches!(error, DataError::Denied { .. } | DataError::ObjectNotFound { .. });
    if tells && is_guest(context) {
        DataError::Unauthenticated
    } else {
        error
    }
}
