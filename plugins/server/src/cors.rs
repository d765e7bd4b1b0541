//! Which web pages may call, and what they are told. The browser enforces it; the server names the origin it allows, never
//! `*`, and answers preflights itself.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::ServerError;
use crate::config::{Origin, ServerConfig, host_of, is_loopback_host};

const ALLOW_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS");
const ALLOW_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Type, Authorization, If-Match, If-None-Match, If-Modified-Since, Accept-Language, X-Environment-Id, \
     X-Tenant-ID, X-Requested-With, X-Request-Id, X-API-Key, x-resume-token, traceparent",
);
const EXPOSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, set-auth-token, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After",
);
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The operator's choice.
#[derive(Debug)]
pub(crate) struct Cors {
    /// Empty: every origin on this machine.
    origins: Vec<Origin>,
    max_age: HeaderValue,
}

impl Cors {
    pub(crate) fn new(config: &ServerConfig) -> Result<Self, ServerError> {
        Ok(Self {
            origins: config.origins()?,
            max_age: HeaderValue::from(config.cors.max_age_s),
        })
    }

    /// True when a page of this origin may call.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        let Some(origin) = origin.to_str().ok().and_then(Origin::parse) else {
            return false;
        };
        if self.origins.is_empty() {
            return is_loopback_host(host_of(origin.authority()));
        }
        self.origins.contains(&origin)
    }

    /// The answer to a preflight, or `None` when the request is none.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<(StatusCode, HeaderMap)> {
        let asks = method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(header::ORIGIN).filter(|_| asks)?;
        let mut answer = HeaderMap::new();
        if self.allows(origin) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOW_METHODS);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS);
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Some((StatusCode::NO_CONTENT, answer))
    }

    /// Puts on any answer what a page of another origin needs to read it.
    pub(crate) fn dress(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else {
            return;
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
    }
}
