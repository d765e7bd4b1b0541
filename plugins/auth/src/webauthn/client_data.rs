//! What the browser says of a ceremony: what was done, for which challenge, on which page. The authenticator signs it.

use serde::Deserialize;

use super::{Expected, Fault, Result};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Action {
    /// A key was made.
    #[serde(rename = "webauthn.create")]
    Create,
    /// A key was used.
    #[serde(rename = "webauthn.get")]
    Get,
}

/// `CollectedClientData`; further keys may come.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    action: Action,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

impl ClientData {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|_| Fault("what the browser says cannot be read"))
    }

    /// Whether it is the ceremony that was begun.
    pub(super) fn check(&self, action: Action, expected: &Expected<'_>) -> Result<()> {
        if self.action != action {
            return Err(Fault("another ceremony than the one that was begun"));
        }
        if !crate::crypto::same(&self.challenge, expected.challenge) {
            return Err(Fault("another challenge than the one that was given out"));
        }
        if !(expected.trusts)(&self.origin) {
            return Err(Fault("the page is none of ours"));
        }
        // A page of ours inside of a foreign one is shown by somebody else.
        if self.cross_origin || self.top_origin.as_ref().is_some_and(|top| *top != self.origin) {
            return Err(Fault("the page was shown inside of another one"));
        }
        Ok(())
    }
}

/// Whether a page belongs to a relying party: its host is that domain or lies below it, and it came over https, or from this
/// machine.
pub(crate) fn belongs(origin: &str, party: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let below = host
        .strip_suffix(party)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let local = host == "localhost" || host.ends_with(".localhost");
    below && (scheme == "https" || (scheme == "http" && local))
}

#[cfg(test)]
mod tests {
    use super::belongs;

    #[test]
    fn a_page_belongs_to_its_own_domain_and_those_above() {
        let check = |origin: &str, party: &str, expected: bool| {
            assert_eq!(belongs(origin, party), expected, "{origin} {party}");
        };
        check("https://example.com", "example.com", true);
        check("https://crm.example.com:8443", "example.com", true);
        check("https://example.com", "crm.example.com", false);
        check("https://evilexample.com", "example.com", false);
        check("https://example.com.evil.org", "example.com", false);
        check("http://example.com", "example.com", false);
        check("http://localhost:3000", "localhost", true);
        check("null", "localhost", false);
    }
}
