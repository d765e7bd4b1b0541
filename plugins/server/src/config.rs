//! The plugin's configuration: what an operator may set under `objectos.server` in `objectos.yml`, with every default. Pure
//! data and its checks; nothing is opened here. Read once by `init`. `plugin.json` describes the same as a JSON Schema, and
//! a test holds the two together.

mod network;
mod sockets;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) use self::network::{host_of, is_loopback_host};
pub use self::{
    network::{AddressRange, Origin},
    sockets::SocketConfig,
};
use crate::ServerError;

/// Everything that may be set. JSON, camelCase; unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address to listen on, `127.0.0.1:3000` or `[::1]:3000`; the host's `--listen` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Serves HTTPS instead of HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// Sizes, times and numbers beyond which a caller is refused.
    pub limits: Limits,
    /// Exceptions from the rules for bodies, by path.
    pub bodies: Vec<BodyRule>,
    /// Requests of one address in a span of time.
    pub rate_limit: RateLimitConfig,
    /// The same for those of guests, counted beside the others.
    pub guest_rate_limit: GuestRateLimitConfig,
    /// WebSockets that plugins answer with.
    pub sockets: SocketConfig,
    /// Which web pages of other origins may call.
    pub cors: CorsConfig,
    /// Addresses or ranges (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// Host names, beside those of this machine, under which callers reach a server that has no `auth`.
    pub hosts: Vec<String>,
    /// Requests that plugins and webhooks send.
    pub outgoing: OutgoingConfig,
}

/// Files of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM, the server's certificate first, then the chain.
    pub certificate: String,
    /// PEM, PKCS #8, PKCS #1 or SEC1.
    pub key: String,
}

/// Sizes in bytes, times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Request line and headers.
    pub head_bytes_max: u32,
    /// A body, counted while it arrives.
    pub body_bytes_max: u64,
    /// The body of an answer that a plugin gives as a whole; what is longer has to stream.
    pub answer_bytes_max: u64,
    /// From the first byte of a head (or the connection) to its end; also the TLS handshake.
    pub head_ms: u64,
    /// For a body to arrive.
    pub body_ms: u64,
    /// A connection without a request.
    pub idle_ms: u64,
    /// An answer, or a piece of one, of which the peer takes nothing.
    pub write_ms: u64,
    /// From a complete head to the answer; for each piece of a body that its plugin makes meanwhile, once more.
    pub request_ms: u64,
    /// Requests being worked on at once.
    pub concurrent_requests_max: u32,
    /// Open connections; further ones wait to be accepted.
    pub connections_max: u32,
    /// Requests at once on one HTTP/2 connection.
    pub streams_max: u32,
    /// How long idle connections stay open while a newer version takes over.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 * 1024,
            body_bytes_max: 1024 * 1024,
            answer_bytes_max: 256 * 1024 * 1024,
            head_ms: 15_000,
            body_ms: 30_000,
            idle_ms: 75_000,
            write_ms: 30_000,
            request_ms: 30_000,
            concurrent_requests_max: 1024,
            connections_max: 4096,
            streams_max: 128,
            drain_ms: 5_000,
        }
    }
}

impl Limits {
    pub(crate) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }
}

/// An exception for the bodies of some paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BodyRule {
    /// Start of the paths it is for, `/api/v1/storage/`. The longest one that fits counts.
    pub under: String,
    /// Instead of `limits.bodyBytesMax`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<u64>,
    /// Takes bodies that are not JSON.
    #[serde(default)]
    pub any_type: bool,
}

/// A bucket of requests for each address, refilled evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Size of the bucket; 0 switches the limit off.
    pub requests: u32,
    /// Time in which an empty bucket fills up, milliseconds.
    pub window_ms: u64,
    /// Counts callers on this machine too.
    pub loopback: bool,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            requests: 1_000,
            window_ms: 60_000,
            loopback: false,
        }
    }
}

/// A bucket of requests for each address from which somebody asks who is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestRateLimitConfig(pub RateLimitConfig);

impl Default for GuestRateLimitConfig {
    fn default() -> Self {
        Self(RateLimitConfig {
            requests: 120,
            ..RateLimitConfig::default()
        })
    }
}

