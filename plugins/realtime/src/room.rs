//! Who is where: the presence that clients told, by tenant and channel. In memory, and gone with the connection that told it.

use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

use objectos_plugin_api::contracts::realtime::PresentMember;

use crate::{moment, subscription::Channel};

/// Tenant, and the channel's name.
type Place = (Option<String>, String);

/// What one connection told.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    pub(crate) user: String,
    pub(crate) seen_ms: i64,
    /// `status` and whatever else it said.
    pub(crate) said: Map<String, Value>,
    pub(crate) channel: Channel,
}

impl Presence {
    /// `{presence: …}` of a message. `connection` stands for the session: it is a UUID, and tells nothing. Whoever does not
    /// say where they are is in the channel.
    pub(crate) fn body(&self, connection: &str) -> Map<String, Value> {
        let mut presence = json!({
            "userId": self.user, "sessionId": connection, "lastSeen": moment::text(self.seen_ms),
            "currentLocation": self.channel.name,
        });
        if let Some(presence) = presence.as_object_mut() {
            presence.extend(self.said.clone());
        }
        Map::from_iter([("presence".to_owned(), presence)])
    }

    /// The same, gone.
    pub(crate) fn offline(mut self, now_ms: i64) -> Self {
        self.said = Map::from_iter([("status".to_owned(), "offline".into())]);
        self.seen_ms = now_ms;
        self
    }

    fn member(&self) -> PresentMember {
        PresentMember {
            user_id: self.user.clone(),
            status: self
                .said
                .get("status")
                .and_then(Value::as_str)
                .unwrap_or("online")
                .to_owned(),
            last_seen: moment::text(self.seen_ms),
            metadata: self.said.get("metadata").and_then(Value::as_object).cloned(),
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<HashMap<Place, BTreeMap<String, Presence>>>);

impl Rooms {
    /// Somebody is there, or says otherwise; `offline` leaves.
    pub(crate) fn set(&self, tenant: Option<&str>, connection: &str, presence: Presence) {
        let place = (tenant.map(str::to_owned), presence.channel.name.clone());
        let mut rooms = self.0.lock();
        let members = rooms.entry(place.clone()).or_default();
        if presence.said.get("status").is_some_and(|status| status == "offline") {
            members.remove(connection);
        } else {
            members.insert(connection.to_owned(), presence);
        }
        if members.is_empty() {
            rooms.remove(&place);
        }
    }

    /// Whoever is there, by connection.
    pub(crate) fn present(&self, tenant: Option<&str>, channel: &str) -> Vec<(String, Presence)> {
        let rooms = self.0.lock();
        let members = rooms.get(&(tenant.map(str::to_owned), channel.to_owned()));
        let members = members.into_iter().flatten();
        members.map(|(id, presence)| (id.clone(), presence.clone())).collect()
    }

    /// The same for those who ask over HTTP: each user once, as seen last.
    pub(crate) fn members(&self, tenant: Option<&str>, channel: &str) -> Vec<PresentMember> {
        let mut users: BTreeMap<String, Presence> = BTreeMap::new();
        for (_, presence) in self.present(tenant, channel) {
            let known = users.get(&presence.user);
            if known.is_none_or(|known| known.seen_ms <= presence.seen_ms) {
                users.insert(presence.user.clone(), presence);
            }
        }
        users.values().map(Presence::member).collect()
    }

    /// A connection leaves these channels, or all; answers where it was.
    pub(crate) fn leave(&self, connection: &str, from: Option<&[String]>) -> Vec<(Option<String>, Presence)> {
        let mut left = Vec::new();
        self.0.lock().retain(|(tenant, channel), members| {
            if from.is_none_or(|from| from.contains(channel))
                && let Some(presence) = members.remove(connection)
            {
                left.push((tenant.clone(), presence));
            }
            !members.is_empty()
        });
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(user: &str, channel: &str, seen_ms: i64, status: &str) -> Presence {
        Presence {
            user: user.to_owned(),
            seen_ms,
            said: Map::from_iter([("status".to_owned(), status.into())]),
            channel: Channel {
                name: channel.to_owned(),
                record: None,
            },
        }
    }

    #[test]
    fn rooms_are_apart_and_empty_when_everybody_left() {
        let rooms = Rooms::default();
        rooms.set(Some("t1"), "c1", presence("ann", "lobby", 1, "online"));
        rooms.set(Some("t1"), "c2", presence("ann", "lobby", 2, "busy"));
        rooms.set(Some("t2"), "c3", presence("bob", "lobby", 3, "online"));
        rooms.set(None, "c4", presence("eve", "lobby", 4, "online"));
        let members = rooms.members(Some("t1"), "lobby");
        assert_eq!(members.len(), 1, "a user is there once");
        assert_eq!(
            (members[0].user_id.as_str(), members[0].status.as_str()),
            ("ann", "busy")
        );
        assert!(rooms.members(Some("t1"), "other").is_empty());
        assert_eq!(rooms.leave("c2", Some(&["other".to_owned()])).len(), 0);
        assert_eq!(rooms.leave("c2", None).len(), 1);
        assert_eq!(rooms.members(Some("t1"), "lobby")[0].status, "online");
        rooms.set(Some("t1"), "c1", presence("ann", "lobby", 5, "offline"));
        rooms.leave("c3", None);
        rooms.leave("c4", None);
        assert!(rooms.0.lock().is_empty());
    }

    #[test]
    fn nobody_speaks_for_another() {
        let mut told = presence("ann", "lobby", 0, "away");
        told.said.insert("metadata".to_owned(), json!({"a": 1}));
        let body = told.body("c1");
        assert_eq!(
            body["presence"],
            json!({
                "userId": "ann", "sessionId": "c1", "lastSeen": "1970-01-01T00:00:00.000Z", "currentLocation": "lobby",
                "status": "away", "metadata": {"a": 1},
            })
        );
        assert_eq!(told.offline(5).said["status"], "offline");
    }
}
