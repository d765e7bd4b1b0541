//! All clients of this host: made, found, told and ended here. News is put into the outboxes of those who may want it; what
//! becomes of it there is `deliver`'s.

use objectos_plugin_api::{
    Event, Host,
    contracts::{events::SecurityEvent, realtime::PushRequest},
    protocol::{api::TransportProtocol, kernel::RealtimeProtocol},
};
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    config::RealtimeSettings,
    connection::Connection,
    error::{RealtimeError, Result},
    news::News,
    outbox::{Ending, Item, PushedBy, Relay},
    proof::Proof,
    room::{Presence, Rooms},
    session::{NotNow, Sessions, Who},
    sight::Sight,
    subscription::Channel,
};

/// How many are shown to one that comes into channels.
const SHOWN_MAX: usize = 500;

/// See the module.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) host: Host,
    pub(crate) settings: RealtimeSettings,
    pub(crate) sessions: Sessions,
    pub(crate) sight: Sight,
    pub(crate) rooms: Rooms,
    connections: RwLock<HashMap<String, Arc<Connection>>>,
    /// Connections that were made so far.
    made: AtomicU64,
}

impl Hub {
    pub(crate) fn new(host: &Host, settings: RealtimeSettings) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            settings,
            sessions: Sessions::new(host)?,
            sight: Sight::new(host)?,
            rooms: Rooms::default(),
            connections: RwLock::default(),
            made: AtomicU64::new(0),
        })
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.host.now_ms()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.connections.read().len()
    }

    /// Makes a connection for somebody.
    ///
    /// # Errors
    /// `TooMany` when there are too many, of all or of this user.
    pub(crate) fn connect(&self, transport: TransportProtocol, proof: &Proof, who: Who) -> Result<Arc<Connection>> {
        let mut connections = self.connections.write();
        let most = self.settings.connections_max;
        if connections.len() >= most {
            return Err(RealtimeError::TooMany(format!(
                "there are {most} connections, and no more are allowed: try again later"
            )));
        }
        let own = connections.values().filter(|known| known.known().is_same(&who)).count();
        let most = self.settings.connections_per_user_max;
        if own >= most {
            return Err(RealtimeError::TooMany(format!(
                "a user has at most {most} connections: end one first"
            )));
        }
        let credentials = self.sessions.signs_in().then(|| proof.lasting());
        let made = Arc::new(Connection::new(
            uuid::Uuid::new_v4().to_string(),
            transport,
            credentials,
            who,
            (
                self.made.fetch_add(1, Ordering::Relaxed),
                self.settings.buffer_events_max,
                self.now_ms(),
            ),
        ));
        connections.insert(made.id.clone(), Arc::clone(&made));
        Ok(made)
    }

    /// A connection of this id that was made with the same session.
    ///
    /// # Errors
    /// `NoConnection` when there is none, and when it is somebody else's.
    pub(crate) fn own(&self, id: &str, who: &Who) -> Result<Arc<Connection>> {
        let found = self.connections.read().get(id).map(Arc::clone);
        let found = found.filter(|connection| connection.known().is_same_session(who));
        let found = found.ok_or(RealtimeError::NoConnection)?;
        found.used(self.now_ms());
        Ok(found)
    }

    /// Somebody's connections that were made with the same session, the latest last.
    pub(crate) fn of_session(&self, who: &Who) -> Vec<Arc<Connection>> {
        let connections = self.connections.read();
        let mut own: Vec<Arc<Connection>> = connections
            .values()
            .filter(|connection| connection.known().is_same_session(who))
            .map(Arc::clone)
            .collect();
        own.sort_by_key(|connection| connection.made);
        own
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.connections.read().values().map(Arc::clone).collect()
    }

    /// Ends a connection, and tells those who saw its client. Does nothing the second time.
    pub(crate) fn end(&self, connection: &Connection, ending: Ending) {
        connection.end(ending);
        if self.connections.write().remove(&connection.id).is_some() {
            self.leave(connection, None);
        }
    }

    /// Ends all connections. None is left to be told who went.
    pub(crate) fn end_all(&self, ending: Ending) {
        let all = std::mem::take(&mut *self.connections.write());
        for connection in all.values() {
            connection.end(ending);
            self.rooms.leave(&connection.id, None);
        }
    }

    /// Ends what lies unused, and forgets what is out of date. To be called now and then.
    pub(crate) fn sweep(&self) {
        let now_ms = self.now_ms();
        for connection in self.all() {
            if connection.is_idle(now_ms, self.settings.idle_ms) {
                self.end(&connection, Ending::IDLE);
            }
        }
        self.sight.forget();
    }

    /// Who stands behind a connection, looked at as late as the settings say.
    ///
    /// # Errors
    /// As [`Connection::who`].
    pub(crate) async fn who(&self, connection: &Connection) -> Result<Arc<Who>, NotNow> {
        connection
            .who(&self.sessions, self.now_ms(), self.settings.session_check_ms)
            .await
    }

    /// An event of the bus for those who subscribed to it.
    pub(crate) fn hear(&self, event: &Event) {
        if event.name.starts_with("auth.") || event.name.starts_with("authz.") || event.name.starts_with("security.") {
            self.doubt(event);
        }
        let number = self.sight.arrive();
        if self.count() == 0 {
            return;
        }
        self.announce(&Arc::new(News::of_event(event, number)));
    }

    /// Puts news into the outboxes of those who may want it; answers how many those are.
    pub(crate) fn announce(&self, news: &Arc<News>) -> u64 {
        let mut told = 0;
        for connection in self.connections.read().values() {
            let mut wanted = false;
            for subscription in connection.subscriptions() {
                for name in subscription.wants(news) {
                    wanted = true;
                    connection.put(Item::Event {
                        subscription: subscription.id.clone(),
                        name,
                        news: Arc::clone(news),
                    });
                }
            }
            told += u64::from(wanted);
        }
        told
    }

    /// An event that the bus's configuration pushes; answers for how many connections it waits.
    pub(crate) fn push(&self, request: &PushRequest) -> u64 {
        let transport = match request.protocol {
            RealtimeProtocol::Websocket => TransportProtocol::Websocket,
            RealtimeProtocol::Sse => TransportProtocol::Sse,
            RealtimeProtocol::LongPolling => TransportProtocol::Polling,
        };
        let news = Arc::new(News::of_event(&request.event, self.sight.arrive()));
        let by = Arc::new(PushedBy::of(request));
        let mut told = 0;
        for connection in self.connections.read().values() {
            let channels = request.channels.as_ref();
            let chosen = channels.is_none_or(|channels| channels.iter().any(|channel| connection.hears(channel)));
            if connection.transport == transport && chosen {
                connection.put(Item::Pushed {
                    news: Arc::clone(&news),
                    by: Arc::clone(&by),
                });
                told += 1;
            }
        }
        told
    }

    /// Hands a message of a client to the others in its channel. Those of other tenants would not get it, and it is not to take
    /// the room of what they get.
    pub(crate) fn relay(&self, from: &Connection, relay: Relay) {
        let relay = Arc::new(relay);
        for connection in self.connections.read().values() {
            if connection.id != from.id
                && connection.hears(&relay.channel.name)
                && connection.known().tenant() == relay.tenant.as_deref()
            {
                connection.put(Item::Relay(Arc::clone(&relay)));
            }
        }
    }

    /// Somebody is there: kept for those who come, and told to those who are there.
    ///
    /// # Errors
    /// `TooMany` when a client is in too many places.
    pub(crate) fn appear(
        &self,
        from: &Connection,
        who: &Who,
        channel: Channel,
        said: Map<String, Value>,
    ) -> Result<()> {
        let presence = Presence {
            user: who.principal.id.clone(),
            seen_ms: self.now_ms(),
            said,
            channel: channel.clone(),
        };
        let body = presence.body(&from.id);
        self.rooms.set(who.tenant(), &from.id, presence)?;
        // Either this sees the end, or whoever ended it finds what was put there.
        if from.outbox.ending().is_some() {
            self.rooms.leave(&from.id, None);
            return Ok(());
        }
        self.relay(from, of_presence(who.tenant().map(str::to_owned), channel, body));
        Ok(())
    }

    /// Tells a client that came into channels who is there, as far as that leaves room for what it came for: all of a large
    /// crowd are told to those who ask.
    pub(crate) fn show(&self, connection: &Connection, who: &Who, channels: &[Channel]) {
        let mut left = SHOWN_MAX.min(self.settings.buffer_events_max / 2);
        for channel in channels {
            for (id, presence) in self.rooms.present(who.tenant(), &channel.name) {
                if left == 0 {
                    return;
                }
                if id != connection.id {
                    left -= 1;
                    let body = presence.body(&id);
                    let relay = of_presence(who.tenant().map(str::to_owned), channel.clone(), body);
                    connection.put(Item::Relay(Arc::new(relay)));
                }
            }
        }
    }

    /// A client is gone from these channels, or from all.
    pub(crate) fn leave(&self, connection: &Connection, from: Option<&[String]>) {
        let now_ms = self.now_ms();
        for (tenant, presence) in self.rooms.leave(&connection.id, from) {
            let gone = presence.offline(now_ms);
            let body = gone.body(&connection.id);
            self.relay(connection, of_presence(tenant, gone.channel, body));
        }
    }

    /// Something happened to a user or a session: those whom it may concern are looked at, at once.
    fn doubt(&self, event: &Event) {
        let told: SecurityEvent = serde_json::from_value(event.payload.clone()).unwrap_or_default();
        for connection in self.connections.read().values() {
            let known = connection.known();
            let own = [
                Some(known.principal.id.as_str()),
                known.came_with(),
                known.principal.attributes.get("impersonatedBy").and_then(Value::as_str),
            ];
            if concerns(&event.name, &told, &own) {
                connection.doubt();
                connection.outbox.wake();
            }
        }
    }
}

/// Whether an event may concern somebody of whom these are the ids. One that names nobody is about all, if rights were changed;
/// a stranger who cannot sign in is no reason to look at everybody.
fn concerns(name: &str, told: &SecurityEvent, own: &[Option<&str>]) -> bool {
    let about = [
        told.target_id.as_deref(),
        told.origin.actor_id.as_deref(),
        told.origin.session_id.as_deref(),
    ];
    let meant = own
        .iter()
        .flatten()
        .any(|own| about.iter().flatten().any(|about| about == own));
    meant || (told.target_id.is_none() && name.starts_with("authz."))
}

fn of_presence(tenant: Option<String>, channel: Channel, body: Map<String, Value>) -> Relay {
    Relay {
        kind: "presence",
        tenant,
        channel,
        body,
    }
}

#[cfg(test)]
mod tests;
