//! Which web pages may act for their users. A request that proves itself by a cookie came from a page, so the page has to be
//! one of ours; a request without a cookie has nothing that another page could use, and a page that names itself is held to
//! what it says.

use crate::error::{AuthError, Refusal, Result};

/// Pages that may call.
#[derive(Clone, Debug)]
pub(crate) struct TrustedOrigins {
    patterns: Vec<String>,
    /// Any page of this machine.
    local: bool,
    /// The public address is https.
    secure: bool,
}

impl TrustedOrigins {
    /// The public address, what the operator named, and in development every page of this machine.
    pub(crate) fn new(base_url: Option<&str>, named: &[String], development: bool) -> Self {
        let base = base_url.and_then(origin_of);
        Self {
            patterns: named
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_owned())
                .chain(base)
                .collect(),
            local: development,
            secure: base_url.is_some_and(|url| url.starts_with("https://")),
        }
    }

    /// Whether pages of an origin may call. `host` is the `Host` of the request: what comes from there came from us. Where people
    /// come over https, or the request did (`secure`), a page of that name without it is somebody's on the way.
    pub(crate) fn allows(&self, origin: &str, host: Option<&str>, secure: bool) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let safe = scheme.eq_ignore_ascii_case("https") || !(self.secure || secure);
        if safe && host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
            return true;
        }
        if self.local && is_local(authority) {
            return true;
        }
        self.patterns.iter().any(|pattern| fits(pattern, origin))
    }

    /// Holds a changing request to the rule. `cookie`: one of our cookies came with it.
    pub(crate) fn check(&self, origin: Option<&str>, host: Option<&str>, secure: bool, cookie: bool) -> Result<()> {
        match origin {
            Some("null") if cookie => Err(Refusal::MissingOrigin.into()),
            Some(origin) if self.allows(origin, host, secure) => Ok(()),
            Some(origin) => Err(AuthError::explained(
                Refusal::Origin,
                format!("Invalid origin: {origin} is not among trustedOrigins of objectos.auth"),
            )),
            None if cookie => Err(Refusal::MissingOrigin.into()),
            None => Ok(()),
        }
    }

    /// Whether a browser may be sent to an address: a path of ours, or a trusted origin.
    pub(crate) fn leads_home(&self, url: &str) -> bool {
        let path = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
        let plain = url.bytes().all(|byte| byte > 32 && byte != 127);
        plain && (path || origin_of(url).is_some_and(|origin| self.allows(&origin, None, false)))
    }
}

/// `https://host:port` of an address.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest
        .split(['/', '?', '#', '\\'])
        .next()
        .filter(|text| !text.is_empty())?;
    // What stands before an @ is a name, and would make the host look like another.
    (!authority.contains('@')).then(|| format!("{scheme}://{}", authority.to_ascii_lowercase()))
}

fn is_local(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "::1"
}

/// `*` stands for a piece without `/` and, but for a port, without a dot that would widen it.
fn fits(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(origin),
        Some((before, after)) => {
            let middle = origin
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .unwrap_or("/");
            !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedOrigins {
        let named = ["https://*.example.com".to_owned(), "http://localhost:*".to_owned()];
        TrustedOrigins::new(Some("https://crm.example.org/"), &named, false)
    }

    #[test]
    fn pages_are_ours_or_named() {
        let check = |origin: &str, host: Option<&str>, expected: bool| {
            assert_eq!(trusted().allows(origin, host, false), expected, "{origin} {host:?}");
        };
        check("https://crm.example.org", None, true);
        check("https://crm.example.org:8443", None, false);
        check("https://10.0.0.1:3000", Some("10.0.0.1:3000"), true);
        check("http://10.0.0.1:3000", Some("10.0.0.1:3000"), false);
        check("https://a.example.com", None, true);
        check("https://a.b.example.com", None, false);
        check("https://evil.com/.example.com", None, false);
        check("https://example.com", None, false);
        check("http://localhost:5173", None, true);
        check("http://localhost:evil.com", None, false);
        check("null", None, false);
        check("https://evil.com", Some("crm.example.org"), false);
    }

    #[test]
    fn a_page_that_came_without_https_is_not_ours_where_we_have_it() {
        let (host, named) = (Some("crm.example.org"), ["http://old.example.org".to_owned()]);
        for (base, secure, origin, expected) in [
            (None, false, "http://crm.example.org", true),
            (None, false, "https://crm.example.org", true),
            (None, true, "http://crm.example.org", false),
            (None, true, "https://crm.example.org", true),
            (Some("http://crm.example.org"), false, "http://crm.example.org", true),
            (Some("https://crm.example.org"), false, "http://crm.example.org", false),
            (Some("https://crm.example.org"), false, "HTTPS://crm.example.org", true),
            (Some("https://crm.example.org"), true, "http://old.example.org", true),
        ] {
            let trusted = TrustedOrigins::new(base, &named, false);
            assert_eq!(
                trusted.allows(origin, host, secure),
                expected,
                "{base:?} {secure} {origin}"
            );
        }
    }

    #[test]
    fn a_cookie_needs_a_page_of_ours() {
        let host = Some("crm.example.org");
        let check = |origin: Option<&str>, cookie: bool, expected: bool| {
            assert_eq!(
                trusted().check(origin, host, false, cookie).is_ok(),
                expected,
                "{origin:?} {cookie}"
            );
        };
        check(None, false, true);
        check(None, true, false);
        check(Some("null"), true, false);
        check(Some("https://crm.example.org"), true, true);
        check(Some("https://evil.com"), true, false);
        check(Some("https://evil.com"), false, false);
    }

    #[test]
    fn browsers_are_sent_home_only() {
        let check = |url: &str, expected: bool| assert_eq!(trusted().leads_home(url), expected, "{url}");
        check("/app?x=1", true);
        check("//evil.com", false);
        check("/\\evil.com", false);
        check("https://crm.example.org/app", true);
        check("https://crm.example.org@evil.com/", false);
        check("https://evil.com/", false);
        check("javascript:alert(1)", false);
        check("/a\r\nset-cookie: x", false);
        check("", false);
    }
}
