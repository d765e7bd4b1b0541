//! Scopes: which subjects a grant covers. Names end in `*`, hosts begin with `*.`, paths cover what lies below them.

use std::net::IpAddr;

/// How a scope is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// `data.record.created`, `data.*`, `*`.
    Name,
    /// `api.example.com`, `*.example.com:443`, `127.0.0.1:3000`, `[::1]:*`, `loopback`, `*`.
    Host,
    /// `/var/lib/app`, which covers everything below it; `*`.
    Path,
}

impl ScopeKind {
    /// Whether everything `subject` means lies within `scope`. A subject may be a scope itself.
    pub(super) fn covers(self, scope: &str, subject: &str) -> bool {
        if scope == "*" {
            return self != Self::Path || clean(subject);
        }
        match self {
            Self::Name => match scope.strip_suffix('*') {
                Some(prefix) => subject.starts_with(prefix) && subject.len() > prefix.len(),
                None => scope == subject,
            },
            Self::Host => host_covers(scope, subject),
            Self::Path => path_covers(scope, subject),
        }
    }

    /// Whether a scope stands for more than one subject.
    pub(super) fn is_wide(self, scope: &str) -> bool {
        match self {
            Self::Name | Self::Host => scope.contains('*') || scope == "loopback",
            Self::Path => true,
        }
    }
}

fn host_covers(scope: &str, subject: &str) -> bool {
    let (scope_host, scope_port) = split_port(scope);
    let (subject_host, subject_port) = split_port(subject);
    let port = match (scope_port, subject_port) {
        (None | Some("*"), _) => true,
        (Some(scope), Some(subject)) => scope == subject,
        (Some(_), None) => false,
    };
    port && name_covers(&scope_host.to_ascii_lowercase(), &subject_host.to_ascii_lowercase())
}

fn name_covers(scope: &str, subject: &str) -> bool {
    if scope == "*" || scope == subject {
        return true;
    }
    if scope == "loopback" {
        return subject == "localhost" || address(subject).is_some_and(|address| address.is_loopback());
    }
    if let Some(domain) = scope.strip_prefix("*.") {
        return subject
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1);
    }
    matches!((address(scope), address(subject)), (Some(scope), Some(subject)) if scope == subject)
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// `host:port` in two; an IPv6 address has its colons in brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => (host, Some(port)),
        _ => (text, None),
    }
}

fn path_covers(scope: &str, subject: &str) -> bool {
    let scope = scope.trim_end_matches('/');
    clean(subject)
        && subject
            .strip_prefix(scope)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path that cannot climb out of the folder it names.
fn clean(path: &str) -> bool {
    !path.split('/').any(|part| part == "..")
}
