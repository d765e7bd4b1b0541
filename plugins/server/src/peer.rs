//! Where a request comes from. The socket says it; `X-Forwarded-For` is believed only from proxies that the operator named,
//! and read from its end, since everything before the last trusted entry was written by the caller.

use http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;

use crate::config::AddressRange;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers in which a proxy says what it saw; from anybody else they are hearsay and go no further.
pub(crate) fn is_hearsay(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded-") || name == header::FORWARDED || name.as_str() == "x-real-ip"
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The caller, as far as it can be known.
    pub(crate) address: IpAddr,
    /// The socket's other end is a trusted proxy.
    pub(crate) proxied: bool,
}

impl Peer {
    pub(crate) fn of(socket: IpAddr, headers: &HeaderMap, proxies: &[AddressRange]) -> Self {
        let trusted = |address: IpAddr| proxies.iter().any(|range| range.contains(address));
        if proxies.is_empty() || !trusted(socket) {
            return Self {
                address: socket.to_canonical(),
                proxied: false,
            };
        }
        let address = entries(headers).find(|entry| entry.is_none_or(|address| !trusted(address)));
        // An entry that is no address ends the chain: what stands before it cannot be trusted either.
        Self {
            address: address.flatten().unwrap_or(socket).to_canonical(),
            proxied: true,
        }
    }
}

/// The entries of all `X-Forwarded-For` headers, last first; `None` for one that is no address.
fn entries(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    let entries: Vec<Option<IpAddr>> = values
        .iter()
        .rev()
        .flat_map(|value| value.rsplit(',').map(entry))
        .collect();
    entries.into_iter()
}

fn entry(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.split(']').next())
        .unwrap_or(text);
    // Some proxies add the port.
    bare.parse().ok().or_else(|| {
        bare.rsplit_once(':')?
            .0
            .parse::<std::net::Ipv4Addr>()
            .ok()
            .map(IpAddr::V4)
    })
}

/// True when a proxy says that the caller is on another machine.
pub(crate) fn says_foreign(headers: &HeaderMap) -> bool {
    let foreign = |address: Option<IpAddr>| address.is_none_or(|address| !address.to_canonical().is_loopback());
    headers.contains_key(FORWARDED_FOR) && entries(headers).any(foreign)
        || headers.contains_key(header::FORWARDED)
        || headers
            .get("x-real-ip")
            .is_some_and(|value| foreign(value.to_str().ok().and_then(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(forwarded: &[&str]) -> HeaderMap {
        forwarded
            .iter()
            .map(|value| {
                (
                    HeaderName::from_static(FORWARDED_FOR),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let check = |socket: &str, forwarded: &[&str], proxies: &[&str], expected: &str| {
            let proxies: Vec<_> = proxies
                .iter()
                .map(|range| AddressRange::parse(range).unwrap())
                .collect();
            let peer = Peer::of(socket.parse().unwrap(), &headers(forwarded), &proxies);
            assert_eq!(peer.address.to_string(), expected, "{socket} {forwarded:?}");
        };
        check("192.0.2.1", &["203.0.113.9"], &[], "192.0.2.1");
        check("192.0.2.1", &["203.0.113.9"], &["10.0.0.0/8"], "192.0.2.1");
        check("10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"], "203.0.113.9");
        check(
            "10.0.0.1",
            &["6.6.6.6, 203.0.113.9, 10.0.0.2"],
            &["10.0.0.0/8"],
            "203.0.113.9",
        );
        check("10.0.0.1", &["6.6.6.6", "203.0.113.9"], &["10.0.0.0/8"], "203.0.113.9");
        check("10.0.0.1", &["203.0.113.9, garbage"], &["10.0.0.0/8"], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9:4711"], &["10.0.0.0/8"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::1]:4711"], &["10.0.0.0/8"], "2001:db8::1");
        check("10.0.0.1", &[], &["10.0.0.0/8"], "10.0.0.1");
        check("::ffff:10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"], "203.0.113.9");
    }

    #[test]
    fn a_proxy_that_names_another_machine_is_noticed() {
        let check = |forwarded: &[&str], expected: bool| {
            assert_eq!(says_foreign(&headers(forwarded)), expected, "{forwarded:?}")
        };
        check(&[], false);
        check(&["127.0.0.1"], false);
        check(&["::1, 127.0.0.1"], false);
        check(&["203.0.113.9, 127.0.0.1"], true);
        check(&["unknown"], true);
    }
}
