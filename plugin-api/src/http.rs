//! An HTTP request and its answer as they cross the ABI: one flat frame each, so that the gateway passes bytes through and
//! nobody parses twice. No HTTP library here: the gateway speaks HTTP, handlers see names, texts and bytes.
//!
//! Frame of a request: byte 1 (version), then texts, each a little-endian `u32` length and that many bytes: method, route,
//! path, query; a `u32` count of parameters and as many pairs; a `u32` count of headers and as many pairs; then the body.
//! Frame of a response: byte 1, `u16` status, a `u32` count of headers and as many pairs; the rest is the body.
//! Frame of a response whose body streams: byte 2, `u16` status, the `u64` number of the stream, the headers as above, and
//! nothing behind them.
//! Frame of a response that goes on as a WebSocket: byte 3, and the rest as with byte 2; the status is 101.

use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, ops::Range};

use crate::error::{Error, Result};

const FRAME_VERSION: u8 = 1;
/// Begins the frame of a response whose body streams.
const FRAME_STREAMED: u8 = 2;
/// Begins the frame of a response that goes on as a WebSocket.
const FRAME_SOCKET: u8 = 3;
/// Where either has the number of its stream.
const STREAM: Range<usize> = 3..11;

/// A request that matched one of the plugin's routes. Reading a part costs no copy.
pub struct HttpRequest {
    frame: Vec<u8>,
    method: Range<usize>,
    route: Range<usize>,
    path: Range<usize>,
    query: Range<usize>,
    parameters: Vec<(Range<usize>, Range<usize>)>,
    headers: Vec<(Range<usize>, Range<usize>)>,
    body: Range<usize>,
}

/// The parts of a request to be framed; used by the gateway and by tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpRequestParts<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path pattern of the route, as declared.
    pub route: &'a str,
    /// The path as sent, percent-encoded.
    pub path: &'a str,
    /// The query without `?`.
    pub query: &'a str,
    /// Path parameters, decoded.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Headers, names in lower case; values that are not UTF-8 are left out.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl HttpRequestParts<'_> {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let pairs = self.parameters.iter().chain(self.headers);
        let texts = self.method.len() + self.route.len() + self.path.len() + self.query.len();
        let size = pairs.fold(32 + texts, |sum, (name, value)| sum + name.len() + value.len() + 8) + self.body.len();
        let mut out = Vec::with_capacity(size);
        out.push(FRAME_VERSION);
        for text in [self.method, self.route, self.path, self.query] {
            put(&mut out, text.as_bytes());
        }
        put_pairs(&mut out, self.parameters);
        put_pairs(&mut out, self.headers);
        out.extend_from_slice(self.body);
        out
    }
}

fn put_number(out: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).expect("a request head is far below 4 GiB");
    out.extend_from_slice(&number.to_le_bytes());
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_pairs(out: &mut Vec<u8>, pairs: &[(&str, &str)]) {
    put_number(out, pairs.len());
    for (name, value) in pairs {
        put(out, name.as_bytes());
        put(out, value.as_bytes());
    }
}

/// Walks over a frame; every step is checked, so a broken frame is an error and never a panic.
struct Walk<'a> {
    frame: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn take(&mut self, length: usize) -> Option<Range<usize>> {
        let end = self.at.checked_add(length)?;
        (end <= self.frame.len()).then(|| {
            let range = self.at..end;
            self.at = end;
            range
        })
    }

    fn number(&mut self) -> Option<usize> {
        let range = self.take(4)?;
        let bytes: [u8; 4] = self.frame[range].try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn text(&mut self) -> Option<Range<usize>> {
        let length = self.number()?;
        let range = self.take(length)?;
        std::str::from_utf8(&self.frame[range.clone()]).ok()?;
        Some(range)
    }

    fn pairs(&mut self) -> Option<Vec<(Range<usize>, Range<usize>)>> {
        let count = self.number()?;
        // A pair takes at least eight bytes, so a count beyond that is a lie.
        if count > self.frame.len() / 8 {
            return None;
        }
        (0..count).map(|_| Some((self.text()?, self.text()?))).collect()
    }
}

impl HttpRequest {
    /// Reads a frame.
    ///
    /// # Errors
    /// `Internal` when it is no frame of a version this knows.
    pub fn decode(frame: Vec<u8>) -> Result<Self> {
        let broken = || Error::internal("a request frame is broken");
        if frame.first() != Some(&FRAME_VERSION) {
            return Err(broken());
        }
        let mut walk = Walk { frame: &frame, at: 1 };
        let mut head = || {
            Some((
                walk.text()?,
                walk.text()?,
                walk.text()?,
                walk.text()?,
                walk.pairs()?,
                walk.pairs()?,
                walk.at,
            ))
        };
        let (method, route, path, query, parameters, headers, at) = head().ok_or_else(broken)?;
        let body = at..frame.len();
        Ok(Self {
            frame,
            method,
            route,
            path,
            query,
            parameters,
            headers,
            body,
        })
    }

    fn text(&self, range: &Range<usize>) -> &str {
        // `decode` checked every text.
        std::str::from_utf8(&self.frame[range.clone()]).unwrap_or_default()
    }

