//! Who is where: the presence that clients told, by tenant and channel. In memory, and gone with the connection that told it.

use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use objectos_plugin_api::contracts::realtime::PresentMember;

use crate::{
    error::{RealtimeError, Result},
    moment,
    subscription::Channel,
};

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

/// Places in which one client may be.
const PLACES_MAX: usize = 100;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By connection.
    rooms: HashMap<Place, BTreeMap<String, Presence>>,
    /// Where each connection is.
    places: HashMap<String, BTreeSet<Place>>,
}

impl Known {
    fn remove(&mut self, connection: &str, place: &Place) -> Option<Presence> {
        if let Some(places) = self.places.get_mut(connection) {
            places.remove(place);
            if places.is_empty() {
                self.places.remove(connection);
            }
        }
        let members = self.rooms.get_mut(place)?;
        let left = members.remove(connection);
        if members.is_empty() {
            self.rooms.remove(place);
        }
        left
    }
}

impl Rooms {
    /// Somebody is there, or says otherwise; `offline` leaves.
    ///
    /// # Errors
    /// `TooMany` when the client is in as many places as one may be in.
    pub(crate) fn set(&self, tenant: Option<&str>, connection: &str, presence: Presence) -> Result<()> {
        let place = (tenant.map(str::to_owned), presence.channel.name.clone());
        let mut known = self.0.lock();
        if presence.said.get("status").is_some_and(|status| status == "offline") {
            known.remove(connection, &place);
            return Ok(());
        }
        let places = known.places.entry(connection.to_owned()).or_default();
        if places.len() >= PLACES_MAX && !places.contains(&place) {
            return Err(RealtimeError::TooMany(format!(
                "a client is present in at most {PLACES_MAX} channels: say `offline` in one first"
            )));
        }
        places.insert(place.clone());
        let room = known.rooms.entry(place).or_default();
        room.insert(connection.to_owned(), presence);
        Ok(())
    }

    /// Whoever is there, by connection.
    pub(crate) fn present(&self, tenant: Option<&str>, channel: &str) -> Vec<(String, Presence)> {
        let known = self.0.lock();
        let members = known.rooms.get(&(tenant.map(str::to_owned), channel.to_owned()));
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
        let mut known = self.0.lock();
        let places: Vec<Place> = known
            .places
            .get(connection)
            .into_iter()
            .flatten()
            .filter(|(_, channel)| from.is_none_or(|from| from.contains(channel)))
            .cloned()
            .collect();
        let mut left = Vec::with_capacity(places.len());
        for place in places {
            if let Some(presence) = known.remove(connection, &place) {
                left.push((place.0, presence));
            }
        }
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
        rooms
            .set(Some("t1"), "c1", presence("ann", "lobby", 1, "online"))
            .unwrap();
        rooms
            .set(Some("t1"), "c2", presence("ann", "lobby", 2, "busy"))
            .unwrap();
        rooms
            .set(Some("t2"), "c3", presence("bob", "lobby", 3, "online"))
            .unwrap();
        rooms.set(None, "c4", presence("eve", "lobby", 4, "online")).unwrap();
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
        rooms
            .set(Some("t1"), "c1", presence("ann", "lobby", 5, "offline"))
            .unwrap();
        rooms.leave("c3", None);
        rooms.leave("c4", None);
        let known = rooms.0.lock();
        assert!(known.rooms.is_empty() && known.places.is_empty());
    }

    #[test]
    fn nobody_is_everywhere() {
        let rooms = Rooms::default();
        let enter = |number: usize| rooms.set(None, "c1", presence("ann", &format!("room {number}"), 1, "online"));
        (0..PLACES_MAX).for_each(|number| enter(number).unwrap());
        assert!(enter(PLACES_MAX).is_err() && enter(0).is_ok());
        assert!(rooms.set(None, "c2", presence("bob", "another", 1, "online")).is_ok());
        rooms.leave("c1", Some(&["room 7".to_owned()]));
        assert!(enter(PLACES_MAX).is_ok() && enter(7).is_err());
        assert_eq!(rooms.leave("c1", None).len(), PLACES_MAX);
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
