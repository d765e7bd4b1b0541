use objectos_plugin_api::{
    Error, ErrorKind,
    contracts::http_client::IncomingAnswer,
    protocol::kernel::{EventWebhookConfig, RetryPolicy},
};
use serde_json::{Value, json};

use super::{Webhook, signature::sign};
use crate::events::delivery::Outcome;

const EVENT: &str = r#"{"id":"e1","name":"data.record.created","payload":{"object":"deal"},"metadata":{"source":"objectos.data","timestamp":"2025-01-31T08:00:00Z","priority":"normal"}}"#;
const NOW_MS: i64 = 1_738_310_400_500;

fn compile(config: Value) -> Result<Webhook, String> {
    let config: EventWebhookConfig = serde_json::from_value(config).expect("an entry");
    Webhook::compile("webhooks[0]", &config, &RetryPolicy::default()).map_err(|error| error.to_string())
}

#[track_caller]
fn header(config: Value, name: &str) -> Option<String> {
    let request = compile(config)
        .expect("a webhook")
        .request(EVENT.as_bytes(), NOW_MS)
        .expect("a request");
    request
        .headers
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The expected values come from another implementation:
/// `printf '1738310400.{}' | openssl dgst -sha256 -hmac secret`.
#[test]
fn signatures_are_what_others_compute() {
    for (secret, timestamp, body, expected) in [
        ("secret", "1738310400", "{}", SIGNED_EMPTY),
        ("Jefe", "what do ya want for nothing?", "", SIGNED_JEFE),
    ] {
        assert_eq!(sign(secret.as_bytes(), timestamp, body.as_bytes()), expected);
    }
}

const SIGNED_EMPTY: &str = "sha256=b1432606bbd995fa95356d75d28fde9a0c19b8877e22e7677f25223f24786c59";
const SIGNED_JEFE: &str = "sha256=38c6c848e5a2f57451f5095df6370d5c9b83175b99df46422b34960c28def6ae";

#[test]
fn a_request_says_what_it_is() {
    let config = json!({"eventPattern": "data.*", "url": "https://example.com/hook", "authentication": {"type": "none", "credentials": {"secret": "s"}}});
    let webhook = compile(config.clone()).expect("a webhook");
    let request = webhook.request(EVENT.as_bytes(), NOW_MS).expect("a request");
    assert_eq!((request.method.as_str(), request.body.as_str()), ("POST", EVENT));
    assert_eq!(request.timeout_ms, 30_000);
    for (name, value) in [
        ("Content-Type", "application/json".to_owned()),
        ("X-ObjectOS-Event", "data.record.created".to_owned()),
        ("X-ObjectOS-Delivery", "e1".to_owned()),
        ("X-ObjectOS-Timestamp", "1738310400".to_owned()),
        ("X-ObjectOS-Signature", sign(b"s", "1738310400", EVENT.as_bytes())),
    ] {
        assert_eq!(header(config.clone(), name), Some(value), "{name}");
    }
}

#[test]
fn credentials_become_headers() {
    let with = |authentication: Value, headers: Value| json!({"eventPattern": "*", "url": "http://localhost/x", "authentication": authentication, "headers": headers});
    let none = json!({});
    for (authentication, name, expected) in [
        (
            json!({"type": "bearer", "credentials": {"token": "t"}}),
            "Authorization",
            Some("Bearer t"),
        ),
        (
            json!({"type": "basic", "credentials": {"username": "u", "password": "p"}}),
            "Authorization",
            Some("Basic dTpw"),
        ),
        (
            json!({"type": "api-key", "credentials": {"key": "k"}}),
            "X-API-Key",
            Some("k"),
        ),
        (
            json!({"type": "api-key", "credentials": {"key": "k", "header": "X-Own"}}),
            "X-Own",
            Some("k"),
        ),
        (json!({"type": "none"}), "Authorization", None),
        (json!({"type": "none"}), "X-ObjectOS-Signature", None),
    ] {
        assert_eq!(
            header(with(authentication.clone(), none.clone()), name).as_deref(),
            expected,
            "{authentication}"
        );
    }
    let own = json!({"Content-Type": "application/cloudevents+json", "X-Own": "1"});
    assert_eq!(
        header(with(json!({"type": "none"}), own.clone()), "content-type").as_deref(),
        Some("application/cloudevents+json")
    );
    assert_eq!(
        header(with(json!({"type": "none"}), own), "X-Own").as_deref(),
        Some("1")
    );
}

#[test]
fn a_transform_replaces_the_body_and_a_get_has_none() {
    let body = |config: Value| {
        compile(config)
            .expect("a webhook")
            .request(EVENT.as_bytes(), NOW_MS)
            .expect("a request")
            .body
    };
    let url = "https://example.com/x";
    assert_eq!(
        body(
            json!({"eventPattern": "*", "url": url, "method": "PUT", "transform": {"text": "{{payload.object}} made"}})
        ),
        r#"{"text":"deal made"}"#
    );
    assert_eq!(body(json!({"eventPattern": "*", "url": url, "method": "GET"})), "");
}

#[test]
fn what_cannot_be_used_is_named() {
    for (change, part) in [
        (
            json!({"eventPattern": "Data"}),
            "webhooks[0].eventPattern: `Data` is no event pattern",
        ),
        (
            json!({"url": "ftp://example.com"}),
            "webhooks[0].url: `ftp://example.com` is no web address",
        ),
        (json!({"id": "a/b"}), "webhooks[0].id"),
        (
            json!({"headers": {"X-ObjectOS-Event": "x"}}),
            "webhooks[0].headers.X-ObjectOS-Event: this header is written by the host",
        ),
        (
            json!({"headers": {"Authorization": "x"}}),
            "credentials belong below authentication",
        ),
        (
            json!({"headers": {"X-A": "a\r\nX-B: b"}}),
            "webhooks[0].headers.X-A: the value has control characters",
        ),
        (json!({"headers": {"X A": "a"}}), "no name of a header"),
        (json!({"transform": "{{"}), "webhooks[0].transform"),
        (
            json!({"authentication": {"type": "bearer"}}),
            "webhooks[0].authentication.credentials.token",
        ),
        (
            json!({"authentication": {"type": "basic", "credentials": {"username": "u", "password": ""}}}),
            "credentials.password",
        ),
        (
            json!({"authentication": {"type": "bearer", "credentials": {"tokem": "t"}}}),
            "it has secret, token",
        ),
    ] {
        let mut config = json!({"eventPattern": "*", "url": "https://example.com"});
        for (key, value) in change.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let error = compile(config).expect_err("refused");
        assert!(error.contains(part), "{change}: {error}");
    }
}

#[test]
fn ids_do_not_depend_on_the_place_in_the_list() {
    let id = |config: Value| compile(config).expect("a webhook").id.to_string();
    let config = json!({"eventPattern": "*", "url": "https://example.com"});
    assert_eq!(id(config.clone()), id(config.clone()));
    assert!(id(config.clone()).starts_with("webhook/"));
    assert_ne!(
        id(config),
        id(json!({"eventPattern": "*", "url": "https://example.com/2"}))
    );
    assert_eq!(
        id(json!({"id": "crm", "eventPattern": "*", "url": "https://example.com"})),
        "webhook/crm"
    );
}

#[test]
fn secrets_are_not_printed() {
    let webhook = compile(
        json!({"eventPattern": "*", "url": "https://example.com", "authentication": {"type": "bearer", "credentials": {"token": "hush", "secret": "hush"}}}),
    );
    assert!(!format!("{webhook:?}").contains("hush"));
}

#[test]
fn answers_mean_what_their_status_says() {
    let answer = |status: u16, retry_after: Option<&str>| {
        let headers = retry_after
            .map(|value| ("retry-after".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        Ok(IncomingAnswer {
            status,
            headers,
            body: "x".to_owned(),
        })
    };
    let failed = |not_before_ms: Option<i64>| format!("failed {not_before_ms:?}");
    for (answer, expected) in [
        (answer(200, None), "done".to_owned()),
        (answer(204, None), "done".to_owned()),
        (answer(302, None), failed(None)),
        (answer(404, None), failed(None)),
        (answer(410, None), "gone".to_owned()),
        (answer(500, None), failed(None)),
        (answer(503, Some("120")), failed(Some(NOW_MS + 120_000))),
        (
            answer(429, Some("Fri, 31 Jan 2025 08:01:00 GMT")),
            failed(Some(1_738_310_460_000)),
        ),
        (answer(429, Some("Fri, 31 Jan 2020 08:01:00 GMT")), failed(Some(NOW_MS))),
        (answer(429, Some("-5")), failed(Some(NOW_MS))),
        (answer(429, Some("99999999999999")), failed(Some(NOW_MS + 86_400_000))),
        (answer(429, Some("soon")), failed(None)),
        (Err(Error::new(ErrorKind::Timeout, "slow")), failed(None)),
        (Err(Error::new(ErrorKind::Denied, "no")), failed(None)),
        (Err(Error::unavailable("no client")), "away".to_owned()),
    ] {
        let shown = format!("{answer:?}");
        let outcome = match Webhook::judge(answer, NOW_MS) {
            Outcome::Done => "done".to_owned(),
            Outcome::Gone(_) => "gone".to_owned(),
            Outcome::Away => "away".to_owned(),
            Outcome::Failed { not_before_ms, .. } => failed(not_before_ms),
        };
        assert_eq!(outcome, expected, "{shown}");
    }
}
