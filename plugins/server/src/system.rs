//! The server's own routes: health, discovery, and the kernel's service over HTTP. Answered in this process, without a call
//! across the ABI. Answers are `{success: true, data}`; the data of a kernel call is passed through as the kernel wrote it.

use bytes::Bytes;
use http::StatusCode;
use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::kernel::{DeadLetterPage, KernelHealth, RecordStateRequest, SwapRequest},
    protocol::kernel::PluginHealthStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{answer::Draft, gateway::Gateway, problem::timestamp, router::decode, server::Server};

const DEAD_LETTERS: u32 = 100;
const DEAD_LETTERS_MAX: u32 = 1000;

macro_rules! own_routes {
    ($($variant:ident: $($key:literal)|+,)+) => {
        /// A route that the server answers itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum OwnRoute { $($variant,)+ }

        impl OwnRoute {
            /// `METHOD /path` of all of them, as in `plugin.json`.
            pub(crate) const ALL: &'static [(&'static str, Self)] = &[$($(($key, Self::$variant),)+)+];
        }
    };
}

own_routes! {
    Health: "GET /health" | "GET /api/v1/health",
    Ready: "GET /ready" | "GET /api/v1/ready",
    Discovery: "GET /api/v1" | "GET /api/v1/discovery",
    WellKnown: "GET /.well-known/objectstack",
    OpenApi: "GET /api/v1/openapi.json",
    Plugins: "GET /api/v1/plugins",
    Swap: "POST /api/v1/plugins/{id}/swap",
    Restart: "POST /api/v1/plugins/{id}/restart",
    Hooks: "GET /api/v1/kernel/hooks",
    Metrics: "GET /api/v1/kernel/metrics",
    DeadLetters: "GET /api/v1/events/dead-letters",
    RetryDeadLetter: "POST /api/v1/events/dead-letters/{id}/retry",
    Replay: "POST /api/v1/events/replay",
    RecordState: "GET /api/v1/events/state",
}

impl OwnRoute {
    pub(crate) fn of(key: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, _)| *own == key).map(|(_, route)| *route)
    }

    /// Asked by machines that must get an answer however busy the server is.
    pub(crate) fn is_probe(self) -> bool {
        matches!(self, Self::Health | Self::Ready)
    }
}

/// What an own route needs of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnCall<'a> {
    pub(crate) context: &'a Context,
    /// The one parameter, decoded; empty when the route has none.
    pub(crate) parameter: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// Answers an own route.
pub(crate) async fn answer<G: Gateway>(server: &Server<G>, route: OwnRoute, call: OwnCall<'_>) -> Result<Draft> {
    let snapshot = || server.snapshots.latest(&server.gateway);
    match route {
        OwnRoute::Health => health(server, call.context).await,
        OwnRoute::Ready => ready(server, call.context).await,
        OwnRoute::Discovery => Ok(json_answer(snapshot().discovery(&server.environment).bare.clone())),
        OwnRoute::WellKnown => Ok(json_answer(snapshot().discovery(&server.environment).wrapped.clone())),
        OwnRoute::OpenApi => Ok(json_answer(snapshot().openapi())),
        OwnRoute::Plugins => passed_on(server, call.context, "plugins", &[]).await,
        OwnRoute::Hooks => passed_on(server, call.context, "hooks", &[]).await,
        OwnRoute::Metrics => passed_on(server, call.context, "metrics", &[]).await,
        OwnRoute::Swap => {
            let path = body::<SwapBody>(call.body)?.path;
            let request = SwapRequest {
                plugin: call.parameter.to_owned(),
                path,
            };
            passed_on(server, call.context, "swap", &encode(&request)?).await
        }
        OwnRoute::Restart => {
            server
                .gateway
                .kernel(call.context, "restart", &encode(&call.parameter)?)
                .await?;
            Ok(data(&json!({ "plugin": call.parameter, "restarted": true })))
        }
        OwnRoute::DeadLetters => {
            let page = page(call.query)?;
            passed_on(server, call.context, "dead_letters", &encode(&page)?).await
        }
        OwnRoute::RetryDeadLetter => {
            server
                .gateway
                .kernel(call.context, "retry_dead_letter", &encode(&call.parameter)?)
                .await?;
            Ok(data(&json!({ "id": call.parameter, "retried": true })))
        }
        OwnRoute::Replay => {
            let count = server.gateway.kernel(call.context, "replay", call.body).await?;
            let count: u64 = serde_json::from_slice(count.as_ref()).map_err(Error::internal)?;
            Ok(data(&json!({ "replayed": count })))
        }
        OwnRoute::RecordState => {
            let request = record_state(call.query)?;
            passed_on(server, call.context, "record_state", &encode(&request)?).await
        }
    }
}

/// Calls the kernel and puts its answer into the envelope.
async fn passed_on<G: Gateway>(
    server: &Server<G>,
    context: &Context,
    method: &'static str,
    request: &[u8],
) -> Result<Draft> {
    let answer = server.gateway.kernel(context, method, request).await?;
    Ok(enveloped(answer.as_ref()))
}

/// `{path?}`; an empty body is `{}`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SwapBody {
    path: Option<String>,
}

async fn kernel_health<G: Gateway>(server: &Server<G>, context: &Context) -> Result<KernelHealth> {
    let answer = server.gateway.kernel(context, "health", &[]).await?;
    serde_json::from_slice(answer.as_ref()).map_err(Error::internal)
}

