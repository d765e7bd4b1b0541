//! An answer on its way: a body in JSON, or a redirect, with cookies.

use objectos_plugin_api::HttpResponse;
use serde_json::Value;

/// An answer of a route.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    body: Value,
    headers: Vec<(String, String)>,
    media_type: Option<&'static str>,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::status(200, body)
    }

    /// A status with a body.
    pub(crate) fn status(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
            media_type: None,
        }
    }

    /// Sends the browser elsewhere; where to was checked.
    pub(crate) fn redirect(url: &str) -> Self {
        Self::status(302, Value::Null).header("location", url)
    }

    /// No body at all.
    pub(crate) fn empty(status: u16) -> Self {
        Self::status(status, Value::Null)
    }

    /// JSON of a special kind.
    pub(crate) fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// Adds a `Set-Cookie`.
    pub(crate) fn cookie(self, cookie: String) -> Self {
        self.header("set-cookie", cookie)
    }

    /// Adds a header; name in lower case.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Whatever is answered here is about one person and this moment.
    pub(crate) fn into_response(self) -> objectos_plugin_api::Result<HttpResponse> {
        let mut response = match self.status {
            status @ (204 | 302) => HttpResponse::empty(status),
            status => HttpResponse::json(status, &self.body)?,
        };
        response
            .headers
            .push(("cache-control".to_owned(), "no-store".to_owned()));
        if let (Some(media_type), Some((_, value))) = (self.media_type, response.headers.first_mut())
            && value == "application/json"
        {
            media_type.clone_into(value);
        }
        response.headers.extend(self.headers);
        Ok(response)
    }
}
