//! The plugin on the in-memory host, with outgoing HTTP that goes to loopback, and events to keep.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use objectos_plugin_api::contracts::event_store::DoneEvent;
use objectos_plugin_api::contracts::http_client::{HttpClient, HttpClientServer, IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::{Context, Error, ErrorKind, Result};
use objectos_plugin_testing::{TestError, TestHost, TestPlugin};
use objectos_storage::StoragePlugin;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;

use crate::s3_server::{BUCKET, KEY_ID, S3Server, SECRET};

const MANIFEST: &str = include_str!("../../plugin.json");
/// 2026-02-28T12:00:00Z.
pub(crate) const NOON: i64 = 1_772_280_000_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Outgoing HTTP without the limits of an operator.
struct Loopback;

fn failed(error: &dyn Display) -> Error {
    Error::new(ErrorKind::External, error.to_string())
}

async fn exchange(request: OutgoingRequest) -> Result<IncomingAnswer> {
    let uri: Uri = request.url.parse().map_err(|error| failed(&error))?;
    let authority = uri.authority().expect("a host").to_string();
    let socket = TcpStream::connect(&authority).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(connection);
    let path = uri.path_and_query().expect("a path").as_str();
    let mut outgoing = Request::builder()
        .method(request.method.as_str())
        .uri(path)
        .header("host", authority);
    for (name, value) in &request.headers {
        outgoing = outgoing.header(name, value);
    }
    let outgoing = outgoing
        .body(Full::<Bytes>::from(request.body))
        .map_err(|error| failed(&error))?;
    let answer = sender.send_request(outgoing).await.map_err(|error| failed(&error))?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
    Ok(IncomingAnswer {
        status: head.status.as_u16(),
        headers: Vec::new(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

impl HttpClient for Loopback {
    async fn send(&self, _: Context, request: OutgoingRequest) -> Result<IncomingAnswer> {
        let limit = Duration::from_millis(request.timeout_ms);
        tokio::time::timeout(limit, exchange(request))
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "no answer in time")))
    }
}

/// The bucket of a server, with other keys in their place.
pub(crate) fn s3(server: &S3Server, more: &Value) -> Value {
    let mut s3 = json!({
        "endpoint": server.endpoint(), "bucket": BUCKET, "accessKeyId": KEY_ID, "secretAccessKey": SECRET,
        "retry": {"delayMs": 1},
    });
    let more = more.as_object().expect("keys").clone();
    s3.as_object_mut().expect("keys").extend(more);
    json!({ "s3": s3 })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("a moment")
}

/// The plugin with a configuration and the environment that it was granted.
pub(crate) async fn plugin(config: Value, environment: &[(&str, &str)]) -> Result<TestPlugin, TestError> {
    let host = TestHost::new(MANIFEST)
        .config(config)
        // The server looks at the time of a signature.
        .now_ms(now_ms())
        .service(HttpClientServer::new(Arc::new(Loopback)));
    environment
        .iter()
        .fold(host, |host, (name, value)| host.environment(name, value))
        .start::<StoragePlugin>()
        .await
}

/// Calls a service of the plugin.
pub(crate) async fn ask<T: DeserializeOwned>(
    plugin: &TestPlugin,
    service: &str,
    method: &str,
    request: &impl Serialize,
) -> Result<T> {
    let payload = serde_json::to_vec(request).unwrap();
    let service = plugin.host().service(service, "^1")?;
    let answer = service.call(&Context::background(), method, &payload).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

/// An event that was stored so many milliseconds after noon.
pub(crate) fn done(sequence: u64, name: &str, after_ms: i64, payload: &Value) -> DoneEvent {
    let event = json!({
        "id": format!("e{sequence}"), "name": name, "payload": payload,
        "metadata": {"source": "test", "timestamp": "2026-02-28T12:00:00.000Z"},
    });
    DoneEvent {
        sequence,
        stored_at_ms: NOON + after_ms,
        key: format!("k{sequence}"),
        event: serde_json::from_value(event).unwrap(),
    }
}
