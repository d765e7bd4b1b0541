//! Answers on their way out: a handler's frame becomes a response whose body is the frame's own memory (or flows, see
//! [`crate::flow`]), and every response gets the headers that keep a browser from doing more with it than it should.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use objectos_plugin_api::{Error, HttpResponse, Result};

use crate::{
    flow::{AnswerBody, Flow, FlowBody},
    socket::Opened,
};

/// A response.
pub(crate) type Answer = Response<AnswerBody>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const CONTENT_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'self'; base-uri 'self'; frame-ancestors 'none'; object-src 'none'");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Headers that speak of the connection, which is the gateway's and not the handler's.
const OF_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A response to be finished; the body is kept apart from it, so that its length can be seen.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What the body is instead.
    pub(crate) flow: Option<Box<dyn Flow>>,
    /// What the connection goes on as.
    pub(crate) socket: Option<Opened>,
}

impl Draft {
    pub(crate) fn empty(status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            status,
            headers,
            body: Bytes::new(),
            flow: None,
            socket: None,
        }
    }

    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(header::CONTENT_TYPE, JSON);
        Self {
            status,
            headers,
            body: body.into(),
            flow: None,
            socket: None,
        }
    }

    /// Takes over a response frame. The body stays where it lies.
    pub(crate) fn from_frame<B: AsRef<[u8]> + Send + 'static>(frame: B) -> Result<Self> {
        let (status, pairs, at) = HttpResponse::decode_head(frame.as_ref())?;
        let status = status_of(status)?;
        let mut headers = HeaderMap::with_capacity(16);
        put(&mut headers, pairs);
        if status == StatusCode::UPGRADE_REQUIRED {
            // The one header of the connection that such an answer is about.
            headers.insert(header::UPGRADE, WEBSOCKET);
        }
        let body = if at == frame.as_ref().len() {
            Bytes::new()
        } else {
            Bytes::from_owner(frame).slice(at..)
        };
        Ok(Self {
            status,
            headers,
            body,
            flow: None,
            socket: None,
        })
    }

    /// Takes over the frame of an answer that goes on as a WebSocket.
    pub(crate) fn switching(frame: &[u8], accept: HeaderValue, opened: Opened) -> Result<Self> {
        let (_, pairs, _) = HttpResponse::decode_head(frame)?;
        let mut headers = HeaderMap::with_capacity(16);
        put(&mut headers, pairs);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, WEBSOCKET);
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        let draft = Self::empty(StatusCode::SWITCHING_PROTOCOLS, headers);
        Ok(Self {
            socket: Some(opened),
            ..draft
        })
    }

    /// Refuses what no handler may answer: more than the limit, or something that says to be JSON and is none at its edges. All of
    /// it is not looked at: that would cost as much as the answer.
    ///
    /// # Errors
    /// `Internal`, naming the plugin for the operator.
    pub(crate) fn check(&self, plugin: &str, bytes_max: u64) -> Result<()> {
        let length = self.body.len();
        let wrong = |what: String| Err(Error::internal(format_args!("plugin {plugin} answered {what}")));
        if u64::try_from(length).is_ok_and(|length| length > bytes_max) {
            return wrong(format!(
                "{length} bytes, more than the limit of {bytes_max} (limits.answerBytesMax); let it stream"
            ));
        }
        // What is handed out as a file is whatever was put in, under whatever name.
        let json = self.headers.get(header::CONTENT_TYPE).is_some_and(is_json);
        if json && length > 0 && !self.headers.contains_key(header::CONTENT_DISPOSITION) && !edges_of_json(&self.body) {
            return wrong("with content-type application/json what is no JSON".to_owned());
        }
        Ok(())
    }

    /// Adds what every answer carries. What the handler set stays, except where it would be wrong.
    pub(crate) fn secure(&mut self, strict_transport: bool) {
        let bodiless = self.body.is_empty() && self.flow.is_none();
        let headers = &mut self.headers;
        if !bodiless {
            let kind = headers.entry(header::CONTENT_TYPE).or_insert(OCTETS);
            // JSON is never rendered, so a policy for it would only be bytes.
            let plain = kind.as_bytes().starts_with(b"application/json");
            if !plain {
                headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_POLICY);
            }
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
            .entry(header::X_FRAME_OPTIONS)
            .or_insert(HeaderValue::from_static("DENY"));
        headers
            .entry(header::REFERRER_POLICY)
            .or_insert(HeaderValue::from_static("strict-origin-when-cross-origin"));
        headers
            .entry(RESOURCE_POLICY)
            .or_insert(HeaderValue::from_static("same-origin"));
        if !headers.contains_key(header::ETAG) {
            // An answer without a version is of this moment and for this caller.
            headers
                .entry(header::CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-store"));
        }
        if strict_transport {
            headers
                .entry(header::STRICT_TRANSPORT_SECURITY)
                .or_insert(HeaderValue::from_static("max-age=31536000; includeSubDomains"));
        }
    }

    /// The response; `send` makes a body of what flows. One to `HEAD` tells the length of the body that it does not have, where
    /// it is known.
    pub(crate) fn finish(mut self, method: &Method, send: impl FnOnce(Box<dyn Flow>) -> FlowBody) -> Answer {
        let bodiless = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if method == Method::HEAD && !bodiless && self.flow.is_none() {
            self.headers
                .insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        let whole = |body| AnswerBody::Whole(Full::new(body));
        let body = match self.flow {
            _ if bodiless || method == Method::HEAD => whole(Bytes::new()),
            Some(flow) => AnswerBody::Flowing(send(flow)),
            None => whole(self.body),
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = self.status;
        *answer.headers_mut() = self.headers;
        answer
    }
}

fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// White space at an end of an answer, at most, that is looked past.
const BLANKS_MAX: usize = 64;

/// Whether the first and the last byte of the text can be those of one JSON value. All that can is ASCII.
fn edges_of_json(body: &[u8]) -> bool {
    let inked = |byte: &&u8| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let first = body.iter().take(BLANKS_MAX).find(inked);
    let last = body.iter().rev().take(BLANKS_MAX).find(inked);
    matches!(
        (first, last),
        (Some(b'{'), Some(b'}'))
            | (Some(b'['), Some(b']'))
            | (Some(b'"'), Some(b'"'))
            | (Some(b'-' | b'0'..=b'9'), Some(b'0'..=b'9'))
            | (Some(b't' | b'f'), Some(b'e'))
            | (Some(b'n'), Some(b'l'))
    )
}

fn status_of(status: u16) -> Result<StatusCode> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| Error::internal(format!("a handler answered the status {status}")))
}

