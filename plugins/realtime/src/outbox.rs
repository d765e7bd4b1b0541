//! What waits for one client, and is kept for one that comes back: numbered, in order, bounded in count and bytes. What does
//! not fit pushes the oldest out. Of a WebSocket that is the end (it can take nothing up again); others are told that they
//! lagged and what number they can go on from.
//!
//! Much of what waits is looked at and not for the client. That leaves no gap in the numbers which the client is told, nor does
//! it matter how much was pushed out unseen: they would count what others may see.
//!
//! Items are names and ids (see `news`): what a client gets of one is made when it is taken out.

use objectos_plugin_api::contracts::realtime::PushRequest;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::watch;

use crate::{news::News, subscription::Channel};

/// Bytes that wait for one client.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Something for a client.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// A message that is ready: an answer to this client.
    Answer(Map<String, Value>),
    /// An event that a subscription wants, under this name.
    Event {
        subscription: String,
        name: String,
        news: Arc<News>,
    },
    /// An event that the bus's configuration pushes.
    Pushed { news: Arc<News>, by: Arc<PushedBy> },
    /// A message of another client.
    Relay(Arc<Relay>),
}

/// What the bus's configuration says of an event that it pushes.
#[derive(Clone, Debug)]
pub(crate) struct PushedBy {
    pub(crate) user_filter: bool,
    pub(crate) tenant_filter: bool,
    /// Events in one window, and its length in milliseconds.
    pub(crate) rate: Option<(u64, u64)>,
    /// Who caused the event, by the bus.
    pub(crate) user: Option<String>,
    /// And of which tenant it is.
    pub(crate) tenant: Option<String>,
}

impl PushedBy {
    pub(crate) fn of(request: &PushRequest) -> Self {
        let metadata = &request.event.metadata;
        Self {
            user_filter: request.user_filter,
            tenant_filter: request.tenant_filter,
            rate: request.rate_limit.as_ref().map(|limit| {
                let events = limit.max_events_per_second.saturating_mul(limit.window_ms) / 1_000;
                (events.max(1), limit.window_ms)
            }),
            user: metadata.user_id.clone(),
            tenant: metadata.tenant_id.clone(),
        }
    }
}

/// A message of a client to those in its channel.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    /// `presence`, `cursor` or `edit`.
    pub(crate) kind: &'static str,
    pub(crate) tenant: Option<String>,
    pub(crate) channel: Channel,
    /// The keys beside `messageId`, `type` and `timestamp`.
    pub(crate) body: Map<String, Value>,
}

impl Item {
    fn bytes(&self) -> usize {
        let map = |map: &Map<String, Value>| map.values().map(|value| value.to_string().len()).sum::<usize>() + 128;
        match self {
            Self::Answer(message) => map(message),
            Self::Event { news, .. } | Self::Pushed { news, .. } => news.bytes(),
            Self::Relay(relay) => map(&relay.body),
        }
    }
}

/// Why a connection ends. The codes are those of WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Ending {
    pub(crate) const NORMAL: Self = Self::new(1000, "Disconnected");
    pub(crate) const RESTART: Self = Self::new(1012, "Service restart");
    pub(crate) const SLOW: Self = Self::new(1013, "Too slow");
    pub(crate) const AGAIN: Self = Self::new(1013, "Try again later");
    pub(crate) const EXPIRED: Self = Self::new(4401, "Session expired");
    pub(crate) const IDLE: Self = Self::new(4408, "Idle");

    pub(crate) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

/// What comes after a number.
#[derive(Debug)]
pub(crate) enum Next {
    /// This one, under the number that it has if it is sent, and its mark for [`Outbox::sent`] and [`Outbox::passed`].
    Item(u64, Mark, Item),
    /// Some were pushed out; the first that is still there follows this number.
    Lagged(u64),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Over(Ending),
}

/// Tells items apart, whatever their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

#[derive(Debug)]
struct Waiting {
    mark: Mark,
    bytes: usize,
    item: Item,
}

#[derive(Debug, Default)]
struct Kept {
    /// The first has the number after `gone`, and so on.
    items: VecDeque<Waiting>,
    bytes: usize,
    /// How many were put in.
    put: u64,
    /// Number of the last one that was pushed out; all that were lost between two answers have one number.
    gone: u64,
    /// The highest number that the client was told.
    told: u64,
    ending: Option<Ending>,
}