/// Cross-origin requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CorsConfig {
    /// Origins that may call, `https://app.example.com`; empty stands for every origin on this machine.
    pub origins: Vec<String>,
    /// How long a browser may keep the answer to a preflight, seconds.
    pub max_age_s: u32,
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            max_age_s: 86_400,
        }
    }
}

/// What the service `http-client` may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OutgoingConfig {
    /// Hosts, `api.example.com`, `*.example.com`, each with a port if only that one is meant; `*` is every host.
    pub allow: Vec<String>,
    /// Also reaches private, link-local and loopback addresses.
    pub private_addresses: bool,
    /// A PEM file of further certificate authorities to believe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
}

impl Default for OutgoingConfig {
    fn default() -> Self {
        Self {
            allow: vec!["*".to_owned()],
            private_addresses: false,
            authorities: None,
        }
    }
}

impl ServerConfig {
    /// Checks what a schema cannot say.
    ///
    /// # Errors
    /// `Setting`, naming the key and what would do.
    pub fn check(&self) -> Result<(), ServerError> {
        self.origins()?;
        self.proxies()?;
        let limits = &self.limits;
        let times = [
            ("limits.headMs", limits.head_ms),
            ("limits.bodyMs", limits.body_ms),
            ("limits.idleMs", limits.idle_ms),
            ("limits.writeMs", limits.write_ms),
            ("limits.requestMs", limits.request_ms),
            ("rateLimit.windowMs", self.rate_limit.window_ms),
            ("guestRateLimit.windowMs", self.guest_rate_limit.0.window_ms),
            ("limits.headBytesMax", u64::from(limits.head_bytes_max)),
            ("limits.answerBytesMax", limits.answer_bytes_max),
            (
                "limits.concurrentRequestsMax",
                u64::from(limits.concurrent_requests_max),
            ),
            ("limits.connectionsMax", u64::from(limits.connections_max)),
            ("limits.streamsMax", u64::from(limits.streams_max)),
        ];
        let mut numbers = times.into_iter().chain(self.sockets.numbers());
        if let Some((key, _)) = numbers.find(|(_, value)| *value == 0) {
            return Err(ServerError::setting(
                key,
                "0 would refuse everything; give a number above 0",
            ));
        }
        for (index, rule) in self.bodies.iter().enumerate() {
            if !rule.under.starts_with('/') {
                let key = format!("bodies[{index}].under");
                return Err(ServerError::setting(
                    &key,
                    format!("`{}` is not a path; begin it with `/`", rule.under),
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn origins(&self) -> Result<Vec<Origin>, ServerError> {
        let parse = |(index, text): (usize, &String)| {
            Origin::parse(text).ok_or_else(|| {
                let hint = "write one origin, as in `https://app.example.com`, without a path and without `*`";
                ServerError::setting(
                    &format!("cors.origins[{index}]"),
                    format!("`{text}` is not an origin; {hint}"),
                )
            })
        };
        self.cors.origins.iter().enumerate().map(parse).collect()
    }

    pub(crate) fn proxies(&self) -> Result<Vec<AddressRange>, ServerError> {
        let parse = |(index, text): (usize, &String)| {
            AddressRange::parse(text).ok_or_else(|| {
                let hint = "write an address or a range, as in `10.0.0.7` or `10.0.0.0/8`";
                let key = format!("trustedProxies[{index}]");
                ServerError::setting(&key, format!("`{text}` is not an address; {hint}"))
            })
        };
        self.trusted_proxies.iter().enumerate().map(parse).collect()
    }

    /// Most bytes of a body for this path, and whether it may be something else than JSON.
    pub(crate) fn body_rule(&self, path: &str) -> (u64, bool) {
        let rule = self
            .bodies
            .iter()
            .filter(|rule| path.starts_with(&rule.under))
            .max_by_key(|rule| rule.under.len());
        let bytes_max = rule
            .and_then(|rule| rule.bytes_max)
            .unwrap_or(self.limits.body_bytes_max);
        (bytes_max, rule.is_some_and(|rule| rule.any_type))
    }
}
