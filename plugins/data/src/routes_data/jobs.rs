//! Imports that run by themselves, over HTTP as the newest client has them.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error, HttpRequest, HttpResponse, Plugin, Registry, Result};

use super::{body, transfer};
use crate::error::DataError;
use crate::import_jobs::{ImportJobs, JobQuery};

/// Everything that is served here, as `plugin.json` has it.
pub const JOB_ROUTES: [&str; 6] = [
    "POST /api/v1/data/{object}/import/jobs",
    "GET /api/v1/data/import/jobs",
    "GET /api/v1/data/import/jobs/{job}",
    "GET /api/v1/data/import/jobs/{job}/results",
    "POST /api/v1/data/import/jobs/{job}/cancel",
    "POST /api/v1/data/import/jobs/{job}/undo",
];

/// Registers all of [`JOB_ROUTES`].
pub fn register_jobs<P: Plugin>(registry: &mut Registry<P>, jobs: &Arc<ImportJobs>) {
    for route in JOB_ROUTES {
        let jobs = Arc::clone(jobs);
        registry.route(route, move |_, context, request| {
            let jobs = Arc::clone(&jobs);
            async move { answer(&jobs, &context, &request).await.map_err(Error::from) }
        });
    }
}

async fn answer(jobs: &Arc<ImportJobs>, context: &Context, request: &HttpRequest) -> Result<HttpResponse, DataError> {
    let job = request.parameter("job");
    let (status, answer) = match (request.method(), request.route()) {
        ("POST", "/api/v1/data/{object}/import/jobs") => {
            let (rows, options) = transfer::read(request)?;
            (
                201,
                jobs.begin(context, request.parameter("object"), rows, options).await?,
            )
        }
        ("GET", "/api/v1/data/import/jobs") => (200, jobs.list(context, &query(request)?).await?),
        ("GET", "/api/v1/data/import/jobs/{job}") => (200, jobs.progress(context, job).await?),
        ("GET", "/api/v1/data/import/jobs/{job}/results") => (200, jobs.results(context, job).await?),
        ("POST", "/api/v1/data/import/jobs/{job}/cancel") => (200, jobs.cancel(context, job).await?),
        ("POST", "/api/v1/data/import/jobs/{job}/undo") => (200, jobs.undo(context, job).await?),
        (method, route) => {
            return Err(DataError::internal(format!(
                "{method} {route} is not one of the routes of import jobs"
            )));
        }
    };
    HttpResponse::json(status, &answer).map_err(DataError::Plugin)
}

fn query(request: &HttpRequest) -> Result<JobQuery, DataError> {
    let number = |name: &str, default: u64| match body::parameter(request, name)? {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| DataError::InvalidQuery {
            message: format!("'{name}' must be a whole number, found '{text}'"),
        }),
    };
    Ok(JobQuery {
        object: body::parameter(request, "object")?,
        status: body::parameter(request, "status")?,
        limit: number("limit", 50)?,
        offset: number("offset", 0)?,
    })
}