impl Kept {
    fn push_out(&mut self) {
        if let Some(out) = self.items.pop_front() {
            self.bytes -= out.bytes;
            if self.gone <= self.told {
                self.gone += 1;
            }
        }
    }

    /// Where an item lies; `None` when it does not have that number any more.
    fn place(&self, number: u64, mark: Mark) -> Option<usize> {
        let place = usize::try_from(number.checked_sub(self.gone)?.checked_sub(1)?).ok()?;
        self.items
            .get(place)
            .is_some_and(|kept| kept.mark == mark)
            .then_some(place)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Outbox {
    kept: Mutex<Kept>,
    items_max: usize,
    /// What was taken is kept, for a client that comes back.
    keeps: bool,
    changed: watch::Sender<u64>,
}

impl Outbox {
    pub(crate) fn new(items_max: usize, keeps: bool) -> Self {
        Self {
            kept: Mutex::default(),
            items_max,
            keeps,
            changed: watch::channel(0).0,
        }
    }

    /// Puts something in. Too much for a client that cannot be told what it missed is its end.
    pub(crate) fn put(&self, item: Item) {
        let mut kept = self.kept.lock();
        if kept.ending.is_some() {
            return;
        }
        let bytes = item.bytes();
        kept.put += 1;
        let mark = Mark(kept.put);
        kept.bytes += bytes;
        kept.items.push_back(Waiting { mark, bytes, item });
        while kept.items.len() > self.items_max || (kept.bytes > BYTES_MAX && kept.items.len() > 1) {
            if !self.keeps {
                kept.items.clear();
                kept.bytes = 0;
                kept.ending = Some(Ending::SLOW);
                break;
            }
            kept.push_out();
        }
        drop(kept);
        self.wake();
    }

    /// What comes after a number. An outbox that does not keep what was taken takes it out.
    pub(crate) fn after(&self, number: u64) -> Next {
        let mut kept = self.kept.lock();
        // Nothing more is sent after the end, also of what waits.
        if let Some(ending) = kept.ending {
            return Next::Over(ending);
        }
        if !self.keeps {
            let Some(Waiting { mark, bytes, item }) = kept.items.pop_front() else {
                return Next::Nothing;
            };
            kept.bytes -= bytes;
            return Next::Item(0, mark, item);
        }
        // A number that was never told is of another connection, or a guess: begin at the beginning.
        let number = if number > kept.told { 0 } else { number };
        if number < kept.gone {
            kept.told = kept.told.max(kept.gone);
            return Next::Lagged(kept.gone);
        }
        let place = usize::try_from(number - kept.gone).unwrap_or(usize::MAX);
        match kept.items.get(place) {
            Some(found) => Next::Item(number + 1, found.mark, found.item.clone()),
            None => Next::Nothing,
        }
    }

    /// An item is about to be sent under its number. False when it has that no more, and is not to be sent: look again.
    pub(crate) fn sent(&self, number: u64, mark: Mark) -> bool {
        let mut kept = self.kept.lock();
        let there = kept.place(number, mark).is_some();
        if there {
            kept.told = kept.told.max(number);
        }
        there
    }

    /// An item is not for the client. One of which the client knows nothing is gone, and its number the next one's; answers
    /// whether it keeps it, and is to be passed by.
    pub(crate) fn passed(&self, number: u64, mark: Mark) -> bool {
        let mut kept = self.kept.lock();
        let Some(place) = kept.place(number, mark) else {
            return false;
        };
        if number <= kept.told {
            return true;
        }
        if let Some(gone) = kept.items.remove(place) {
            kept.bytes -= gone.bytes;
        }
        false
    }

    /// Ends it; the first reason stays.
    pub(crate) fn end(&self, ending: Ending) {
        let mut kept = self.kept.lock();
        kept.ending.get_or_insert(ending);
        kept.items.clear();
        kept.bytes = 0;
        drop(kept);
        self.wake();
    }

    /// Why it ended.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.kept.lock().ending
    }

    /// Whoever waits looks again.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Says when to look again. To be asked for before looking.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests;
