//! The routes of `realtime` that are not for reading. They change no record: a connection, what it subscribed to and who is there
//! are kept in memory and go with the connection, so the trail promises no row of them. Each is driven here, and neither the
//! record that is listened to nor the trail is another one afterwards.

use serde_json::{Value, json};

use super::{await_events, events, with_all_routes};

/// All of them, in the order in which they are driven. None is taken on trust: a route more is to be driven, too.
pub(super) const CHANGE_NO_RECORD: [&str; 6] = [
    "POST /api/v1/realtime/connect",
    "POST /api/v1/realtime/subscribe",
    "PUT /api/v1/realtime/presence",
    "PUT /api/v1/realtime/presence/{channel}",
    "POST /api/v1/realtime/unsubscribe",
    "POST /api/v1/realtime/disconnect",
];

/// By what the trail tells these requests from others.
const MARK: &str = "listener";

#[test]
fn whoever_listens_and_is_there_changes_no_record_and_leaves_no_row() {
    let host = with_all_routes();
    let mut client = host.client();
    let seed = json!({"name": "Overheard"});
    let made = client.send("POST", "/api/v1/data/account", &seed).expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/data/account/{id}");
    let before = client.get(&path).expect(200)["record"].clone();
    let channel = format!("account:{id}");
    let (mut driven, mut listener) = (Vec::new(), host.client());
    let mut does = |route: &'static str, body: &Value| -> Value {
        driven.push(route);
        let (method, pattern) = route.split_once(' ').expect("METHOD /path");
        let headers = [("content-type", "application/json"), ("user-agent", MARK)];
        let bytes = body.to_string().into_bytes();
        let answer = listener.request(method, &pattern.replace("{channel}", &channel), &headers, &bytes);
        answer.expect("an answer").expect(200)
    };
    let connect = json!({"transport": "polling", "channels": [channel]});
    let connected = does("POST /api/v1/realtime/connect", &connect);
    let subscribed = does("POST /api/v1/realtime/subscribe", &json!({"channel": channel}));
    let here = json!({"channel": channel, "state": {"status": "online"}});
    does("PUT /api/v1/realtime/presence", &here);
    let busy = json!({"state": {"status": "busy"}});
    does("PUT /api/v1/realtime/presence/{channel}", &busy);
    let subscription = json!({"subscriptionId": subscribed["subscriptionId"]});
    does("POST /api/v1/realtime/unsubscribe", &subscription);
    let connection = json!({"connectionId": connected["connectionId"]});
    does("POST /api/v1/realtime/disconnect", &connection);
    assert_eq!(driven, CHANGE_NO_RECORD);

    assert_eq!(client.get(&path).expect(200)["record"], before);
    // Once the row of a later change is there, one of an earlier change would be, too.
    let _ = client.send("PATCH", &path, &json!({"name": "Heard"})).expect(200);
    let told = await_events(&host, &format!("&recordId={id}"), 2);
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(kinds, ["data.create", "data.update"], "{told:#?}");
    let left = events(&mut client, &format!("&userAgent={MARK}"));
    assert!(left.is_empty(), "{left:#?}");
}
