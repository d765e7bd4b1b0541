//! The beginning of a WebSocket: whether a request asks for one, and rightly (RFC 6455, section 4.2), and whether the page that
//! asks may. A browser sends the cookies of its user along whatever page asks, and asks nobody before; so the server looks at
//! `Origin` by itself, before anything is called.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use objectos_plugin_api::{Error, ErrorKind};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use crate::{
    access::is_own,
    exchange::Exchange,
    gateway::Gateway,
    problem::Failure,
    router::{Route, Target},
};

/// The one version there is.
const VERSION: &str = "13";
/// Bytes of a key, decoded.
const KEY_BYTES: usize = 16;
/// What the answer's key is made with, by the standard.
const SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake that is good.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// `Sec-WebSocket-Accept` of the answer.
    pub(crate) accept: HeaderValue,
}

impl<G: Gateway> Exchange<'_, G> {
    /// The handshake of a request to a plugin's route, if it is one. `bodiless`: there is no body behind its head.
    ///
    /// Fails with 400 when it is not good, saying where, and with 403 when it comes from a page of another origin.
    pub(crate) fn handshake<R>(&self, route: &Route<R>, bodiless: bool) -> Result<Option<Handshake>, Failure> {
        if !matches!(route.target, Target::Plugin(_)) {
            return Ok(None);
        }
        let Some(handshake) = Handshake::of(self.head, bodiless)? else {
            return Ok(None);
        };
        let authority = self.authority();
        let foreign = |origin: &HeaderValue| {
            let own = authority.is_some_and(|authority| is_own(origin, authority));
            !own && !self.server.cors.allows(origin)
        };
        if self.head.headers.get_all(header::ORIGIN).iter().any(foreign) {
            let message = "pages of this origin may not open sockets; add it to cors.origins of objectos.server";
            return Err(Failure::new(ErrorKind::Denied, "permission_denied", message));
        }
        Ok(Some(handshake))
    }
}

impl Handshake {
    fn of(head: &Parts, bodiless: bool) -> Result<Option<Self>, Failure> {
        let headers = &head.headers;
        let asks = head.method == Method::GET && says(headers, &header::UPGRADE, "websocket");
        if !asks || head.version > Version::HTTP_11 {
            return Ok(None);
        }
        if head.version < Version::HTTP_11 {
            return Err(malformed("it comes by HTTP/1.0; send it by HTTP/1.1"));
        }
        if !says(headers, &header::CONNECTION, "upgrade") {
            return Err(malformed("the header `Connection` does not say `Upgrade`; add it"));
        }
        if only(headers, &header::SEC_WEBSOCKET_VERSION) != Some(VERSION) {
            let failure = malformed("the header `Sec-WebSocket-Version` does not say 13; send 13, once");
            return Err(failure.with_header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)));
        }
        if !bodiless {
            return Err(malformed("there is a body behind it; send none"));
        }
        let key = only(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
        let key = key.ok_or_else(|| {
            malformed("the header `Sec-WebSocket-Key` is not 16 bytes in base64; send it, once, with new bytes")
        })?;
        accept(key).map(|accept| Some(Self { accept }))
    }
}

/// Whether one of the protocols that the client offers is this one.
pub(crate) fn offers(headers: &HeaderMap, protocol: &str) -> bool {
    tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == protocol)
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
}

fn says(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|said| said.eq_ignore_ascii_case(token))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first.trim())
}

fn is_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES)
}

fn accept(key: &str) -> Result<HeaderValue, Failure> {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key.as_bytes());
    digest.update(SALT);
    let text = STANDARD.encode(digest.finish());
    HeaderValue::from_str(&text).map_err(|error| Error::internal(error).into())
}

fn malformed(problem: &str) -> Failure {
    let message = format!("the WebSocket handshake is not good: {problem}");
    Failure::new(ErrorKind::Invalid, "invalid_format", message).with_status(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const GOOD: &[(&str, &str)] = &[
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn head(method: Method, version: Version, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// The good one with some headers instead of others; without those whose value is empty.
    fn changed(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        let kept = GOOD
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let added = changes.iter().filter(|(_, value)| !value.is_empty());
        kept.chain(added).copied().collect()
    }

    #[test]
    fn a_good_handshake_is_accepted_as_the_standard_shows() {
        let handshake = Handshake::of(&head(Method::GET, Version::HTTP_11, GOOD), true).unwrap();
        assert_eq!(handshake.unwrap().accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_asks_for_no_socket_is_no_handshake() {
        let check = |method: Method, version: Version, changes: &[(&'static str, &'static str)]| {
            let head = head(method, version, &changed(changes));
            assert!(Handshake::of(&head, true).unwrap().is_none(), "{head:?}");
        };
        check(Method::POST, Version::HTTP_11, &[]);
        check(Method::GET, Version::HTTP_2, &[]);
        check(Method::GET, Version::HTTP_11, &[("upgrade", "")]);
        check(Method::GET, Version::HTTP_11, &[("upgrade", "h2c")]);
    }

    #[test]
    fn a_bad_handshake_says_where() {
        let check = |version: Version, changes: &[(&'static str, &'static str)], bodiless: bool, place: &str| {
            let head = head(Method::GET, version, &changed(changes));
            let failure = Handshake::of(&head, bodiless).unwrap_err();
            assert_eq!(failure.status(), StatusCode::BAD_REQUEST, "{place}");
            assert!(failure.error.message().contains(place), "{}", failure.error.message());
        };
        check(Version::HTTP_10, &[], true, "HTTP/1.1");
        check(Version::HTTP_11, &[("connection", "close")], true, "`Connection`");
        check(Version::HTTP_11, &[("sec-websocket-version", "8")], true, "-Version`");
        check(Version::HTTP_11, &[("sec-websocket-version", "")], true, "-Version`");
        check(Version::HTTP_11, &[("sec-websocket-key", "")], true, "-Key`");
        check(Version::HTTP_11, &[("sec-websocket-key", "c2hvcnQ=")], true, "-Key`");
        check(Version::HTTP_11, &[("sec-websocket-key", "no base64")], true, "-Key`");
        check(Version::HTTP_11, &[], false, "body");
    }

    #[test]
    fn a_protocol_is_offered_in_a_list() {
        let head = head(
            Method::GET,
            Version::HTTP_11,
            &[("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", "c")],
        );
        for (protocol, expected) in [("a", true), ("b", true), ("c", true), ("d", false), ("a, b", false)] {
            assert_eq!(offers(&head.headers, protocol), expected, "{protocol}");
        }
    }
}
