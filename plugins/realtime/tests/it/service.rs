//! What the kernel and other plugins may have clients told.

use objectos_plugin_api::{
    Context,
    contracts::realtime::{PublishRequest, PushRequest, RealtimeClient},
    protocol::kernel::{RealtimeProtocol, RealtimeRateLimit},
};
use serde_json::{Value, json};

use crate::world::{World, event};

fn push(name: &str, payload: Value) -> PushRequest {
    PushRequest {
        event: event(name, payload),
        protocol: RealtimeProtocol::LongPolling,
        user_filter: false,
        tenant_filter: true,
        channels: None,
        rate_limit: None,
    }
}

async fn silent(world: &World, token: &str) -> String {
    let body = json!({"transport": "polling", "channels": ["lobby"]});
    let made = world.ask(token, "POST /api/v1/realtime/connect", body).await;
    made["connectionId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushed_events_are_held_to_access_and_to_their_filters() {
    let world = World::new(json!({})).await;
    let service = RealtimeClient::open(&world.plugin.host()).unwrap();
    let context = Context::request("r1");
    let mut connections = Vec::new();
    for token in ["boss", "auditor", "admin", "other"] {
        connections.push((token, silent(&world, token).await));
    }
    let about = json!({"description": "x"});
    let all = push("auth.login", about.clone());
    assert_eq!(service.push(&context, &all).await.unwrap(), 4);
    let own = PushRequest {
        user_filter: true,
        ..push("system.metadata.changed", json!({"kinds": []}))
    };
    service.push(&context, &own).await.unwrap();
    let elsewhere = PushRequest {
        protocol: RealtimeProtocol::Sse,
        ..all.clone()
    };
    assert_eq!(service.push(&context, &elsewhere).await.unwrap(), 0);
    let channel = |name: &str| PushRequest {
        channels: Some(vec![name.to_owned()]),
        ..push("auth.logout", about.clone())
    };
    assert_eq!(service.push(&context, &channel("kitchen")).await.unwrap(), 0);
    assert_eq!(service.push(&context, &channel("lobby")).await.unwrap(), 4);
    for (token, connection) in &connections {
        let expected: &[&str] = match *token {
            "boss" => &["system.metadata.changed"],
            "other" => &[],
            _ => &["auth.login", "auth.logout"],
        };
        assert_eq!(world.heard(token, connection).await, expected, "{token}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushed_events_have_a_rate() {
    let world = World::new(json!({})).await;
    let service = RealtimeClient::open(&world.plugin.host()).unwrap();
    let connection = silent(&world, "admin").await;
    let limited = PushRequest {
        rate_limit: Some(RealtimeRateLimit {
            max_events_per_second: 2,
            window_ms: 1_000,
        }),
        ..push("auth.login", json!({"description": "x"}))
    };
    for _ in 0..5 {
        service.push(&Context::request("r1"), &limited).await.unwrap();
    }
    let heard = world.heard("admin", &connection).await;
    assert_eq!(heard, ["auth.login", "auth.login", "error RATE_LIMITED"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_plugins_go_to_those_they_are_for() {
    let world = World::new(json!({})).await;
    let service = RealtimeClient::open(&world.plugin.host()).unwrap();
    let context = Context::request("r1");
    let mut connections = Vec::new();
    for token in ["boss", "ann", "bob", "other"] {
        let id = silent(&world, token).await;
        let line = format!("POST /api/v1/realtime/subscribe?connectionId={id}");
        world
            .ask(token, &line, json!({"channel": "calls", "events": ["crm.*"]}))
            .await;
        connections.push((token, id));
    }
    world.put("d1", "t1", "ann", None).await;
    let message = |name: &str| PublishRequest {
        name: name.to_owned(),
        tenant: Some("t1".to_owned()),
        payload: json!({"n": 1}).as_object().unwrap().clone(),
        ..PublishRequest::default()
    };
    service.publish(&context, &message("crm.for_all")).await.unwrap();
    let one = PublishRequest {
        users: vec!["bob".to_owned()],
        ..message("crm.for_bob")
    };
    service.publish(&context, &one).await.unwrap();
    let about = PublishRequest {
        object: Some("deal".to_owned()),
        record_id: Some("d1".to_owned()),
        ..message("crm.about_d1")
    };
    service.publish(&context, &about).await.unwrap();
    for (token, connection) in &connections {
        let expected: &[&str] = match *token {
            "bob" => &["crm.for_all", "crm.for_bob"],
            "other" => &[],
            _ => &["crm.for_all", "crm.about_d1"],
        };
        assert_eq!(world.heard(token, connection).await, expected, "{token}");
    }
    for (request, part) in [
        (message("data.record.created"), "platform's own"),
        (message("A"), "no name of an event"),
        (
            PublishRequest {
                record_id: Some("d1".to_owned()),
                ..message("crm.x")
            },
            "names its object",
        ),
    ] {
        let refused = service.publish(&context, &request).await.unwrap_err();
        assert!(refused.message().contains(part), "{refused}");
    }
    world.end().await;
}
