//! Ids of a request: one of its own, taken from the caller when it is sane, and the trace it belongs to.

use http::HeaderMap;
use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

const REQUEST_ID: &str = "x-request-id";
const REQUEST_ID_BYTES_MAX: usize = 64;

/// Makes request ids for one connection: UUIDs of version 7, distinct by a random number for the connection and a count.
/// They need not be unguessable, so the system's random source is asked once for each connection and not for each request.
#[derive(Debug)]
pub(crate) struct RequestIds {
    random: [u8; 6],
    count: AtomicU32,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let [.., a, b, c, d, e, f] = *Uuid::new_v4().as_bytes();
        Self {
            random: [a, b, c, d, e, f],
            count: AtomicU32::new(0),
        }
    }

    pub(crate) fn next(&self, now_ms: i64) -> String {
        let [a, b, c, d, e, f] = self.random;
        let [w, x, y, z] = self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let millis = u64::try_from(now_ms).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[w, x, a, b, c, d, e, f, y, z]).into_uuid();
        id.as_hyphenated().to_string()
    }

    /// The caller's id, or a new one.
    pub(crate) fn of(&self, headers: &HeaderMap, now_ms: i64) -> String {
        given(headers).map_or_else(|| self.next(now_ms), ToOwned::to_owned)
    }
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=REQUEST_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

/// The trace id of a `traceparent` header (`00-<32 hex>-<16 hex>-<2 hex>`), empty when there is none or it is not valid.
pub(crate) fn trace_id(headers: &HeaderMap) -> &str {
    let parse = || {
        let text = headers.get("traceparent")?.to_str().ok()?;
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &str, length: usize| {
            part.len() == length
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let some = |part: &str| part.bytes().any(|byte| byte != b'0');
        // Later versions may add parts at the end; version ff does not exist.
        let shape = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        (shape && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && some(trace) && some(span)).then_some(trace)
    };
    parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn ids_are_of_version_7_and_distinct() {
        let ids = RequestIds::new();
        let made: Vec<String> = (0..1000).map(|_| ids.next(1_700_000_000_000)).collect();
        let parsed: Vec<Uuid> = made.iter().map(|id| Uuid::parse_str(id).unwrap()).collect();
        assert!(parsed.iter().all(|id| id.get_version_num() == 7));
        let (seconds, _) = parsed[0].get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_700_000_000);
        let distinct: std::collections::HashSet<_> = made.iter().chain(&[RequestIds::new().next(0)]).cloned().collect();
        assert_eq!(distinct.len(), 1001);
    }

    #[test]
    fn a_sane_id_of_the_caller_is_kept() {
        let check = |given: &[u8], kept: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
            let id = RequestIds::new().of(&headers, 0);
            assert_eq!(id.as_bytes() == given, kept, "{}", String::from_utf8_lossy(given));
        };
        check(b"abc-123_x.Y", true);
        check(&[b'a'; 64], true);
        check(&[b'a'; 65], false);
        check(b"", false);
        check(b"a b", false);
        check(b"a\"b", false);
        check("ü".as_bytes(), false);
    }

    #[test]
    fn a_trace_is_taken_from_a_valid_header_only() {
        let check = |given: &str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(given).unwrap());
            assert_eq!(trace_id(&headers), expected, "{given}");
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        check(&format!("00-{trace}-00f067aa0ba902b7-01"), trace);
        check(&format!("01-{trace}-00f067aa0ba902b7-01-more"), trace);
        check(&format!("00-{trace}-00f067aa0ba902b7-01-more"), "");
        check(&format!("ff-{trace}-00f067aa0ba902b7-01"), "");
        check(&format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()), "");
        check(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), "");
        check(&format!("00-{trace}-0000000000000000-01"), "");
        check("00-abc", "");
        assert_eq!(trace_id(&HeaderMap::new()), "");
    }
}
