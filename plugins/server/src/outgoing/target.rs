//! The URL of an outgoing request, taken apart, and the operator's list of hosts.

use http::{HeaderValue, Uri, uri::PathAndQuery};
use objectos_plugin_api::{Error, Result};
use rustls::pki_types::ServerName;

use crate::ServerError;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) secure: bool,
    /// In lower case; an IPv6 address has its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    port_given: bool,
    /// Path and query.
    pub(super) path: Uri,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let invalid = |problem: &str| Error::invalid(format!("`{url}` cannot be sent to: {problem}"));
        let uri: Uri = url.parse().map_err(|_| invalid("it is not a URL"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(invalid("it must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("it has a user name; put credentials into a header"));
        }
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() {
            return Err(invalid("it has no host"));
        }
        let given = authority.port_u16();
        if given.is_none()
            && authority
                .as_str()
                .rsplit_once(':')
                .is_some_and(|(_, port)| !port.ends_with(']'))
        {
            return Err(invalid("its port is not a number"));
        }
        let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let port = given.unwrap_or(if secure { 443 } else { 80 });
        Ok(Self {
            secure,
            host,
            port,
            port_given: given.is_some(),
            path: path.into(),
        })
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn bare_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// Host and port, as rules about hosts have them.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn host_header(&self) -> Result<HeaderValue> {
        let text = if self.port_given {
            format!("{}:{}", self.host, self.port)
        } else {
            self.host.clone()
        };
        HeaderValue::from_str(&text).map_err(|_| Error::invalid(format!("`{}` is not a host", self.host)))
    }

    /// The name that the certificate must have.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>> {
        ServerName::try_from(self.bare_host().to_owned())
            .map_err(|_| Error::invalid(format!("`{}` is not a name that a certificate can have", self.host)))
    }
}

/// Hosts that may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AllowList(Vec<Allowed>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    /// `*` is every host, `.example.com` every host below that.
    host: String,
    port: Option<u16>,
}

impl AllowList {
    pub(super) fn parse(entries: &[String]) -> Result<Self, ServerError> {
        let parse = |(index, text): (usize, &String)| {
            Allowed::parse(text).ok_or_else(|| {
                let message =
                    format!("`{text}` is not a host; write it as in `api.example.com`, `*.example.com:8443` or `*`");
                ServerError::setting(&format!("outgoing.allow[{index}]"), message)
            })
        };
        entries
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn contains(&self, target: &Target) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed.port.is_none_or(|port| port == target.port) && allowed.names(&target.host))
    }
}

impl Allowed {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (host, port) = match text.rsplit_once(':') {
            // A colon inside brackets belongs to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (text.as_str(), None),
        };
        let host = if host == "*" {
            host
        } else {
            host.strip_prefix('*').unwrap_or(host)
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let valid = host == "*" || !host.is_empty() && host != "." && host.bytes().all(plain);
        let bracketed = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
        (valid && bracketed).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    fn names(&self, host: &str) -> bool {
        match self.host.as_str() {
            "*" => true,
            below if below.starts_with('.') => host.ends_with(below),
            exact => host == exact,
        }
    }
}
