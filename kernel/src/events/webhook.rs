//! Outgoing webhooks: each entry of `webhooks` is a durable handler with the id `webhook/<id>`; without an id of its own,
//! a hash of pattern, method and URL stands for it, so that a changed order of the list changes nothing.
//!
//! Sent is the event as `kernel/Event` JSON (or the entry's `transform` filled in), with these headers:
//! `X-ObjectOS-Event` (name), `X-ObjectOS-Delivery` (id of the event, the same for every attempt), `X-ObjectOS-Timestamp`
//! (seconds since 1970 of this attempt) and, when `authentication.credentials.secret` is set, `X-ObjectOS-Signature`:
//! `sha256=` and the hexadecimal HMAC-SHA256 of `<timestamp>.<body>`. A `GET` carries no body.
//!
//! Any 2xx is delivered. 410 switches the webhook off until the next start and leaves a dead letter. Everything else is
//! tried again by the entry's policy, not before the time that `Retry-After` names.

mod compile;
mod signature;
#[cfg(test)]
mod tests;

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::http_client::{IncomingAnswer, OutgoingRequest},
    protocol::kernel::Event,
};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use super::{delivery::Outcome, pattern::Pattern, port::HandlerId, retry::Backoff, template::Template};

/// What plugin ids never are: the first part of a webhook's handler id.
pub(crate) const PLUGIN: &str = "webhook";
/// A server cannot put a delivery off for longer than this.
const RETRY_AFTER_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// One webhook, ready to send.
pub(crate) struct Webhook {
    pub(crate) id: HandlerId,
    pub(crate) pattern: Pattern,
    pub(crate) retry: Backoff,
    pub(crate) timeout_ms: u64,
    method: &'static str,
    url: String,
    /// Fixed headers, authentication among them.
    headers: Vec<(String, String)>,
    secret: Option<String>,
    template: Option<Template>,
    off: AtomicBool,
}

impl fmt::Debug for Webhook {
    /// Headers and secret stay out: they are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id.as_str())
            .field("pattern", &self.pattern)
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// True when the other side said that it is gone.
    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Sends nothing any more.
    pub(crate) fn switch_off(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    /// The request for one event (`kernel/Event` as JSON).
    pub(crate) fn request(&self, event_json: &[u8], now_ms: i64) -> Result<OutgoingRequest> {
        let event: Event = serde_json::from_slice(event_json)
            .map_err(|error| Error::internal(format!("a stored event cannot be read: {error}")))?;
        let body = match (&self.template, self.method) {
            (_, "GET") => String::new(),
            (None, _) => String::from_utf8_lossy(event_json).into_owned(),
            (Some(template), _) => template.render(&event).to_string(),
        };
        let timestamp = now_ms.div_euclid(1_000).to_string();
        let mut headers = self.headers.clone();
        headers.push(("X-ObjectOS-Event".to_owned(), event.name));
        headers.push(("X-ObjectOS-Delivery".to_owned(), event.id.unwrap_or_default()));
        if let Some(secret) = &self.secret {
            let signature = signature::sign(secret.as_bytes(), &timestamp, body.as_bytes());
            headers.push(("X-ObjectOS-Signature".to_owned(), signature));
        }
        headers.push(("X-ObjectOS-Timestamp".to_owned(), timestamp));
        Ok(OutgoingRequest {
            method: self.method.to_owned(),
            url: self.url.clone(),
            headers,
            body,
            timeout_ms: self.timeout_ms,
            answer_bytes_max: 64 * 1024,
        })
    }

    /// What an answer means.
    pub(crate) fn judge(answer: Result<IncomingAnswer>, now_ms: i64) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Outcome::of_error(error),
        };
        let failure = |text: &str| {
            Error::new(
                ErrorKind::External,
                format!("the webhook was answered with {} {text}", answer.status),
            )
        };
        match answer.status {
            200..=299 => Outcome::Done,
            410 => Outcome::Gone(failure("(gone)")),
            _ => Outcome::Failed {
                error: failure("").with_internal(excerpt(&answer.body)),
                not_before_ms: retry_after(&answer, now_ms),
            },
        }
    }
}

/// The beginning of an answer, for the operator.
fn excerpt(body: &str) -> String {
    body.chars().take(200).collect()
}

/// The moment that `Retry-After` names, as seconds from now or as an HTTP date.
fn retry_after(answer: &IncomingAnswer, now_ms: i64) -> Option<i64> {
    let (_, value) = answer
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    let at_ms = match value.parse::<i64>() {
        Ok(seconds) => now_ms.saturating_add(seconds.max(0).saturating_mul(1_000)),
        Err(_) => http_date_ms(value)?,
    };
    Some(at_ms.clamp(now_ms, now_ms.saturating_add(RETRY_AFTER_MAX_MS)))
}

fn http_date_ms(text: &str) -> Option<i64> {
    let form =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let moment: OffsetDateTime = PrimitiveDateTime::parse(text, form).ok()?.assume_utc();
    Some(moment.unix_timestamp().saturating_mul(1_000))
}
