//! `auth`: who stands behind a request. Called by the gateway once for each request, before anything else is looked at.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};

use crate::{Context, Principal, Result};

/// What a request brought that may say who sent it. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The `Authorization` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// The `Cookie` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// The `X-API-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The `Origin` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The `Host` of the request: a page of that very origin is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Method of the request: a changing one needs more proof than a cookie.
    pub method: String,
    /// Path of the request.
    pub path: String,
    /// Address of the peer, as the gateway established it.
    pub address: String,
    /// Nobody does anything: whoever lets somebody stay connected looks whether they still may. That is no use of a session,
    /// keeps none from idling, and renews none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passive: bool,
    /// The caller's connection is encrypted, as the gateway established it: a page of the same name without https is not ours then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secure: bool,
}

/// [`Credentials`] that lie in the request: they are written and read for every request, and nothing is copied for that. JSON as
/// that of [`Credentials`]; it cannot be read back where a text in it is escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presented<'a> {
    /// The `Authorization` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<&'a str>,
    /// The `Cookie` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<&'a str>,
    /// The `X-API-Key` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<&'a str>,
    /// The `Origin` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'a str>,
    /// The `Host` of the request.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    /// Method of the request.
    pub method: &'a str,
    /// Path of the request.
    pub path: &'a str,
    /// Address of the peer.
    pub address: &'a str,
    /// Whether nobody does anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passive: bool,
    /// Whether the caller's connection is encrypted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secure: bool,
}

impl<'a> From<&'a Credentials> for Presented<'a> {
    fn from(credentials: &'a Credentials) -> Self {
        Self {
            authorization: credentials.authorization.as_deref(),
            cookie: credentials.cookie.as_deref(),
            api_key: credentials.api_key.as_deref(),
            origin: credentials.origin.as_deref(),
            host: credentials.host.as_deref(),
            method: &credentials.method,
            path: &credentials.path,
            address: &credentials.address,
            passive: credentials.passive,
            secure: credentials.secure,
        }
    }
}

impl From<Presented<'_>> for Credentials {
    fn from(presented: Presented<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            authorization: owned(presented.authorization),
            cookie: owned(presented.cookie),
            api_key: owned(presented.api_key),
            origin: owned(presented.origin),
            host: owned(presented.host),
            method: presented.method.to_owned(),
            path: presented.path.to_owned(),
            address: presented.address.to_owned(),
            passive: presented.passive,
            secure: presented.secure,
        }
    }
}

/// Who it is. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Nobody: `null`. Credentials that are no good are nobody, not an error. Where the operator lets guests in, whoever brings
    /// none is a principal of the kind `anonymous` with an empty id; it reaches the routes with `"access": "guest"` alone.
    pub principal: Option<Principal>,
    /// Headers to add to the answer (a renewed cookie).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// Tells who stands behind a request.
#[service(name = "auth", version = "1.0.0")]
pub trait Auth {
    /// Who it is.
    async fn authenticate(&self, context: Context, credentials: Credentials) -> Result<Identity>;
}
