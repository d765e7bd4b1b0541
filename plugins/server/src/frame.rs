//! A request on its way to a plugin: head and body in one frame, one allocation. Headers of the connection stay behind;
//! credentials go only to those who need them.

use http::{HeaderName, header, request::Parts};
use objectos_plugin_api::{HttpRequestParts, protocol::kernel::plugin_document::RouteAccess};
use std::borrow::Cow;

use crate::{
    access::cookies,
    body::Received,
    peer::is_hearsay,
    router::{Captures, Route, decode},
};

/// So many headers are collected without an allocation.
const INLINE: usize = 24;

/// Headers of the connection, and the length, which the frame has itself.
const LEFT_BEHIND: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a plugin gets to see of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// `Authorization`, `Cookie` and `X-API-Key`.
    pub(crate) credentials: bool,
    /// What a trusted proxy said.
    pub(crate) forwarded: bool,
    /// That a WebSocket is asked for, by a handshake that is good.
    pub(crate) upgrade: bool,
}

impl Sight {
    /// With an `auth` service, who the caller is stands in the context; only the plugin that provides it, and public
    /// routes, which get no principal for sure, see how that was proved.
    pub(crate) fn of<R>(route: &Route<R>, auth: Option<&str>, proxied: bool, upgrade: bool) -> Self {
        let credentials = auth.is_none_or(|provider| provider == route.plugin) || route.access == RouteAccess::Public;
        Self {
            credentials,
            forwarded: proxied,
            upgrade,
        }
    }

    fn passes(self, name: &HeaderName) -> bool {
        if LEFT_BEHIND.contains(name) {
            return false;
        }
        let credential = name == header::AUTHORIZATION || name == header::COOKIE || name.as_str() == "x-api-key";
        (self.credentials || !credential) && (self.forwarded || !is_hearsay(name))
    }
}

/// Writes the frame.
pub(crate) fn encode<R>(head: &Parts, route: &Route<R>, captures: &Captures, sight: Sight, body: &Received) -> Vec<u8> {
    let path = head.uri.path();
    let values = captures
        .ranges()
        .iter()
        .map(|range| decode(&path[range.clone()]).unwrap_or_default());
    let values: Values<'_> = Values::collect(values);
    let mut parameters = [("", ""); 8];
    let named = route.parameters.iter().zip(values.iter());
    let count = parameters
        .iter_mut()
        .zip(named)
        .map(|(slot, (name, value))| *slot = (name, value))
        .count();

    // HTTP/2 says the host in the address.
    let authority = head
        .uri
        .authority()
        .filter(|_| !head.headers.contains_key(header::HOST));
    let authority = authority.map(|authority| ("host", authority.as_str()));
    let upgrade = sight.upgrade.then_some(("upgrade", "websocket"));
    // HTTP/2 may say cookies in pieces, which are one header to everybody else (RFC 9113, section 8.2.3).
    let pieces = sight.credentials && head.headers.get_all(header::COOKIE).iter().nth(1).is_some();
    let cookies = pieces.then(|| cookies(&head.headers)).flatten();
    let cookie = cookies.as_deref().map(|cookie| ("cookie", cookie));
    let left = cookie.map(|(name, _)| name);
    let sent = head.headers.iter();
    let sent = sent.filter(|(name, _)| sight.passes(name) && left != Some(name.as_str()));
    let sent = sent.filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)));
    let most = head.headers.len() + 2;
    let (mut inline, mut spilled) = ([("", ""); INLINE], Vec::new());
    let slots = if most <= INLINE {
        &mut inline[..]
    } else {
        spilled.resize(most, ("", ""));
        &mut spilled[..]
    };
    let filled = slots
        .iter_mut()
        .zip(authority.into_iter().chain(upgrade).chain(cookie).chain(sent))
        .map(|(slot, pair)| *slot = pair)
        .count();

    let mut frame = HttpRequestParts {
        method: head.method.as_str(),
        route: route.pattern(),
        path,
        query: head.uri.query().unwrap_or_default(),
        parameters: &parameters[..count],
        headers: &slots[..filled],
        body: &body.first,
    }
    .encode();
    frame.reserve_exact(body.more.iter().map(bytes::Bytes::len).sum());
    body.more.iter().for_each(|piece| frame.extend_from_slice(piece));
    frame
}

/// Decoded parameters; at most as many as a pattern may have.
struct Values<'a>([Cow<'a, str>; 8], usize);

impl<'a> Values<'a> {
    fn collect(values: impl Iterator<Item = Cow<'a, str>>) -> Self {
        let mut slots: [Cow<'a, str>; 8] = Default::default();
        let count = slots.iter_mut().zip(values).map(|(slot, value)| *slot = value).count();
        Self(slots, count)
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.0[..self.1].iter().map(AsRef::as_ref)
    }
}
