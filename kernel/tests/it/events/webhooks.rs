//! Webhooks as durable handlers.

use objectos_plugin_api::{Error, ErrorKind, protocol::kernel::HealthCheckStatus};
use serde_json::{Value, json};

use super::world::{World, run};

fn config(extra: &Value) -> Value {
    let mut webhook = json!({
        "id": "crm", "eventPattern": "data.*", "url": "https://example.com/hook", "timeoutMs": 2_000,
        "retryPolicy": {"maxRetries": 2, "backoffStrategy": "fixed", "initialDelayMs": 1_000},
    });
    for (key, value) in extra.as_object().expect("an object") {
        webhook[key] = value.clone();
    }
    json!({"webhooks": [webhook]})
}

#[test]
fn an_event_is_sent_signed_and_done() {
    run(|| async {
        let world = World::new(config(
            &json!({"authentication": {"type": "none", "credentials": {"secret": "s"}}}),
        ));
        world.bus.open();
        world.write(&[("e1", "data.x", ""), ("e2", "auth.x", "")]);
        world.finish(1_000).await;
        let requests = world.http.requests.lock();
        assert_eq!(requests.len(), 1);
        let body: Value = serde_json::from_str(&requests[0].body).expect("JSON");
        assert_eq!(
            (body["id"].as_str(), body["name"].as_str()),
            (Some("e1"), Some("data.x"))
        );
        assert!(
            requests[0]
                .headers
                .iter()
                .any(|(name, value)| name == "X-ObjectOS-Signature" && value.starts_with("sha256="))
        );
        assert_eq!(requests[0].timeout_ms, 2_000);
        assert!(world.store.open_ids().is_empty());
        assert!(
            world
                .bus
                .metrics()
                .handlers
                .iter()
                .any(|handler| handler.id == "webhook/crm" && handler.delivered == 1)
        );
    });
}

#[test]
fn refusals_are_retried_and_given_up() {
    run(|| async {
        let world = World::new(config(&json!({})));
        world.bus.open();
        world.calm().await;
        world.http.answer(500, &[]);
        world.http.answer(503, &[("retry-after", "7")]);
        world.http.answer(404, &[]);
        world.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k")]);
        world.pass_ms(1_100).await;
        assert_eq!(world.http.requests.lock().len(), 2);
        world.pass_ms(6_500).await;
        assert_eq!(world.http.requests.lock().len(), 2, "not before Retry-After");
        world.finish(10_000).await;
        assert_eq!(
            world.http.requests.lock().len(),
            4,
            "given up, then the next of the key"
        );
        let state = world.store.state.lock();
        assert_eq!(state.dead.len(), 1);
        assert_eq!(state.dead[0].failed_handler.as_deref(), Some("webhook/crm"));
        assert!(state.dead[0].error.message.contains("answered with 404"));
        assert_eq!(state.dead[0].error.code.as_deref(), Some("external_service_error"));
    });
}

#[test]
fn a_webhook_that_is_gone_is_switched_off() {
    run(|| async {
        let world = World::new(config(&json!({})));
        world.bus.open();
        world.calm().await;
        world.http.answer(410, &[]);
        world.write(&[("e1", "data.x", "k"), ("e2", "data.x", "k"), ("e3", "data.x", "k")]);
        world.finish(10_000).await;
        world.write(&[("e4", "data.x", "k")]);
        world.finish(10_000).await;
        assert_eq!(world.http.requests.lock().len(), 1);
        assert!(world.store.open_ids().is_empty());
        assert_eq!(
            world.store.state.lock().dead.len(),
            1,
            "the one that was answered with 410"
        );
        let check = world
            .bus
            .health()
            .into_iter()
            .find(|check| check.name == "webhooks")
            .expect("a check");
        assert_eq!(check.status, HealthCheckStatus::Warning);
        assert!(
            check
                .message
                .is_some_and(|text| text.contains("webhook/crm was answered with 410"))
        );
    });
}

#[test]
fn without_an_http_client_webhooks_wait() {
    run(|| async {
        let world = World::new(config(&json!({})));
        world.bus.open();
        world.calm().await;
        for _ in 0..3 {
            world
                .http
                .answers
                .lock()
                .push_back(Err(Error::unavailable("no http-client")));
        }
        world
            .http
            .answers
            .lock()
            .push_back(Err(Error::new(ErrorKind::External, "no route to host")));
        world.write(&[("e1", "data.x", "k")]);
        world.finish(30_000).await;
        assert_eq!(world.http.requests.lock().len(), 5);
        assert_eq!((world.bus.metrics().failed, world.bus.metrics().dead), (1, 0));
    });
}

#[test]
fn a_disabled_webhook_sends_nothing() {
    run(|| async {
        let world = World::new(config(&json!({"enabled": false})));
        world.bus.open();
        world.write(&[("e1", "data.x", "k")]);
        world.finish(1_000).await;
        assert!(world.http.requests.lock().is_empty() && world.store.open_ids().is_empty());
    });
}

#[test]
fn an_entry_of_handlers_filters_a_webhook_by_its_id() {
    run(|| async {
        let mut config = config(&json!({}));
        let mut other = config["webhooks"][0].clone();
        other["id"] = json!("all");
        other["url"] = json!("https://example.com/all");
        config["webhooks"].as_array_mut().expect("a list").push(other);
        config["handlers"] = json!([
            {"eventName": "data.*", "handler": "webhook/crm", "filter": {"payload.n": {"$in": ["e1", "e3"]}}},
            {"eventName": "data.*", "handler": "someone/else", "filter": {"payload.n": "e9"}},
        ]);
        let world = World::new(config);
        world.bus.open();
        world.write(&[("e1", "data.x", ""), ("e2", "data.x", ""), ("e3", "data.y", "")]);
        world.finish(1_000).await;
        let requests = world.http.requests.lock();
        let sent = |url: &str| {
            let mut ids: Vec<String> = requests
                .iter()
                .filter(|request| request.url == url)
                .map(|request| {
                    let body: Value = serde_json::from_str(&request.body).expect("JSON");
                    body["id"].as_str().expect("an id").to_owned()
                })
                .collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(sent("https://example.com/hook"), ["e1", "e3"]);
        assert_eq!(sent("https://example.com/all"), ["e1", "e2", "e3"]);
        assert!(world.store.open_ids().is_empty(), "what a filter skips is done");
    });
}