/// Alive: the process answers. A plugin that fails makes it `degraded`, with 200 all the same, since what still works
/// should go on to be asked. Which plugin it is, is told to administrators only.
async fn health<G: Gateway>(server: &Server<G>, context: &Context) -> Result<Draft> {
    let health = kernel_health(server, context).await?;
    let status = if health.status == "healthy" {
        "ok"
    } else {
        health.status.as_str()
    };
    Ok(data(&json!({
        "status": status,
        "timestamp": timestamp(server.gateway.now_ms()),
        "version": health.version,
        "uptime": health.uptime_ms / 1000,
    })))
}

/// Ready: the start is over and requests are taken. A plugin that failed costs its own function and no more, so it is named,
/// by its id alone, and the rest is served.
async fn ready<G: Gateway>(server: &Server<G>, context: &Context) -> Result<Draft> {
    let health = kernel_health(server, context).await?;
    if health.ready && !server.draining() {
        let mut body = json!({ "status": "ready", "state": health.state });
        let failed: Vec<_> = health
            .plugins
            .iter()
            .filter(|(_, report)| report.status == PluginHealthStatus::Failed)
            .map(|(id, report)| json!({ "id": id, "state": report.status }))
            .collect();
        if !failed.is_empty() {
            body["failed"] = failed.into();
        }
        return Ok(data(&body));
    }
    let state = if server.draining() { "stopping" } else { &health.state };
    Err(Error::unavailable(format!("not ready: the server is {state}")).with_details(&json!({ "state": state })))
}

fn json_answer(body: Bytes) -> Draft {
    Draft::json(StatusCode::OK, body)
}

fn data(value: &serde_json::Value) -> Draft {
    enveloped(value.to_string().as_bytes())
}

/// Puts JSON into the envelope without reading it; no bytes at all are `null`.
fn enveloped(json: &[u8]) -> Draft {
    let json = if json.is_empty() { b"null" } else { json };
    Draft::json(StatusCode::OK, [br#"{"success":true,"data":"#, json, b"}"].concat())
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::internal)
}

fn body<T: Default + for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Error::invalid(format!("the body does not have the expected shape: {error}")).with_code("invalid_format")
    })
}

fn page(query: &str) -> Result<DeadLetterPage> {
    let number = |name: &str, default: u32| -> Result<u32> {
        let Some(text) = parameter(query, name) else {
            return Ok(default);
        };
        text.parse().map_err(|_| {
            let message = format!("parameter {name} is not a number: `{text}`");
            Error::new(ErrorKind::Invalid, message).with_code("invalid_query")
        })
    };
    let limit = number("limit", DEAD_LETTERS)?.min(DEAD_LETTERS_MAX);
    Ok(DeadLetterPage {
        offset: number("offset", 0)?,
        limit,
    })
}

/// `object=…&record=…`, and `at=…` or `sequence=…`.
fn record_state(query: &str) -> Result<RecordStateRequest> {
    let text = |name: &str| parameter(query, name).filter(|value| !value.is_empty());
    let wrong = |message: String| Error::new(ErrorKind::Invalid, message).with_code("invalid_query");
    let needed = |name: &str| text(name).ok_or_else(|| wrong(format!("parameter {name} is missing")));
    let sequence = text("sequence").map(|value| {
        let number = value.parse::<u64>();
        number.map_err(|_| wrong(format!("parameter sequence is not a number: `{value}`")))
    });
    Ok(RecordStateRequest {
        object: needed("object")?.into_owned(),
        record: needed("record")?.into_owned(),
        at: text("at").map(std::borrow::Cow::into_owned),
        sequence: sequence.transpose()?,
    })
}

/// The first value of a query parameter, decoded.
fn parameter<'a>(query: &'a str, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    decode(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_from_the_query() {
        let check = |query: &str, expected: Option<(u32, u32)>| {
            assert_eq!(
                page(query).ok().map(|page| (page.offset, page.limit)),
                expected,
                "{query}"
            );
        };
        check("", Some((0, 100)));
        check("limit=5&offset=10", Some((10, 5)));
        check("limit=99999", Some((0, 1000)));
        check("limit=%35", Some((0, 5)));
        check("limitless=1", Some((0, 100)));
        check("limit=-1", None);
        check("limit=", None);
    }
    #[test]
    fn a_moment_of_a_record_is_read_from_the_query() {
        let read = |query: &str| record_state(query).map_err(|error| error.message().to_owned());
        let request = read("object=deal&record=a%20b&at=2026-01-01T00%3A00%3A00Z").unwrap();
        assert_eq!((request.object.as_str(), request.record.as_str()), ("deal", "a b"));
        assert_eq!(
            (request.at.as_deref(), request.sequence),
            (Some("2026-01-01T00:00:00Z"), None)
        );
        assert_eq!(read("object=deal&record=a&sequence=7").unwrap().sequence, Some(7));
        assert_eq!(read("record=a"), Err("parameter object is missing".to_owned()));
        assert_eq!(
            read("object=deal&record="),
            Err("parameter record is missing".to_owned())
        );
        let wrong = read("object=deal&record=a&sequence=x");
        assert_eq!(wrong, Err("parameter sequence is not a number: `x`".to_owned()));
    }
}
