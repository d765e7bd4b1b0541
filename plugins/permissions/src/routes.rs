//! HTTP: what may I do, why may somebody, and the editing of permission sets, assignments and shares at runtime.
//!
//! Every route here is for whoever is signed in; those that look at others or change something ask for `manage_permissions`.

mod check;
mod policies;
mod sets;
mod shares;

use std::future::Future;
use std::sync::Arc;

use objectos_plugin_api::{Context, Error, ErrorKind, HttpRequest, HttpResponse, Registry, Result};
use serde_json::Value;

use crate::plugin::PermissionsPlugin;
use crate::state::State;
use crate::subject::Subject;

/// What a route works with.
struct Call {
    state: Arc<State>,
    context: Context,
    request: HttpRequest,
}

/// Registers all of them.
pub fn register(registry: &mut Registry<PermissionsPlugin>) {
    for route in [
        "GET /api/v1/permissions/check",
        "POST /api/v1/permissions/check",
        "POST /api/v1/auth/check",
    ] {
        add(registry, route, check::check);
    }
    for route in [
        "GET /api/v1/permissions/objects/{object}",
        "GET /api/v1/permissions/object/{object}",
        "GET /api/v1/auth/permissions/{object}",
    ] {
        add(registry, route, check::object);
    }
    for route in [
        "GET /api/v1/permissions/effective",
        "GET /api/v1/auth/permissions/effective",
    ] {
        add(registry, route, check::effective);
    }
    add(registry, "POST /api/v1/permissions/explain", check::explain);
    add(registry, "GET /api/v1/permissions/sets", sets::list);
    add(registry, "GET /api/v1/permissions/sets/{name}", sets::get);
    add(registry, "PUT /api/v1/permissions/sets/{name}", sets::put);
    add(registry, "DELETE /api/v1/permissions/sets/{name}", sets::delete);
    add(registry, "GET /api/v1/permissions/sets/{name}/versions", sets::versions);
    add(
        registry,
        "POST /api/v1/permissions/sets/{name}/versions/{version}/restore",
        sets::restore,
    );
    add(
        registry,
        "GET /api/v1/permissions/policies/{object}/{name}/versions",
        policies::versions,
    );
    add(
        registry,
        "POST /api/v1/permissions/policies/{object}/{name}/versions/{version}/restore",
        policies::restore,
    );
    add(registry, "POST /api/v1/permissions/assignments", sets::assign);
    add(registry, "DELETE /api/v1/permissions/assignments/{id}", sets::unassign);
    add(registry, "GET /api/v1/permissions/shares", shares::list);
    add(registry, "POST /api/v1/permissions/shares", shares::create);
    add(registry, "DELETE /api/v1/permissions/shares/{id}", shares::delete);
    add(registry, "POST /api/v1/permissions/links/{token}", shares::accept);
}

/// A route. What it refuses is told of.
fn add<Fut>(registry: &mut Registry<PermissionsPlugin>, route: &str, handler: fn(Call) -> Fut)
where
    Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
{
    registry.route(route, move |plugin, context, request| {
        let state = Arc::clone(&plugin.state);
        let asked = format!("{} {}", request.method(), request.route());
        let answer = handler(Call {
            state: Arc::clone(&state),
            context: context.clone(),
            request,
        });
        async move {
            let answer = answer.await;
            if let Err(error) = &answer
                && error.kind() == ErrorKind::Denied
            {
                state.refusals.tell(&state.loader.host, &context, &asked, error).await;
            }
            answer
        }
    });
}

impl Call {
    async fn subject(&self) -> Result<Arc<Subject>> {
        self.state.subject(&self.context).await
    }

    /// Whoever may edit access.
    async fn manager(&self) -> Result<Arc<Subject>> {
        let subject = self.subject().await?;
        if self
            .state
            .has_system_permission(&self.context, &subject, "manage_permissions")
            .await?
        {
            return Ok(subject);
        }
        Err(Error::new(
            ErrorKind::Denied,
            "this needs the system permission manage_permissions",
        ))
    }

    /// A parameter of the query, decoded; empty ones are none.
    fn query(&self, name: &str) -> Option<String> {
        let pairs = self.request.query().split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(key, _)| decode(key) == name)
            .map(|(_, value)| decode(value))
            .filter(|value| !value.is_empty())
    }

    fn body(&self) -> Result<Value> {
        self.request.json()
    }
}

fn ok(value: &Value) -> Result<HttpResponse> {
    HttpResponse::json(200, value)
}

/// Takes `+` and `%XX` apart.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
