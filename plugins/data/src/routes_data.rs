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
use crate::store::BoxFuture;

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

type Answering<'a> = BoxFuture<'a, crate::error::Result<HttpResponse>>;

/// Answers one request of [`ROUTES`] other than [`EXPORT`].
///
/// # Errors
/// Those of the engine; `Invalid` for a body that does not have its shape.
pub async fn answer(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    // Each route by itself, so that none has to carry the room that the largest takes.
    let answering: Answering<'_> = match (request.method(), request.route()) {
        ("GET", "/api/v1/data/{object}") => Box::pin(client::list(engine, context, request)),
        ("POST", "/api/v1/data/{object}") => Box::pin(client::create(engine, context, request)),
        ("POST", "/api/v1/data/{object}/query") => Box::pin(client::query(engine, context, request)),
        ("POST", "/api/v1/data/{object}/createMany") => Box::pin(client::create_many(engine, context, request)),
        ("POST", "/api/v1/data/{object}/updateMany") => Box::pin(client::update_many(engine, context, request)),
        ("POST", "/api/v1/data/{object}/deleteMany") => Box::pin(client::delete_many(engine, context, request)),
        ("POST", "/api/v1/data/{object}/batch") => Box::pin(client::batch(engine, context, request)),
        ("GET", "/api/v1/data/{object}/{id}") => Box::pin(client::get(engine, context, request)),
        ("PATCH", "/api/v1/data/{object}/{id}") => Box::pin(client::update(engine, context, request)),
        ("DELETE", "/api/v1/data/{object}/{id}") => Box::pin(client::delete(engine, context, request)),
        ("POST", "/api/v1/data/{object}/import") => Box::pin(transfer::import(engine, context, request)),
        ("POST", "/api/v1/data/{object}/{id}/restore") => Box::pin(life::restore(engine, context, request)),
        ("POST", "/api/v1/data/{object}/{id}/clone") => Box::pin(life::clone(engine, context, request)),
        ("GET", "/api/v1/data/{object}/{id}/versions") => Box::pin(life::versions(engine, context, request)),
        ("GET", "/api/v1/data/{object}/{id}/versions/{version}") => Box::pin(life::version(engine, context, request)),
        ("POST", "/api/v1/data/{object}/{id}/versions/{version}/restore") => {
            Box::pin(life::restore_version(engine, context, request))
        }
        ("POST", "/api/v1/batch") => Box::pin(client::transaction(engine, context, request)),
        ("GET", "/api/data/{object}") => Box::pin(envelope::list(engine, context, request)),
        ("POST", "/api/data/{object}") => Box::pin(envelope::create(engine, context, request)),
        ("POST", "/api/data/{object}/{action}") => Box::pin(envelope::action(engine, context, request)),
        ("GET", "/api/data/{object}/{id}") => Box::pin(envelope::get(engine, context, request)),
        ("PATCH", "/api/data/{object}/{id}") => Box::pin(envelope::update(engine, context, request)),
        ("DELETE", "/api/data/{object}/{id}") => Box::pin(envelope::delete(engine, context, request)),
        (method, route) => {
            return Err(Error::internal(format!(
                "{method} {route} is not one of the data routes"
            )));
        }
    };
    answering.await.map_err(|error| Error::from(for_guests(context, error)))
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
