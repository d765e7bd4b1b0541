//! What waits for one client, and is kept for one that comes back: numbered, in order, bounded in count and bytes. What does
//! not fit pushes the oldest out. Of a WebSocket that is the end (it can take nothing up again); others are told that they
//! lagged and what number they can go on from.
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
    /// This one.
    Item(u64, Item),
    /// Some were pushed out; the first that is still there follows this number.
    Lagged(u64),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Over(Ending),
}

#[derive(Debug, Default)]
struct Kept {
    items: VecDeque<(u64, usize, Item)>,
    bytes: usize,
    /// Number of the last one that was put in.
    last: u64,
    /// Number of the last one that was pushed out or taken.
    gone: u64,
    ending: Option<Ending>,
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
        kept.last += 1;
        let number = kept.last;
        kept.bytes += bytes;
        kept.items.push_back((number, bytes, item));
        while kept.items.len() > self.items_max || (kept.bytes > BYTES_MAX && kept.items.len() > 1) {
            if !self.keeps {
                kept.items.clear();
                kept.bytes = 0;
                kept.ending = Some(Ending::SLOW);
                break;
            }
            if let Some((number, bytes, _)) = kept.items.pop_front() {
                kept.bytes -= bytes;
                kept.gone = number;
            }
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
            let Some((number, bytes, item)) = kept.items.pop_front() else {
                return Next::Nothing;
            };
            kept.bytes -= bytes;
            kept.gone = number;
            return Next::Item(number, item);
        }
        // A number of the future is of another connection: begin at the beginning.
        let number = if number > kept.last { 0 } else { number };
        if number < kept.gone {
            return Next::Lagged(kept.gone);
        }
        let place = usize::try_from(number - kept.gone).unwrap_or(usize::MAX);
        match kept.items.get(place) {
            Some((number, _, item)) => Next::Item(*number, item.clone()),
            None => Next::Nothing,
        }
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
    #[cfg(test)]
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
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(number: u64) -> Item {
        Item::Answer(json!({"n": number}).as_object().unwrap().clone())
    }

    fn said(next: &Next) -> String {
        match next {
            Next::Item(number, Item::Answer(message)) => format!("{number}={}", message["n"]),
            Next::Item(number, _) => format!("{number}=?"),
            Next::Lagged(number) => format!("lagged {number}"),
            Next::Nothing => "nothing".to_owned(),
            Next::Over(ending) => format!("over {}", ending.code),
        }
    }

    #[test]
    fn a_socket_takes_each_once_and_ends_when_it_is_too_slow() {
        let outbox = Outbox::new(2, false);
        outbox.put(answer(1));
        outbox.put(answer(2));
        assert_eq!(said(&outbox.after(0)), "1=1");
        assert_eq!(said(&outbox.after(0)), "2=2");
        assert_eq!(said(&outbox.after(0)), "nothing");
        (3..=5).for_each(|number| outbox.put(answer(number)));
        assert_eq!(said(&outbox.after(0)), "over 1013");
        outbox.put(answer(6));
        assert_eq!(outbox.ending(), Some(Ending::SLOW));
    }

    #[test]
    fn others_go_on_where_they_were_or_are_told_that_they_lagged() {
        let outbox = Outbox::new(3, true);
        (1..=3).for_each(|number| outbox.put(answer(number)));
        assert_eq!(said(&outbox.after(0)), "1=1");
        assert_eq!(said(&outbox.after(0)), "1=1", "again, for one that comes back");
        assert_eq!(said(&outbox.after(2)), "3=3");
        assert_eq!(said(&outbox.after(3)), "nothing");
        (4..=5).for_each(|number| outbox.put(answer(number)));
        assert_eq!(said(&outbox.after(1)), "lagged 2");
        assert_eq!(said(&outbox.after(2)), "3=3");
        assert_eq!(said(&outbox.after(99)), "lagged 2");
    }

    #[test]
    fn bytes_have_a_limit_too() {
        let outbox = Outbox::new(1_000, true);
        let large = json!({"n": "x".repeat(BYTES_MAX / 2)}).as_object().unwrap().clone();
        (0..3).for_each(|_| outbox.put(Item::Answer(large.clone())));
        assert_eq!(said(&outbox.after(0)), "lagged 2");
    }

    #[test]
    fn nothing_waits_after_the_end() {
        let outbox = Outbox::new(3, true);
        outbox.put(answer(1));
        outbox.end(Ending::EXPIRED);
        outbox.end(Ending::RESTART);
        assert_eq!(said(&outbox.after(0)), "over 4401");
    }
}
