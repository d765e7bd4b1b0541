//! Who is there, over HTTP.

use objectos_plugin_api::ErrorKind;
use serde_json::{Value, json};

use crate::world::World;

const SET: &str = "PUT /api/v1/realtime/presence";
const GET: &str = "GET /api/v1/realtime/presence/{channel}";

fn state(status: &str) -> Value {
    // Who it is, the server says.
    json!({"userId": "somebody else", "status": status, "lastSeen": "2001-01-01T00:00:00Z", "metadata": {"page": 3}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_tenant_see_each_other() {
    let world = World::new(json!({})).await;
    world.listening("ann").await;
    world
        .ask("ann", SET, json!({"channel": "lobby", "state": state("busy")}))
        .await;
    let there = world.ask("boss", &format!("{GET}#lobby"), Value::Null).await;
    assert_eq!(
        there,
        json!({"channel": "lobby", "members": [{
            "userId": "ann", "status": "busy", "lastSeen": "2023-11-14T22:13:20.000Z", "metadata": {"page": 3},
        }]})
    );
    let elsewhere = world.ask("other", &format!("{GET}#lobby"), Value::Null).await;
    assert_eq!(elsewhere["members"], json!([]));
    world.ask("ann", "POST /api/v1/realtime/disconnect", Value::Null).await;
    let left = world.ask("boss", &format!("{GET}#lobby"), Value::Null).await;
    assert_eq!(left["members"], json!([]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_in_the_channel_are_told() {
    let world = World::new(json!({})).await;
    let mut connections = Vec::new();
    for (token, channel) in [
        ("boss", "lobby"),
        ("bob", "kitchen"),
        ("other", "lobby"),
        ("ann", "lobby"),
    ] {
        let body = json!({"transport": "polling", "channels": [channel]});
        let made = world.ask(token, "POST /api/v1/realtime/connect", body).await;
        connections.push((token, made["connectionId"].as_str().unwrap().to_owned()));
    }
    world
        .ask("ann", SET, json!({"channel": "lobby", "state": state("online")}))
        .await;
    world.ask("ann", "POST /api/v1/realtime/disconnect", Value::Null).await;
    for (token, connection) in connections.iter().filter(|(token, _)| *token != "ann") {
        let answer = world.poll(token, connection, 0).await;
        let messages = answer["messages"].as_array().unwrap();
        let told: Vec<&str> = messages
            .iter()
            .map(|entry| entry["message"]["presence"]["status"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if *token == "boss" { &["online", "offline"] } else { &[] };
        assert_eq!(told, expected, "{token}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_a_record_is_for_those_who_may_read_it() {
    let world = World::new(json!({})).await;
    world.put("d1", "t1", "ann", None).await;
    for token in ["ann", "bob"] {
        world.listening(token).await;
    }
    let body = json!({"channel": "deal/d1", "state": state("online")});
    world.ask("ann", SET, body.clone()).await;
    let refused = world.send("bob", SET, &body).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    for (token, sees) in [("ann", true), ("boss", true), ("bob", false), ("other", false)] {
        // One channel, whichever way it is written.
        let answer = world.send(token, &format!("{GET}#deal:d1"), &Value::Null).await;
        assert_eq!(answer.is_ok(), sees, "{token}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said() {
    let world = World::new(json!({})).await;
    let body = json!({"channel": "lobby", "state": state("online")});
    let refused = world.send("ann", SET, &body).await.unwrap_err();
    assert!(refused.message().contains("POST /api/v1/realtime/connect"), "{refused}");
    world.listening("ann").await;
    let refused = world
        .send("ann", SET, &json!({"channel": "lobby", "state": state("gone")}))
        .await
        .unwrap_err();
    assert!(refused.message().contains("status must be one of"), "{refused}");
    let off = World::new(json!({"presence": false})).await;
    let refused = off
        .send("ann", &format!("{GET}#lobby"), &Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotImplemented);
    world.end().await;
    off.end().await;
}
