//! One client: what it signed in with, what it wants to hear, what waits for it.

use objectos_plugin_api::{contracts::auth::Credentials, protocol::api::TransportProtocol};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
};

use crate::{
    error::{RealtimeError, Result},
    outbox::{Ending, Item, Outbox},
    session::{NotNow, Sessions, Who},
    subscription::Subscription,
};

/// Who it is, and when that was looked at, milliseconds since 1970.
#[derive(Debug)]
struct Standing {
    who: Arc<Who>,
    looked_at_ms: i64,
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
    /// Something happened that may have ended the session.
    doubted: AtomicBool,
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
            }),
            doubted: AtomicBool::new(false),
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
            return Ok(self.known());
        };
        let doubted = self.doubted.swap(false, Ordering::SeqCst);
        let before = {
            let standing = self.standing.lock();
            let age_ms = u64::try_from(now_ms.saturating_sub(standing.looked_at_ms)).unwrap_or(u64::MAX);
            if !doubted && age_ms < holds_ms {
                return Ok(Arc::clone(&standing.who));
            }
            Arc::clone(&standing.who)
        };
        let now = match sessions.ask(credentials).await {
            // A key or a session is one user's for good; if not, it is not the one that was let in.
            Ok(who) if !who.is_same(&before) => return Err(NotNow::Over),
            Ok(who) if who.principal == before.principal => before,
            Ok(who) => Arc::new(who),
            Err(not) => {
                self.doubt();
                return Err(not);
            }
        };
        *self.standing.lock() = Standing {
            who: Arc::clone(&now),
            looked_at_ms: now_ms,
        };
        Ok(now)
    }

    /// The session is looked at again, at once.
    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::SeqCst)
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
    pub(crate) fn streaming(self: &Arc<Self>) -> Streaming {
        self.streams.fetch_add(1, Ordering::SeqCst);
        Streaming(Arc::clone(self))
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
