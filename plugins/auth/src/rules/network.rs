//! Where people may come from: the networks that policies trust. With `blockUnknown` nothing is taken from anywhere else, before
//! anybody is asked who they are; several policies are held together. Without it trust changes nothing, for nothing here is
//! easier from a trusted network. The address is the one that the gateway established.

use serde::Deserialize;
use std::{net::IpAddr, sync::Arc};

use super::unusable;
use crate::error::{Refusal, Result};

/// What a policy says (`security/NetworkPolicy`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkRules {
    trusted_ranges: Vec<String>,
    #[serde(default)]
    block_unknown: bool,
    #[serde(default)]
    vpn_required: bool,
}

/// The networks that all requests have to come from: one of each list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks(Vec<Arc<[Range]>>);

impl Networks {
    /// Takes what a policy demands.
    ///
    /// # Errors
    /// `Configuration` for one that cannot be held.
    pub(super) fn tighten(&mut self, policy: &str, rules: &NetworkRules) -> Result<()> {
        if rules.vpn_required {
            let reason = "vpnRequired: nobody can tell here who comes by a VPN; put the addresses that its users have into trustedRanges, with blockUnknown";
            return Err(unusable(policy, reason));
        }
        let ranges: Vec<Range> = rules
            .trusted_ranges
            .iter()
            .map(|text| {
                let reason = format!("trustedRanges: `{text}` is no network such as 10.0.0.0/8 or 2001:db8::/32");
                Range::read(text).ok_or_else(|| unusable(policy, &reason))
            })
            .collect::<Result<_>>()?;
        if !rules.block_unknown {
            return Ok(());
        }
        if ranges.is_empty() {
            let reason =
                "blockUnknown without trustedRanges would shut everybody out; name the networks that are let in";
            return Err(unusable(policy, reason));
        }
        self.0.push(ranges.into());
        Ok(())
    }

    /// Takes what is demanded elsewhere as well.
    pub(super) fn join(&mut self, others: &Self) {
        for ranges in &others.0 {
            if !self.0.iter().any(|known| Arc::ptr_eq(known, ranges)) {
                self.0.push(Arc::clone(ranges));
            }
        }
    }

    /// Whether something that comes from an address is taken.
    ///
    /// # Errors
    /// `UnknownNetwork`; also for an address that cannot be read.
    pub(crate) fn admit(&self, address: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let address: Option<IpAddr> = address.parse().ok();
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return Err(Refusal::UnknownNetwork.into());
        };
        if self
            .0
            .iter()
            .all(|ranges| ranges.iter().any(|range| range.has(address)))
        {
            return Ok(());
        }
        Err(Refusal::UnknownNetwork.into())
    }
}

/// Addresses with the same beginning.
#[derive(Clone, Copy, Debug)]
struct Range {
    begin: IpAddr,
    bits: u32,
}

/// An address as a number, and how many bits it has.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

impl Range {
    /// `10.0.0.0/8`, or one address.
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let begin: IpAddr = address.trim().parse().ok()?;
        let (_, most) = number(begin);
        let bits = match bits {
            Some(bits) => bits.trim().parse::<u32>().ok().filter(|bits| *bits <= most)?,
            None => most,
        };
        Some(Self { begin, bits })
    }

    fn has(self, address: IpAddr) -> bool {
        let ((begin, most), (address, width)) = (number(self.begin), number(address));
        // A network of no bits at all is everything of its kind.
        let head = |number: u128| number.checked_shr(most - self.bits).unwrap_or(0);
        most == width && head(begin) == head(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranges: &[&str], address: &str, expected: bool) {
        let rules = NetworkRules {
            trusted_ranges: ranges.iter().map(|range| (*range).to_owned()).collect(),
            block_unknown: true,
            vpn_required: false,
        };
        let mut networks = Networks::default();
        networks.tighten("p", &rules).unwrap();
        assert_eq!(networks.admit(address).is_ok(), expected, "{ranges:?} {address}");
    }

    #[test]
    fn addresses_belong_to_networks() {
        check(&["10.0.0.0/8"], "10.200.3.4", true);
        check(&["10.0.0.0/8"], "11.0.0.1", false);
        check(&["10.1.2.3/8"], "10.9.9.9", true);
        check(&["192.0.2.7"], "192.0.2.7", true);
        check(&["192.0.2.7"], "192.0.2.8", false);
        check(&["192.0.2.0/25"], "192.0.2.128", false);
        check(&["0.0.0.0/0"], "203.0.113.9", true);
        check(&["0.0.0.0/0"], "2001:db8::1", false);
        check(&["::/0"], "203.0.113.9", false);
        check(&["2001:db8::/32", "10.0.0.0/8"], "2001:db8:1::5", true);
        check(&["2001:db8::/33"], "2001:db8:8000::5", false);
        // As a socket for both kinds shows an address of the older one.
        check(&["10.0.0.0/8"], "::ffff:10.0.0.1", true);
        check(&["10.0.0.0/8"], "", false);
        check(&["10.0.0.0/8"], "10.0.0.1:80", false);
    }

    #[test]
    fn every_policy_has_its_say() {
        let rules = |range: &str, block_unknown| NetworkRules {
            trusted_ranges: vec![range.to_owned()],
            block_unknown,
            vpn_required: false,
        };
        let mut networks = Networks::default();
        networks.tighten("p", &rules("10.0.0.0/8", true)).unwrap();
        networks.tighten("q", &rules("192.0.2.0/24", false)).unwrap();
        assert!(networks.admit("10.1.0.1").is_ok() && networks.admit("192.0.2.1").is_err());
        networks.tighten("r", &rules("10.1.0.0/16", true)).unwrap();
        assert!(networks.admit("10.1.0.1").is_ok() && networks.admit("10.2.0.1").is_err());
        let mut others = Networks::default();
        others.join(&networks);
        others.join(&networks);
        assert_eq!(others.0.len(), 2, "each once");
        assert!(others.admit("10.1.0.1").is_ok() && others.admit("10.2.0.1").is_err());
    }
}
