//! Two small grammars of the configuration: an origin of a web page, and an address or a range of addresses.

use std::net::IpAddr;

/// `scheme://host[:port]`, in lower case, compared as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin; `null`, `*`, paths and user information are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (_, authority) = split(&lower)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        (!authority.is_empty() && authority.bytes().all(plain)).then_some(Self(lower))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        split(&self.0).map_or("", |(_, authority)| authority)
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = text.split_once("://")?;
    matches!(scheme, "http" | "https").then_some((scheme, authority))
}

/// The host of `host[:port]`, brackets of an IPv6 address included.
pub(crate) fn host_of(authority: &str) -> &str {
    let port = authority
        .rfind(':')
        .filter(|&at| authority[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    match port {
        // The colon of `[::1]` belongs to the address.
        Some(at) if !authority.ends_with(']') => &authority[..at],
        _ => authority,
    }
}

/// True when a host name or address can only mean this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let bytes = bare.as_bytes();
    bare.eq_ignore_ascii_case("localhost")
        || bytes.len() > 10 && bytes[bytes.len() - 10..].eq_ignore_ascii_case(b".localhost")
}

/// Addresses with a common beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads `10.0.0.7`, `10.0.0.0/8`, `::1` or `fd00::/8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().ok()?;
        let whole = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(whole);
        (bits <= whole).then_some(Self { first, bits })
    }

    /// True when the address lies in the range. An IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                let cut = |address: u32| u64::from(address) >> shift;
                cut(first.to_bits()) == cut(address.to_bits())
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                let cut = |address: u128| address.checked_shr(shift).unwrap_or(0);
                cut(first.to_bits()) == cut(address.to_bits())
            }
            _ => false,
        }
    }
}
