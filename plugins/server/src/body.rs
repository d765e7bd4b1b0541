//! Bodies on their way in: counted while they arrive, so that a length that was not announced, or not truly, costs no more
//! than one that was; given up when they take too long.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use objectos_plugin_api::ErrorKind;
use std::time::Duration;

use crate::problem::Failure;

/// A whole body, in the pieces in which it came; nearly always one.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) first: Bytes,
    pub(crate) more: Vec<Bytes>,
}

impl Received {
    fn push(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.more.push(piece);
        }
    }

    /// The body as one piece.
    pub(crate) fn joined(&self) -> Bytes {
        if self.more.is_empty() {
            return self.first.clone();
        }
        let pieces = std::iter::once(&self.first).chain(&self.more);
        pieces.flat_map(|piece| piece.iter().copied()).collect()
    }
}

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes_max: u64,
    /// Something else than JSON is taken too.
    pub(crate) any_type: bool,
    pub(crate) time: Duration,
}

/// Reads a body within its limits.
pub(crate) async fn read(headers: &HeaderMap, body: Incoming, limits: BodyLimits) -> Result<Received, Failure> {
    if body.is_end_stream() {
        return Ok(Received::default());
    }
    if !limits.any_type {
        expect_json(headers)?;
    }
    // The announced length, before anything is read.
    if body.size_hint().lower() > limits.bytes_max {
        return Err(too_large(limits.bytes_max));
    }
    match tokio::time::timeout(limits.time, collect(body, limits.bytes_max)).await {
        Ok(received) => received,
        Err(_) => Err(late()),
    }
}

async fn collect(mut body: Incoming, bytes_max: u64) -> Result<Received, Failure> {
    let (mut received, mut count) = (Received::default(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        // Trailers are nobody's business here.
        let Ok(piece) = frame.into_data() else { continue };
        count = count.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if count > bytes_max {
            return Err(too_large(bytes_max));
        }
        if !piece.is_empty() {
            received.push(piece);
        }
    }
    Ok(received)
}

fn expect_json(headers: &HeaderMap) -> Result<(), Failure> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if is_json(kind) {
        return Ok(());
    }
    let message = "the body must be JSON: send it with content-type application/json";
    Err(Failure::new(ErrorKind::Invalid, "invalid_format", message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// `application/json`, or `application/<something>+json`, with or without parameters.
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn too_large(bytes_max: u64) -> Failure {
    let message = format!("the body is larger than {bytes_max} bytes");
    Failure::new(ErrorKind::Invalid, "value_too_long", message)
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
        .closing()
}

/// The body did not arrive in time.
pub(crate) fn late() -> Failure {
    let message = "the body did not arrive in time";
    Failure::new(ErrorKind::Timeout, "timeout", message)
        .with_status(StatusCode::REQUEST_TIMEOUT)
        .closing()
}

fn broken(error: &hyper::Error) -> Failure {
    tracing::debug!(%error, "a body broke off");
    Failure::new(
        ErrorKind::Invalid,
        "invalid_format",
        "the body is not what its head announced",
    )
    .closing()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_type() {
        let check = |kind: &str, expected: bool| assert_eq!(is_json(kind), expected, "{kind}");
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/merge-patch+json", true);
        check("application/jsonp", false);
        check("text/plain", false);
        check("text/json", false);
        check("", false);
        check("multipart/form-data; boundary=application/json", false);
    }
}
