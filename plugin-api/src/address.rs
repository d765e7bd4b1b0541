//! What the address of a caller counts as, wherever callers are told apart by it: failures counted, alarms raised, addresses shut
//! out. An IPv6 caller owns a whole /64 and takes a new address whenever they like, so that counts as one. Not here: networks that
//! an operator trusts, which are held against the address itself; and the gateway's allowance, which counts by numbers.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr},
};

/// The part of an IPv6 address that says which network it is of.
const NETWORK: u128 = u128::MAX << 64;

/// The name that an address is counted under: `192.0.2.7`, `2001:db8::/64`. An IPv4 address written as IPv6 counts as IPv4. What is
/// no address, or a name of this kind already, stays what it is.
#[must_use]
pub fn counted_address(address: &str) -> Cow<'_, str> {
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return Cow::Borrowed(address);
    };
    match parsed.to_canonical() {
        IpAddr::V4(_) if parsed.is_ipv4() => Cow::Borrowed(address),
        IpAddr::V4(older) => Cow::Owned(older.to_string()),
        IpAddr::V6(newer) => Cow::Owned(format!("{}/64", Ipv6Addr::from_bits(newer.to_bits() & NETWORK))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_the_newer_kind_is_one_caller() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            // As an operator may write it into the record of a block.
            ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
            ("", ""),
            ("unknown", "unknown"),
        ] {
            assert_eq!(counted_address(address), expected, "{address}");
        }
    }
}
