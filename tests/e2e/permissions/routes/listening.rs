//! A connection of `realtime` that somebody has, and how the plugin's routes are asked for it. The gateway lets everybody to them
//! and each looks at its caller by itself, some of them only once they have read the body. So bodies are complete here, and
//! whatever names a connection names one. Nothing waits: a connection that is not the caller's is neither streamed nor polled.
//! What is heard over a connection is no matter of this module but of `realtime`.

use serde_json::{Value, json};

use crate::permissions::people::Person;

/// Routes that name the connection in their query.
const OF_A_CONNECTION: [&str; 3] = [
    "/api/v1/realtime/events",
    "/api/v1/realtime/poll",
    "/api/v1/realtime/subscribe",
];

/// With what somebody listens, and where.
pub(super) struct Listening {
    connection: String,
    subscription: String,
    pub(super) channel: String,
}

fn text(answer: &Value, key: &str) -> String {
    let text = answer[key].as_str();
    text.unwrap_or_else(|| panic!("no {key} in {answer}")).to_owned()
}

impl Listening {
    /// Nobody's connection, and the channel of a record that is not there.
    pub(super) fn nowhere() -> Self {
        Self {
            connection: "no_such_thing".to_owned(),
            subscription: "no_such_thing".to_owned(),
            channel: "note:no_such_thing".to_owned(),
        }
    }

    /// Somebody listens to a note and tells the others there what they are doing.
    pub(super) fn new(owner: &mut Person, note: &str, doing: &str) -> Self {
        let wish = json!({"transport": "polling"});
        let made = owner.send("POST", "/api/v1/realtime/connect", &wish).expect(200);
        let mut listening = Self {
            connection: text(&made, "connectionId"),
            channel: format!("note:{note}"),
            ..Self::nowhere()
        };
        let path = listening.path("/api/v1/realtime/subscribe".to_owned());
        let channel = json!({"channel": listening.channel});
        let made = owner.send("POST", &path, &channel).expect(200);
        listening.subscription = text(&made, "subscriptionId");
        let state = json!({"status": "online", "metadata": {"doing": doing}});
        let told = json!({"channel": listening.channel, "state": state});
        owner.send("PUT", "/api/v1/realtime/presence", &told).expect(200);
        listening
    }

    /// The path, with the connection where it is one of a connection.
    pub(super) fn path(&self, path: String) -> String {
        if OF_A_CONNECTION.contains(&path.as_str()) {
            format!("{path}?connectionId={}", self.connection)
        } else {
            path
        }
    }

    /// What is sent to a route of the plugin; `None` for routes of others.
    pub(super) fn body(&self, pattern: &str) -> Option<Value> {
        let body = match pattern.strip_prefix("/api/v1/realtime/")? {
            "connect" => json!({"transport": "polling", "channels": [self.channel]}),
            "disconnect" => json!({"connectionId": self.connection}),
            "subscribe" => json!({"channel": self.channel}),
            "unsubscribe" => json!({"subscriptionId": self.subscription}),
            "presence" | "presence/{channel}" => json!({"channel": self.channel, "state": {"status": "online"}}),
            _ => return None,
        };
        Some(body)
    }

    /// Whether the connection is open, and its owner alone in the channel. Ends the subscription, which must be there for that.
    pub(super) fn is_untouched(&self, owner: &mut Person, doing: &str) {
        let poll = self.path("/api/v1/realtime/poll".to_owned());
        let polled = owner.get(&format!("{poll}&timeoutMs=0")).expect(200);
        assert!(polled.get("closed").is_none(), "{polled}");
        let presence = format!("/api/v1/realtime/presence/{}", self.channel);
        let there = owner.get(&presence).expect(200);
        let members = there["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(members.len(), 1, "{there}");
        assert_eq!(
            (&members[0]["userId"], &members[0]["metadata"]["doing"]),
            (&json!(owner.id), &json!(doing)),
            "{there}"
        );
        let subscription = json!({"subscriptionId": self.subscription});
        owner
            .send("POST", "/api/v1/realtime/unsubscribe", &subscription)
            .expect(200);
    }
}
