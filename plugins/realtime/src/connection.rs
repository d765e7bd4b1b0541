//! One client: what it signed in with, what it wants to hear, what waits for it.

use objectos_plugin_api::{PrincipalKind, contracts::auth::Credentials, protocol::api::TransportProtocol};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{
    error::{RealtimeError, Result},
    outbox::{Ending, Item, Outbox},
    session::{NotNow, Sessions, Who},
    subscription::Subscription,
};

/// Answers that are sent over one connection at the same time; one that broke off may not be noticed at once.
const STREAMS_MAX: usize = 8;
/// Regular expressions in all filters of a connection.
const REGEXES_MAX: usize = 32;

/// Who it is, and when that was looked at, milliseconds since 1970.
#[derive(Debug)]
struct Standing {
    who: Arc<Who>,
    looked_at_ms: i64,
    /// How many doubts there were when it was looked at.
    doubts: u64,
}

/// How many in a span of time.
#[derive(Debug, Default)]
pub(crate) struct Window {
    begun_ms: i64,
    count: u64,
}

/// What a window says of one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It fits.
    There,
    /// It is the first that does not.
    Full,
    /// Others before it did not.
    StillFull,
}

impl Window {
    pub(crate) fn take(&mut self, now_ms: i64, (most, span_ms): (u64, u64)) -> Room {
        let span_ms = i64::try_from(span_ms).unwrap_or(i64::MAX);
        if now_ms.saturating_sub(self.begun_ms) >= span_ms || now_ms < self.begun_ms {
            *self = Self {
                begun_ms: now_ms,
                count: 0,
            };
        }
        self.count = self.count.saturating_add(1);
        match self.count.saturating_sub(most) {
            0 => Room::There,
            1 => Room::Full,
            _ => Room::StillFull,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Connection {
    /// A UUID that nobody can guess.
    pub(crate) id: String,
    pub(crate) transport: TransportProtocol,
    /// Place in the order in which connections were made.
    pub(crate) made: u64,
    /// What to look at again; `None` where nobody signs in.
    credentials: Option<Credentials>,
    standing: Mutex<Standing>,
    /// How often something happened that may have ended the session.
    doubts: AtomicU64,
    subscriptions: Mutex<BTreeMap<String, Arc<Subscription>>>,
    pub(crate) outbox: Outbox,
    /// When something last came or went.
    used_ms: AtomicI64,
    /// Answers that are being sent.
    streams: AtomicUsize,
    /// Messages of the client.
    pub(crate) said: Mutex<Window>,
    /// Events that the bus's configuration pushed.
    pub(crate) pushed: Mutex<Window>,
    /// A client speaks over it, or did.
    pub(crate) taken: AtomicBool,
}

impl Connection {
    pub(crate) fn new(
        id: String,
        transport: TransportProtocol,
        credentials: Option<Credentials>,
        who: Who,
        (made, items_max, now_ms): (u64, usize, i64),
    ) -> Self {
        Self {
            id,
            made,
            credentials,
            standing: Mutex::new(Standing {
                who: Arc::new(who),
                looked_at_ms: now_ms,
                doubts: 0,
            }),
            doubts: AtomicU64::new(0),
            subscriptions: Mutex::default(),
            outbox: Outbox::new(items_max, transport != TransportProtocol::Websocket),
            transport,
            used_ms: AtomicI64::new(now_ms),
            streams: AtomicUsize::new(0),
            said: Mutex::default(),
            pushed: Mutex::default(),
            taken: AtomicBool::new(false),
        }
    }

    /// Who it was when that was looked at last.
    pub(crate) fn known(&self) -> Arc<Who> {
        Arc::clone(&self.standing.lock().who)
    }

    /// Who it is now. `holds_ms`: how long what was looked at before holds.
    ///
    /// # Errors
    /// `Over` when the session is; `Unknown` when it cannot be told.
    pub(crate) async fn who(&self, sessions: &Sessions, now_ms: i64, holds_ms: u64) -> Result<Arc<Who>, NotNow> {
        let Some(credentials) = &self.credentials else {
            // Made while nobody signed in here. Where people do by now, nobody stands behind it.
            return if sessions.signs_in() {
                Err(NotNow::Over)
            } else {
                Ok(self.known())
            };
        };
        // Before it is asked: a doubt that comes meanwhile, or whose question is given up, stays.
        let doubts = self.doubts.load(Ordering::SeqCst);
        let before = {
            let standing = self.standing.lock();
            let age_ms = u64::try_from(now_ms.saturating_sub(standing.looked_at_ms)).unwrap_or(u64::MAX);
            if standing.doubts == doubts && age_ms < holds_ms {
                return Ok(Arc::clone(&standing.who));
            }
            Arc::clone(&standing.who)
        };
        let now = match sessions.ask(credentials).await {
            // A key or a session is one user's for good; if not, it is not the one that was let in.
            Ok(who) if !who.is_same(&before) => return Err(NotNow::Over),
            Ok(who) if who.principal == before.principal => before,
            Ok(who) => Arc::new(who),
            Err(not) => return Err(not),
        };
        let mut standing = self.standing.lock();
        // An answer that took its time does not count for what happened since.
        if standing.doubts <= doubts {
            *standing = Standing {
                who: Arc::clone(&now),
                looked_at_ms: now_ms,
                doubts,
            };
        }
        drop(standing);
        Ok(now)
    }

    /// Whether the client may tell others something: a key that may only read only listens, as over HTTP.
    ///
    /// # Errors
    /// `Unknown` when it cannot be told.
    pub(crate) async fn may_speak(&self, sessions: &Sessions) -> Result<bool, NotNow> {
        let Some(credentials) = &self.credentials else {
            return Ok(true);
        };
        if self.known().principal.kind != PrincipalKind::Service {
            return Ok(true);
        }
        let speaking = Credentials {
            method: "PUT".to_owned(),
            ..credentials.clone()
        };
        match sessions.ask(&speaking).await {
            Ok(_) => Ok(true),
            Err(NotNow::Over) => Ok(false),
            Err(not) => Err(not),
        }
    }

    /// The session is looked at again, at once.
    pub(crate) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_doubted(&self) -> bool {
        self.standing.lock().doubts != self.doubts.load(Ordering::SeqCst)
    }

    /// Adds a subscription, in the place of one of its id.
    ///
    /// # Errors
    /// `TooMany` beyond `most`.
    pub(crate) fn subscribe(&self, subscription: Arc<Subscription>, most: usize) -> Result<()> {
        let mut subscriptions = self.subscriptions.lock();
        if subscriptions.len() >= most && !subscriptions.contains_key(&subscription.id) {
            return Err(RealtimeError::TooMany(format!(
                "a connection has at most {most} subscriptions: end one first"
            )));
        }
        let others = subscriptions.values().filter(|known| known.id != subscription.id);
        let regexes = others.map(|known| known.regexes()).sum::<usize>() + subscription.regexes();
        if regexes > REGEXES_MAX {
            return Err(RealtimeError::TooMany(format!(
                "the filters of a connection have at most {REGEXES_MAX} regular expressions: compare with other operators"
            )));
        }
        subscriptions.insert(subscription.id.clone(), subscription);
        Ok(())
    }

    /// Ends a subscription; false when there is none of that id.
    pub(crate) fn unsubscribe(&self, id: &str) -> bool {
        self.subscriptions.lock().remove(id).is_some()
    }

    /// Ends all.
    pub(crate) fn unsubscribe_all(&self) {
        self.subscriptions.lock().clear();
    }

    /// A subscription as it is now.
    pub(crate) fn subscription(&self, id: &str) -> Option<Arc<Subscription>> {
        self.subscriptions.lock().get(id).map(Arc::clone)
    }

    pub(crate) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.subscriptions.lock().values().map(Arc::clone).collect()
    }

    /// Whether one of them is in a channel.
    pub(crate) fn hears(&self, channel: &str) -> bool {
        self.subscriptions.lock().values().any(|known| known.hears(channel))
    }

    /// Puts something into the outbox.
    pub(crate) fn put(&self, item: Item) {
        self.outbox.put(item);
    }

    /// Nothing more comes over it.
    pub(crate) fn end(&self, ending: Ending) {
        self.outbox.end(ending);
    }

    /// Something came or went.
    pub(crate) fn used(&self, now_ms: i64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether it lies unused since `idle_ms`.
    pub(crate) fn is_idle(&self, now_ms: i64, idle_ms: u64) -> bool {
        let age_ms = now_ms.saturating_sub(self.used_ms.load(Ordering::Relaxed));
        self.streams.load(Ordering::SeqCst) == 0 && u64::try_from(age_ms).is_ok_and(|age_ms| age_ms >= idle_ms)
    }

    /// An answer is being sent, until the guard is dropped.
    ///
    /// # Errors
    /// `TooMany` when many are already: each is as much work as a connection of its own.
    pub(crate) fn streaming(self: &Arc<Self>) -> Result<Streaming> {
        let before = self.streams.fetch_add(1, Ordering::SeqCst);
        let streaming = Streaming(Arc::clone(self));
        if before >= STREAMS_MAX {
            return Err(RealtimeError::TooMany(format!(
                "a connection is read by at most {STREAMS_MAX} requests at a time"
            )));
        }
        Ok(streaming)
    }
}

/// See [`Connection::streaming`].
#[derive(Debug)]
pub(crate) struct Streaming(Arc<Connection>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objectos_plugin_api::Principal;

    #[test]
    fn a_connection_is_read_by_so_many_at_a_time() {
        let who = Who::new(Principal::default());
        let connection = Connection::new("c1".to_owned(), TransportProtocol::Sse, None, who, (0, 10, 0));
        let connection = Arc::new(connection);
        let mut open: Vec<Streaming> = (0..STREAMS_MAX).map(|_| connection.streaming().unwrap()).collect();
        assert!(connection.streaming().is_err() && !connection.is_idle(i64::MAX, 1));
        open.pop();
        assert!(connection.streaming().is_ok());
        drop(open);
        assert!(connection.is_idle(1_000, 1_000));
    }

    #[test]
    fn a_window_lets_so_many_through_and_says_once_that_it_is_full() {
        let mut window = Window::default();
        let mut take = |now_ms| window.take(now_ms, (2, 1_000));
        assert_eq!([take(5_000), take(5_001)], [Room::There, Room::There]);
        assert_eq!([take(5_002), take(5_999)], [Room::Full, Room::StillFull]);
        assert_eq!(take(6_000), Room::There);
        // The clock was set back.
        assert_eq!(take(10), Room::There);
    }
}
