//! Connections over HTTP: made, found by whoever made them, resumed, limited, ended.

use objectos_plugin_api::ErrorKind;
use serde_json::{Value, json};

use crate::world::{NOW_MS, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_of_whoever_made_it() {
    let world = World::new(json!({})).await;
    for (transport, path) in [
        ("websocket", "/ws?connectionId="),
        ("sse", "/api/v1/realtime/events?connectionId="),
        ("polling", "/api/v1/realtime/poll?connectionId="),
    ] {
        let made = world
            .ask("ann", "POST /api/v1/realtime/connect", json!({"transport": transport}))
            .await;
        assert_eq!(made["transport"], transport);
        let id = made["connectionId"].as_str().unwrap();
        assert_eq!(made["url"], format!("{path}{id}"));
    }
    let connection = world.listening("ann").await;
    let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&timeoutMs=0");
    for (token, line, kind) in [
        ("bob", line.as_str(), ErrorKind::NotFound),
        ("", line.as_str(), ErrorKind::Unauthenticated),
        ("nobody", line.as_str(), ErrorKind::Unauthenticated),
        ("ann", "GET /api/v1/realtime/poll", ErrorKind::Invalid),
        ("ann", "GET /api/v1/realtime/poll?connectionId=x", ErrorKind::NotFound),
        ("ann", "GET /ws", ErrorKind::Invalid),
        ("bob", "POST /api/v1/realtime/subscribe", ErrorKind::NotFound),
    ] {
        let body = if line.starts_with("POST") {
            json!({"channel": "deal"})
        } else {
            Value::Null
        };
        let refused = world.send(token, line, &body).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{token} {line}: {refused}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_of_the_same_user() {
    let world = World::new(json!({})).await;
    let line = "POST /api/v1/realtime/connect";
    let refused = world.send("ann", line, &json!({"token": "boss"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    world.ask("ann", line, json!({"token": "ann"})).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_begin_and_end() {
    let world = World::new(json!({"subscriptionsPerConnectionMax": 2})).await;
    world.listening("ann").await;
    let line = "POST /api/v1/realtime/subscribe";
    let made = world
        .ask("ann", line, json!({"channel": "deal", "events": ["record.created"]}))
        .await;
    assert_eq!(made["channel"], "deal");
    let refused = world.send("ann", line, &json!({"channel": "deal"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limited, "{refused}");
    for body in [
        json!({"channel": ""}),
        json!({"channel": "deal", "events": ["A*"]}),
        json!({"channel": "deal", "filter": {"conditions": [{"field": "a", "operator": "regex", "value": "("}]}}),
    ] {
        let refused = world.send("ann", line, &body).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{body}: {refused}");
    }
    let line = "POST /api/v1/realtime/unsubscribe";
    world
        .ask("ann", line, json!({"subscriptionId": made["subscriptionId"]}))
        .await;
    let again = world
        .send("ann", line, &json!({"subscriptionId": made["subscriptionId"]}))
        .await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_on_where_it_was_or_is_told_that_it_lagged() {
    let world = World::new(json!({"bufferEventsMax": 3})).await;
    let connection = world.listening("boss").await;
    for number in 1..=3 {
        world.put(&format!("d{number}"), "t1", "ann", None).await;
    }
    let first = world.poll("boss", &connection, 0).await;
    assert_eq!(
        (first["after"].as_u64(), first["lagged"].as_bool()),
        (Some(3), Some(false))
    );
    let again = world.poll("boss", &connection, 2).await;
    assert_eq!(again["messages"][0]["message"]["payload"]["recordId"], "d3");
    for number in 4..=6 {
        world.put(&format!("d{number}"), "t1", "ann", None).await;
    }
    let late = world.poll("boss", &connection, 2).await;
    assert_eq!(late["lagged"], true, "{late}");
    assert_eq!(late["messages"].as_array().map(Vec::len), Some(3), "{late}");
    let kept_up = world.poll("boss", &connection, 3).await;
    assert_eq!(kept_up["lagged"], false, "{kept_up}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_resumes_and_ends_when_it_is_disconnected() {
    let world = World::new(json!({})).await;
    let body = json!({"transport": "sse", "channels": ["deal"]});
    let made = world.ask("boss", "POST /api/v1/realtime/connect", body).await;
    let id = made["connectionId"].as_str().unwrap();
    for number in 1..=2 {
        world.put(&format!("d{number}"), "t1", "ann", None).await;
    }
    // Only a number that was told is gone on from; and what was read before is out of date by then.
    assert_eq!(world.poll("boss", id, 0).await["after"], 2);
    world.plugin.set_now_ms(NOW_MS + 1_000);
    let line = format!("GET /api/v1/realtime/events?connectionId={id}&after=1");
    let (read, ended) = tokio::join!(world.send("boss", &line, &Value::Null), async {
        world.until_read(3).await;
        world.put("d3", "t1", "ann", None).await;
        world.ask("boss", "POST /api/v1/realtime/disconnect", Value::Null).await
    });
    assert_eq!(ended["success"], true);
    let answer = read.unwrap();
    let kind = answer.headers.iter().find(|(name, _)| name == "content-type");
    assert_eq!(kind.map(|(_, value)| value.as_str()), Some("text/event-stream"));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.starts_with("retry: 1000\n"), "{text}");
    assert!(!text.contains("\"d1\""), "{text}");
    assert!(text.contains("Disconnected"), "{text}");
    let gone = world.send("boss", &line, &Value::Null).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_only_so_many() {
    let world = World::new(json!({"connectionsMax": 3, "connectionsPerUserMax": 2})).await;
    world.listening("ann").await;
    world.listening("ann").await;
    let line = "POST /api/v1/realtime/connect";
    let refused = world.send("ann", line, &Value::Null).await.unwrap_err();
    assert!(refused.message().contains("a user has at most 2"), "{refused}");
    world.listening("bob").await;
    let refused = world.send("boss", line, &Value::Null).await.unwrap_err();
    assert!(refused.message().contains("there are 3 connections"), "{refused}");
    let health = world.plugin.health().await.unwrap();
    assert!(health.message.is_some_and(|message| message.contains("connectionsMax")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_version_finds_clients_that_were_told_to_come_anew() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    world.plugin.set_now_ms(NOW_MS + 1);
    assert!(world.plugin.suspend().await.unwrap().is_empty());
    let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&timeoutMs=0");
    let gone = world.send("ann", &line, &Value::Null).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    world.plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_of_the_session_that_made_it() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    let line = "POST /api/v1/realtime/connect";
    let body = json!({"transport": "polling", "token": "ann-phone"});
    let phones = world.ask("ann", line, body).await["connectionId"].clone();
    for (token, id, there) in [
        ("ann", connection.as_str(), true),
        ("ann-phone", connection.as_str(), false),
        ("ann", phones.as_str().unwrap(), false),
        ("ann-phone", phones.as_str().unwrap(), true),
    ] {
        for line in [
            format!("GET /api/v1/realtime/poll?connectionId={id}&timeoutMs=0"),
            format!("POST /api/v1/realtime/subscribe?connectionId={id}"),
        ] {
            let body = if line.starts_with("POST") {
                json!({"channel": "deal"})
            } else {
                Value::Null
            };
            let answer = world.send(token, &line, &body).await;
            assert_eq!(answer.is_ok(), there, "{token} {line}");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_small() {
    let world = World::new(json!({})).await;
    world.listening("ann").await;
    let large = "x".repeat(70_000);
    for (line, body) in [
        (
            "POST /api/v1/realtime/subscribe",
            json!({"channel": "deal", "filter": {"name": large}}),
        ),
        (
            "PUT /api/v1/realtime/presence",
            json!({"channel": "lobby", "state": {"status": "busy", "metadata": {"a": large}}}),
        ),
    ] {
        let refused = world.send("ann", line, &body).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{line}: {refused}");
    }
    let line = "POST /api/v1/realtime/subscribe";
    let regex = json!({"field": "name", "operator": "regex", "value": "a"});
    let filter = json!({"conditions": vec![regex; 8]});
    for _ in 0..4 {
        world
            .ask("ann", line, json!({"channel": "deal", "filter": filter}))
            .await;
    }
    let body = json!({"channel": "deal", "filter": filter});
    let refused = world.send("ann", line, &body).await.unwrap_err();
    assert!(
        refused.message().contains("at most 32 regular expressions"),
        "{refused}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_present_everywhere() {
    let world = World::new(json!({})).await;
    world.listening("ann").await;
    let line = "PUT /api/v1/realtime/presence";
    for number in 0..=100 {
        let body = json!({"channel": format!("room {number}"), "state": {"status": "online"}});
        let answer = world.send("ann", line, &body).await;
        assert_eq!(answer.is_ok(), number < 100, "{number}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_tenants_take_no_room() {
    let world = World::new(json!({"bufferEventsMax": 3})).await;
    let made = world
        .ask(
            "other",
            "POST /api/v1/realtime/connect",
            json!({"transport": "polling", "channels": ["lobby"]}),
        )
        .await;
    let id = made["connectionId"].as_str().unwrap();
    world.listening("ann").await;
    let body = json!({"channel": "lobby", "state": {"status": "busy"}});
    for _ in 0..5 {
        world.ask("ann", "PUT /api/v1/realtime/presence", body.clone()).await;
    }
    let answer = world.poll("other", id, 0).await;
    assert_eq!(
        (&answer["messages"], &answer["lagged"]),
        (&json!([]), &json!(false)),
        "{answer}"
    );
    world.end().await;
}
