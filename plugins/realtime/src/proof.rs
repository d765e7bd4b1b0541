//! What a request proves itself with: an `Authorization` header or key, a token in `Sec-WebSocket-Protocol: auth, TOKEN` or in
//! `?token=`, or else the session's cookie. What is said goes before what the browser sends along by itself.
//!
//! A cookie comes with whatever page opens a connection, and a WebSocket may be opened to anywhere: so one that a cookie signs
//! in is held to the rule of changing requests, which `auth` lets come from pages of ours alone.

use objectos_plugin_api::{Context, HttpRequest, contracts::auth::Credentials};

/// First word of `Sec-WebSocket-Protocol` where a token follows; the protocol that is answered then.
pub(crate) const PROTOCOL: &str = "auth";

/// What came, and how it came.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) credentials: Credentials,
    /// There is something to look at.
    pub(crate) there: bool,
    /// The client asked for the protocol `auth`.
    pub(crate) protocol: bool,
}

impl Proof {
    /// Of a request that opens a WebSocket.
    pub(crate) fn of_socket(context: &Context, request: &HttpRequest) -> Self {
        let mut words = request
            .header("sec-websocket-protocol")
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        let protocol = words.next() == Some(PROTOCOL);
        let by_protocol = words.next().filter(|token| protocol && !token.is_empty());
        let token = by_protocol
            .map(str::to_owned)
            .or_else(|| parameter(request.query(), "token"));
        Self {
            protocol,
            ..Self::read(context, request, token.as_deref(), "POST")
        }
    }

    /// Of any other request. `writes`: it says something about the caller that others see.
    pub(crate) fn of_request(context: &Context, request: &HttpRequest, writes: bool) -> Self {
        let mut proof = Self::read(context, request, None, request.method());
        if !writes && proof.credentials.cookie.is_none() {
            // A key that may only read may listen.
            "GET".clone_into(&mut proof.credentials.method);
        }
        proof
    }

    /// The same client with a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        let mut proof = self.clone();
        proof.credentials.authorization = Some(format!("Bearer {token}"));
        proof.credentials.cookie = None;
        proof.credentials.api_key = None;
        "GET".clone_into(&mut proof.credentials.method);
        proof.there = true;
        proof
    }

    /// `changing`: the method that a cookie is held to.
    fn read(context: &Context, request: &HttpRequest, token: Option<&str>, changing: &str) -> Self {
        let header = |name: &str| request.header(name).map(str::to_owned);
        let mut authorization = header("authorization");
        let api_key = header("x-api-key");
        if authorization.is_none() && api_key.is_none() {
            authorization = token
                .filter(|token| !token.is_empty())
                .map(|token| format!("Bearer {token}"));
        }
        let said = authorization.is_some() || api_key.is_some();
        let cookie = header("cookie").filter(|_| !said);
        let facts = context.extra();
        let address = facts
            .get("address")
            .and_then(|address| address.as_str().map(str::to_owned));
        let method = if said && request.method() == "GET" {
            "GET"
        } else {
            changing
        };
        let there = said || cookie.is_some();
        Self {
            credentials: Credentials {
                authorization,
                cookie,
                api_key,
                origin: header("origin"),
                host: header("host"),
                method: method.to_owned(),
                path: request.path().to_owned(),
                address: address.unwrap_or_default(),
                passive: false,
                secure: facts.get("secure") == Some(&serde_json::Value::Bool(true)),
            },
            there,
            protocol: false,
        }
    }

    /// What to look at again while the connection lasts: where it came from was looked at when it came. That somebody is
    /// connected is no use of their session.
    pub(crate) fn lasting(&self) -> Credentials {
        Credentials {
            method: "GET".to_owned(),
            passive: true,
            ..self.credentials.clone()
        }
    }
}

/// The first value of a query parameter, decoded; `+` is a space.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(value)).flatten()
    })
}

/// Decodes percent signs; `None` for a broken sequence or bytes that are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::HttpRequestParts;

    use super::*;

    fn request(query: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let parts = HttpRequestParts {
            method: "GET",
            route: "/ws",
            path: "/ws",
            query,
            headers,
            ..HttpRequestParts::default()
        };
        HttpRequest::decode(parts.encode()).unwrap()
    }

    #[test]
    fn what_is_said_goes_before_what_comes_along() {
        let cookie = ("cookie", "better-auth.session_token=c");
        for (query, headers, authorization, by_cookie, method) in [
            (
                "",
                &[("authorization", "Bearer h"), cookie][..],
                Some("Bearer h"),
                false,
                "GET",
            ),
            (
                "token=q",
                &[("sec-websocket-protocol", "auth, p"), cookie][..],
                Some("Bearer p"),
                false,
                "GET",
            ),
            ("token=q%2B1", &[cookie][..], Some("Bearer q+1"), false, "GET"),
            ("token=", &[cookie][..], None, true, "POST"),
            (
                "",
                &[("sec-websocket-protocol", "auth"), cookie][..],
                None,
                true,
                "POST",
            ),
            ("", &[("sec-websocket-protocol", "chat, p")][..], None, false, "POST"),
            ("token=q", &[("x-api-key", "k"), cookie][..], None, false, "GET"),
        ] {
            let proof = Proof::of_socket(&Context::request("r"), &request(query, headers));
            let credentials = &proof.credentials;
            assert_eq!(
                credentials.authorization.as_deref(),
                authorization,
                "{query} {headers:?}"
            );
            assert_eq!(credentials.cookie.is_some(), by_cookie, "{query} {headers:?}");
            assert_eq!(credentials.method, method, "{query} {headers:?}");
            let lasting = proof.lasting();
            assert_eq!((lasting.method.as_str(), lasting.passive), ("GET", true));
            assert!(!credentials.passive, "whoever opens a connection uses the session");
        }
        let nothing = Proof::of_socket(&Context::request("r"), &request("", &[]));
        assert!(!nothing.there);
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(parameter("a=1&b=x+y%21", "b").as_deref(), Some("x y!"));
        assert_eq!(parameter("a=%zz", "a"), None);
        assert_eq!(parameter("a", "a").as_deref(), Some(""));
    }
}