    /// `GET`, `POST`, …
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(&self.method)
    }

    /// The path pattern that matched.
    #[must_use]
    pub fn route(&self) -> &str {
        self.text(&self.route)
    }

    /// The path as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text(&self.path)
    }

    /// The query without `?`, percent-encoded.
    #[must_use]
    pub fn query(&self) -> &str {
        self.text(&self.query)
    }

    /// A path parameter, decoded; empty when the route has none of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(key, _)| self.text(key) == name)
            .map_or("", |(_, value)| self.text(value))
    }

    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| self.text(key) == name)
            .map(|(_, value)| self.text(value))
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (self.text(name), self.text(value)))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.frame[self.body.clone()]
    }

    /// Reads the body as JSON; an empty body reads as `null`.
    ///
    /// # Errors
    /// `Invalid` when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = if self.body().is_empty() { b"null" } else { self.body() };
        serde_json::from_slice(body).map_err(|error| {
            Error::invalid(format!("the body is not JSON of the expected shape: {error}")).with_code("invalid_format")
        })
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HttpRequest({} {}, {} bytes)",
            self.method(),
            self.path(),
            self.body().len()
        )
    }
}

/// An answer. Errors are not built here: a handler returns `Err`, and the gateway writes the protocol's error document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// 200, 201, 304, …
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// An answer without body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An answer in JSON.
    ///
    /// # Errors
    /// `Internal` when the value cannot be written.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self> {
        serde_json::to_vec(value)
            .map(|body| Self::json_bytes(status, body))
            .map_err(Error::internal)
    }

    /// An answer that is JSON already.
    #[must_use]
    pub fn json_bytes(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        }
    }

    /// Adds a header; `name` in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head = self
            .headers
            .iter()
            .fold(16, |sum, (name, value)| sum + name.len() + value.len() + 8);
        let mut out = Vec::with_capacity(head + self.body.len());
        out.push(FRAME_VERSION);
        out.extend_from_slice(&self.status.to_le_bytes());
        self.put_headers(&mut out);
        out.extend_from_slice(&self.body);
        out
    }

    /// The frame of an answer with this head whose body streams under a number; `body` is not in it.
    #[doc(hidden)]
    #[must_use]
    pub fn encode_streamed(&self, stream: u64) -> Vec<u8> {
        self.encode_open(FRAME_STREAMED, stream)
    }

    /// The frame of an answer with this head that goes on as the socket under a number.
    #[doc(hidden)]
    #[must_use]
    pub fn encode_socket(&self, socket: u64) -> Vec<u8> {
        self.encode_open(FRAME_SOCKET, socket)
    }

    fn encode_open(&self, kind: u8, stream: u64) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&stream.to_le_bytes());
        self.put_headers(&mut out);
        out
    }

    fn put_headers(&self, out: &mut Vec<u8>) {
        put_number(out, self.headers.len());
        for (name, value) in &self.headers {
            put(out, name.as_bytes());
            put(out, value.as_bytes());
        }
    }

    /// The number of the stream that is the body of the answer in this frame; `None` when the body lies in the frame.
    #[must_use]
    pub fn stream_of(frame: &[u8]) -> Option<u64> {
        number_of(frame, FRAME_STREAMED)
    }

    /// The number of the socket that the answer in this frame goes on as; `None` when it is no answer of that kind.
    #[must_use]
    pub fn socket_of(frame: &[u8]) -> Option<u64> {
        number_of(frame, FRAME_SOCKET)
    }

    /// Writes another number into a frame of which [`HttpResponse::stream_of`] or [`HttpResponse::socket_of`] answered one.
    #[doc(hidden)]
    pub fn set_stream(frame: &mut [u8], stream: u64) {
        if let Some(number) = frame.get_mut(STREAM) {
            number.copy_from_slice(&stream.to_le_bytes());
        }
    }

    /// Reads the head of a frame: status, headers and where the body begins, so that the gateway can pass the body on as it
    /// lies. A body that streams is not in the frame: what is left of it is empty.
    ///
    /// # Errors
    /// `Internal` when it is no frame of a version this knows.
    #[allow(clippy::type_complexity)]
    pub fn decode_head(frame: &[u8]) -> Result<(u16, Vec<(&str, &str)>, usize)> {
        let broken = || Error::internal("a response frame is broken");
        let (status, at) = match frame {
            [FRAME_VERSION, low, high, ..] => (u16::from_le_bytes([*low, *high]), 3),
            [FRAME_STREAMED | FRAME_SOCKET, low, high, ..] => (u16::from_le_bytes([*low, *high]), STREAM.end),
            _ => return Err(broken()),
        };
        let mut walk = Walk { frame, at };
        let pairs = walk.pairs().ok_or_else(broken)?;
        let at = walk.at;
        let text = |range: Range<usize>| std::str::from_utf8(&frame[range]).unwrap_or_default();
        Ok((
            status,
            pairs
                .into_iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            at,
        ))
    }

    /// Reads a whole frame, for tests and tools.
    ///
    /// # Errors
    /// As [`HttpResponse::decode_head`].
    pub fn decode(frame: &[u8]) -> Result<Self> {
        let (status, headers, at) = Self::decode_head(frame)?;
        Ok(Self {
            status,
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: frame[at..].to_vec(),
        })
    }
}

/// The number in a frame that begins with `kind`.
fn number_of(frame: &[u8], kind: u8) -> Option<u64> {
    if frame.first() != Some(&kind) {
        return None;
    }
    frame
        .get(STREAM)
        .and_then(|number| number.try_into().ok())
        .map(u64::from_le_bytes)
}
