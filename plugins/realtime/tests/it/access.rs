//! Who gets which event, and how much of it.

use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::Notify;

use crate::world::World;

const ALL: &str = "id,organization_id,owner_id,amount,secret";
const OWN: &str = "id,organization_id,owner_id,amount";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_goes_to_those_who_may_read_it_and_as_they_may_read_it() {
    let world = World::new(json!({})).await;
    let mut connections = Vec::new();
    for token in ["boss", "ann", "bob", "guest", "other"] {
        connections.push((token, world.listening(token).await));
    }
    world.put("d1", "t1", "ann", None).await;
    world.put("d1", "t1", "ann", Some(&["secret"])).await;
    world.put("d1", "t1", "ann", Some(&["amount", "secret"])).await;
    for (token, connection) in &connections {
        let all = |name: &str, fields: &str| format!("data.record.{name} d1 {fields}");
        let expected = match *token {
            "boss" => vec![all("created", ALL), all("updated", ALL), all("updated", ALL)],
            // That only the secret changed is a part of the secret.
            "ann" => vec![all("created", OWN), all("updated", OWN)],
            _ => Vec::new(),
        };
        assert_eq!(world.heard(token, connection).await, expected, "{token}");
    }
    let (_, connection) = &connections[1];
    let messages = world.poll("ann", connection, 0).await;
    let payload = &messages["messages"][1]["message"]["payload"];
    assert_eq!(payload["changes"], json!(["amount"]));
    assert!(!messages.to_string().contains("203.0.113.7"), "{messages}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_counts_is_the_moment_of_delivery() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    world.put("d1", "t1", "ann", None).await;
    // Given away before anybody fetched the event.
    world.put("d1", "t1", "bob", Some(&["owner_id"])).await;
    assert!(world.heard("ann", &connection).await.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_record_is_gone_those_hear_whose_plan_lets_it_through_for_certain() {
    let world = World::new(json!({})).await;
    let mut connections = Vec::new();
    for token in ["boss", "ann", "bob", "guest", "other"] {
        connections.push((token, world.listening(token).await));
    }
    world.put("d1", "t1", "ann", None).await;
    world.delete("d1").await;
    for (token, connection) in &connections {
        let expected = match *token {
            "boss" | "ann" => vec!["data.record.deleted d1".to_owned()],
            _ => Vec::new(),
        };
        assert_eq!(world.heard(token, connection).await, expected, "{token}");
    }
    let (_, connection) = &connections[0];
    let answer = world.poll("boss", connection, 0).await;
    let payload = &answer["messages"][0]["message"]["payload"];
    assert!(payload.get("before").is_none(), "{payload}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_the_platform_need_the_right_to_read_them() {
    let world = World::new(json!({})).await;
    let mut connections = Vec::new();
    for token in ["boss", "auditor", "admin"] {
        let made = world
            .ask(token, "POST /api/v1/realtime/connect", json!({"transport": "polling"}))
            .await;
        let id = made["connectionId"].as_str().unwrap().to_owned();
        let line = format!("POST /api/v1/realtime/subscribe?connectionId={id}");
        world
            .ask(token, &line, json!({"channel": "all", "events": ["*"]}))
            .await;
        connections.push((token, id));
    }
    let about = json!({"targetType": "user", "targetId": "somebody", "description": "x"});
    world.tell("auth.login", about.clone()).await;
    world.tell("system.config_changed", about.clone()).await;
    world.tell("kernel:ready", json!({})).await;
    world
        .tell("system.metadata.changed", json!({"kinds": ["object"], "version": 2}))
        .await;
    world.tell("metadata.object.updated", json!({"name": "deal"})).await;
    for (token, connection) in &connections {
        let names: &[&str] = match *token {
            "boss" => &["system.metadata.changed", "metadata.object.updated"],
            "auditor" => &["auth.login", "system.metadata.changed"],
            _ => &[
                "auth.login",
                "system.config_changed",
                "kernel.ready",
                "system.metadata.changed",
            ],
        };
        assert_eq!(world.heard(token, connection).await, names, "{token}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_asks_about_what_the_client_gets() {
    let world = World::new(json!({})).await;
    let made = world
        .ask("ann", "POST /api/v1/realtime/connect", json!({"transport": "polling"}))
        .await;
    let id = made["connectionId"].as_str().unwrap();
    let line = format!("POST /api/v1/realtime/subscribe?connectionId={id}");
    for filter in [
        json!({"secret": "s"}),
        json!({"conditions": [{"field": "secret", "operator": "exists"}]}),
        json!({"conditions": [{"field": "amount", "operator": "gt", "value": 1}]}),
    ] {
        world
            .ask("ann", &line, json!({"channel": "deal", "filter": filter}))
            .await;
    }
    world.put("d1", "t1", "ann", None).await;
    assert!(
        world.heard("ann", id).await.is_empty(),
        "no filter tells what the secret is"
    );
    world
        .ask("ann", &line, json!({"channel": "deal:d1", "filter": {"amount": 1}}))
        .await;
    world.put("d2", "t1", "ann", None).await;
    world.put("d1", "t1", "ann", Some(&["amount"])).await;
    assert_eq!(world.heard("ann", id).await, [format!("data.record.updated d1 {OWN}")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_of_one_user_are_one_question() {
    let world = World::new(json!({})).await;
    let mut connections = Vec::new();
    for _ in 0..50 {
        connections.push(world.listening("boss").await);
    }
    world.put("d1", "t1", "ann", None).await;
    for connection in &connections {
        assert_eq!(world.heard("boss", connection).await.len(), 1);
    }
    assert_eq!(world.ground.reads.load(Ordering::SeqCst), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_follows_the_end_of_a_session() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    world.put("d1", "t1", "ann", None).await;
    world.ground.over.lock().unwrap().insert("ann".to_owned());
    let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&timeoutMs=0");
    let refused = world.send("ann", &line, &Value::Null).await.unwrap_err();
    assert_eq!(refused.code(), "unauthenticated");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session() {
    let world = World::new(json!({})).await;
    let body = json!({"transport": "sse", "channels": ["deal"]});
    let made = world.ask("ann", "POST /api/v1/realtime/connect", body).await;
    let id = made["connectionId"].as_str().unwrap();
    world.put("d1", "t1", "ann", None).await;
    let line = format!("GET /api/v1/realtime/events?connectionId={id}");
    let end = async {
        world.until_read(1).await;
        world.ground.over.lock().unwrap().insert("ann".to_owned());
        let about = json!({"targetType": "user", "targetId": "ann", "description": "signed out"});
        world.tell("auth.logout", about).await;
        world.put("d2", "t1", "ann", None).await;
    };
    let (read, ()) = tokio::join!(world.send("ann", &line, &Value::Null), end);
    let text = String::from_utf8(read.unwrap().body).unwrap();
    assert!(text.contains("Session expired") && text.contains("4401"), "{text}");
    assert!(!text.contains("\"recordId\":\"d2\""), "{text}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_follows_the_end_of_a_session_that_came_while_a_record_was_read() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    world.put("d1", "t1", "ann", None).await;
    let gate = Arc::new(Notify::new());
    *world.ground.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&timeoutMs=0");
    let end = async {
        world.until_read(1).await;
        world.ground.over.lock().unwrap().insert("ann".to_owned());
        let about = json!({"targetType": "user", "targetId": "ann", "description": "signed out"});
        world.tell("auth.logout", about).await;
        gate.notify_one();
    };
    let (read, ()) = tokio::join!(world.send("ann", &line, &Value::Null), end);
    let answer: Value = serde_json::from_slice(&read.unwrap().body).unwrap();
    assert_eq!(answer["messages"], json!([]), "{answer}");
    assert_eq!(answer["closed"]["code"], 4401, "{answer}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_somebody_is_connected_is_no_use_of_their_session() {
    let world = World::new(json!({})).await;
    let connection = world.listening("ann").await;
    world.put("d1", "t1", "ann", None).await;
    world.ground.looks.lock().unwrap().clear();
    // Asked once: each request is a use.
    let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&after=0&timeoutMs=0");
    let answer = world.ask("ann", &line, Value::Null).await;
    assert_eq!(answer["messages"].as_array().map(Vec::len), Some(1), "{answer}");
    let looks = world.ground.looks.lock().unwrap().clone();
    assert_eq!(looks.first(), Some(&false), "to ask is a use");
    assert!(
        looks.len() > 1 && looks[1..].iter().all(|passive| *passive),
        "{looks:?}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_do_not_count_what_others_may_see() {
    let world = World::new(json!({})).await;
    let connection = world.listening("bob").await;
    for number in 1..=3 {
        world.put(&format!("d{number}"), "t1", "ann", None).await;
    }
    let nothing = world.poll("bob", &connection, 0).await;
    assert_eq!((nothing["messages"].clone(), &nothing["after"]), (json!([]), &json!(0)));
    world.put("d4", "t1", "ann", None).await;
    world.put("d5", "t1", "bob", None).await;
    let own = world.poll("bob", &connection, 0).await;
    assert_eq!(own["messages"][0]["id"], 1, "{own}");
    assert_eq!(own["after"], 1, "{own}");
    world.end().await;
}
