//! From an entry of `webhooks` to a [`Webhook`]: everything that can be wrong with it is said before the first event.

use base64::{Engine, engine::general_purpose::STANDARD};
use objectos_plugin_api::protocol::kernel::{
    EventWebhookConfig, RetryPolicy, WebhookAuthentication, WebhookAuthenticationKind, WebhookMethod,
};
use sha2::{Digest, Sha256};
use std::sync::atomic::AtomicBool;

use super::{PLUGIN, Webhook};
use crate::events::{error::EventConfigError, pattern::Pattern, port::HandlerId, retry::Backoff, template::Template};

/// Headers that the bus or the HTTP client writes itself.
const RESERVED: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "authorization",
];

impl Webhook {
    /// Compiles one entry. `place` is its path, as in `webhooks[0]`.
    ///
    /// # Errors
    /// The first thing that cannot be used, with its key.
    pub(crate) fn compile(
        place: &str,
        config: &EventWebhookConfig,
        queue: &RetryPolicy,
    ) -> Result<Self, EventConfigError> {
        let invalid = |key: &str, problem: String| EventConfigError::invalid(format!("{place}.{key}"), problem);
        let pattern = Pattern::parse(&config.event_pattern).map_err(|problem| invalid("eventPattern", problem))?;
        if !(config.url.starts_with("http://") || config.url.starts_with("https://")) {
            return Err(invalid(
                "url",
                format!("`{}` is no web address; begin it with https://", config.url),
            ));
        }
        let method = match config.method {
            WebhookMethod::Get => "GET",
            WebhookMethod::Post => "POST",
            WebhookMethod::Put => "PUT",
            WebhookMethod::Patch => "PATCH",
        };
        let mut headers = headers(place, config)?;
        let mut secret = None;
        if let Some(authentication) = &config.authentication {
            headers.extend(authenticate(place, authentication)?);
            secret = authentication.credentials.get("secret").cloned();
        }
        let template = match &config.transform {
            None => None,
            Some(value) => Some(Template::compile(value).map_err(|problem| invalid("transform", problem))?),
        };
        let name = match &config.id {
            Some(id) if id.is_empty() || id.contains('/') => {
                return Err(invalid(
                    "id",
                    format!("`{id}` is no id; it must not be empty nor contain `/`"),
                ));
            }
            Some(id) => id.clone(),
            None => hash(&[&config.event_pattern, method, &config.url]),
        };
        Ok(Self {
            id: HandlerId::new(PLUGIN, &name),
            pattern,
            retry: Backoff::from_policy(config.retry_policy.as_ref().unwrap_or(queue)),
            timeout_ms: config.timeout_ms,
            method,
            url: config.url.clone(),
            headers,
            secret,
            template,
            off: AtomicBool::new(false),
        })
    }
}

fn headers(place: &str, config: &EventWebhookConfig) -> Result<Vec<(String, String)>, EventConfigError> {
    let mut headers = Vec::new();
    for (name, value) in &config.headers {
        let key = format!("{place}.headers.{name}");
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("x-objectos-") || RESERVED.contains(&lower.as_str()) {
            let problem = match lower.as_str() {
                "authorization" => "credentials belong below authentication".to_owned(),
                _ => "this header is written by the host; remove it".to_owned(),
            };
            return Err(EventConfigError::invalid(key, problem));
        }
        header(&key, name, value)?;
        headers.push((name.clone(), value.clone()));
    }
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("User-Agent", concat!("ObjectOS/", env!("CARGO_PKG_VERSION"))),
    ] {
        if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

/// A header must not be able to end its line: that would let a value write further headers.
fn header(key: &str, name: &str, value: &str) -> Result<(), EventConfigError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(EventConfigError::invalid(
            key,
            format!("`{name}` is no name of a header"),
        ));
    }
    if value.chars().any(char::is_control) {
        return Err(EventConfigError::invalid(key, "the value has control characters"));
    }
    Ok(())
}

fn authenticate(
    place: &str,
    authentication: &WebhookAuthentication,
) -> Result<Option<(String, String)>, EventConfigError> {
    let needed = |name: &str| {
        let key = format!("{place}.authentication.credentials.{name}");
        match authentication.credentials.get(name) {
            Some(value) if value.chars().any(char::is_control) => {
                Err(EventConfigError::invalid(key, "the value has control characters"))
            }
            Some(value) if !value.is_empty() => Ok(value.as_str()),
            Some(_) | None => Err(EventConfigError::invalid(key, "this kind of authentication needs it")),
        }
    };
    let allowed: &[&str] = match authentication.kind {
        WebhookAuthenticationKind::None => &["secret"],
        WebhookAuthenticationKind::Bearer => &["secret", "token"],
        WebhookAuthenticationKind::Basic => &["secret", "username", "password"],
        WebhookAuthenticationKind::ApiKey => &["secret", "key", "header"],
    };
    if let Some(unknown) = authentication
        .credentials
        .keys()
        .find(|key| !allowed.contains(&key.as_str()))
    {
        return Err(EventConfigError::invalid(
            format!("{place}.authentication.credentials.{unknown}"),
            format!(
                "this kind of authentication has no such credential; it has {}",
                allowed.join(", ")
            ),
        ));
    }
    if authentication.credentials.contains_key("secret") {
        needed("secret")?;
    }
    Ok(match authentication.kind {
        WebhookAuthenticationKind::None => None,
        WebhookAuthenticationKind::Bearer => Some(("Authorization".to_owned(), format!("Bearer {}", needed("token")?))),
        WebhookAuthenticationKind::Basic => {
            let pair = STANDARD.encode(format!("{}:{}", needed("username")?, needed("password")?));
            Some(("Authorization".to_owned(), format!("Basic {pair}")))
        }
        WebhookAuthenticationKind::ApiKey => {
            let name = authentication
                .credentials
                .get("header")
                .map_or("X-API-Key", String::as_str);
            let value = needed("key")?;
            header(&format!("{place}.authentication.credentials.header"), name, value)?;
            Some((name.to_owned(), value.to_owned()))
        }
    })
}

/// Twelve hexadecimal digits that stand for some texts.
fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
