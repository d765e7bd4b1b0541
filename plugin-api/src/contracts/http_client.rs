//! `http-client`: outgoing HTTP, so that one place knows TLS, proxies, limits and which hosts may be reached. Called by the
//! kernel for webhooks, and by plugins that were granted the service and `network:connect` for the host.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};

use crate::{Context, Result};

/// A request to send. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// `http://` or `https://`.
    pub url: String,
    /// Headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    #[serde(default)]
    pub body: String,
    /// Limit for the whole exchange, milliseconds; 0 is 30,000.
    #[serde(default)]
    pub timeout_ms: u64,
    /// Largest answer that is read, bytes; 0 is 1 MiB. A longer one is an error.
    #[serde(default)]
    pub answer_bytes_max: u64,
}

/// An answer, whatever its status. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingAnswer {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// Outgoing HTTP.
#[service(name = "http-client", version = "1.0.0")]
pub trait HttpClient {
    /// Sends a request; any status is an answer, a redirect as well: whoever follows one asks again, and is looked at again.
    ///
    /// `Timeout`, `External` (no connection, broken answer) or `Denied` are its errors. It is `Denied` when the calling plugin
    /// or the provider does not hold `network:connect` for the host (with the details `{plugin, capability, host, rule?,
    /// remedy}`), or when the operator lets nobody reach it.
    async fn send(&self, context: Context, request: OutgoingRequest) -> Result<IncomingAnswer>;
}