/// Copies headers. Those that HTTP does not allow are left out and logged.
pub(crate) fn put<'a>(headers: &mut HeaderMap, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (name, value) in pairs {
        let (parsed, content) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        match (parsed, content) {
            (Ok(name), Ok(_)) if OF_CONNECTION.contains(&name) => {}
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
            }
            _ => tracing::warn!(name, "a header of an answer is left out: it is not valid in HTTP"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Draft, HeaderValue, StatusCode, header};

    #[test]
    fn what_says_to_be_json_has_the_edges_of_it() {
        let check = |body: &[u8], sound: bool| {
            let draft = Draft::json(StatusCode::OK, body.to_vec());
            assert_eq!(draft.check("test.a", 1000).is_ok(), sound, "{body:?}");
        };
        for body in [
            "",
            "{}",
            " [1]\n",
            "\"a\"",
            "-1.5",
            "7",
            "true",
            "false",
            "null",
            "{\"a\": \"\u{fffd}\"}",
        ] {
            check(body.as_bytes(), true);
        }
        for body in ["{", "]", "[}", "\"a", "well", "   ", "1}", "\u{feff}{}", "<html>"] {
            check(body.as_bytes(), false);
        }
        check(&[0xff, 0xfe], false);
        check(&[b'{', 0xff], false);
        check(&[b' '; 500], false);
        check(&[b'1'; 1000], true);
        check(&[b'1'; 1001], false);
    }

    #[test]
    fn files_and_other_kinds_are_nobodys_business() {
        let mut draft = Draft::json(StatusCode::OK, vec![0xff, 0xfe]);
        let error = draft.check("test.a", 1000).expect_err("no JSON");
        assert!(error.internal_message().contains("plugin test.a answered"), "{error:?}");
        let attachment = HeaderValue::from_static("attachment; filename=\"a.json\"");
        draft.headers.insert(header::CONTENT_DISPOSITION, attachment);
        assert!(draft.check("test.a", 1000).is_ok());
        let mut draft = Draft::json(StatusCode::OK, vec![0xff, 0xfe]);
        let other = HeaderValue::from_static("application/jsonl");
        draft.headers.insert(header::CONTENT_TYPE, other);
        assert!(draft.check("test.a", 1000).is_ok());
        let charset = HeaderValue::from_static("Application/JSON; charset=utf-8");
        draft.headers.insert(header::CONTENT_TYPE, charset);
        assert!(draft.check("test.a", 1000).is_err());
    }
}
