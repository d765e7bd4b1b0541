//! Which thread is inside which plugin right now. Each thread writes it into a slot of its own, before and after it runs a
//! plugin's code; the watchdog looks at all slots from time to time.
//!
//! Writing costs a few stores: no lock, no clock, no allocation after a thread's first time. A slot that holds the same entry
//! in look after look is a thread that did not come back: that is all the watchdog needs to know of time.
//!
//! Invariants
//! * A slot names the innermost plugin: whoever waits for another plugin on the same thread is not to blame for it.
//! * Slots are never freed, only given to another thread; a thread that ends is inside nobody.

use parking_lot::Mutex;
use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

/// Nobody's serial.
const NOBODY: u32 = 0;

/// What a plugin's code runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A call of a service, a route or a command; with the position as in `RawPlugin::call`.
    Call(u32),
    /// The same, synchronous: it stays on the caller's thread whatever the plugin's mode is.
    SyncCall(u32),
    /// A hook handler, by position.
    Hook(u32),
    /// An event handler, by position.
    Event(u32),
    /// A piece of the body of an answer, or the body's end.
    Body,
    /// A message from a socket or to one, or the socket's end.
    Socket,
    /// A future that the plugin gave to the host.
    Task,
}

/// An errand, and on whose thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) errand: Errand,
    /// On a thread of the plugin's own.
    pub(crate) at_home: bool,
}

impl About {
    /// On somebody else's thread.
    pub(crate) fn guest(errand: Errand) -> Self {
        Self { errand, at_home: false }
    }

    /// On a thread of the plugin's own.
    pub(crate) fn home(errand: Errand) -> Self {
        Self { errand, at_home: true }
    }

    fn pack(self) -> u64 {
        let (kind, position) = match self.errand {
            Errand::Call(position) => (1, position),
            Errand::SyncCall(position) => (2, position),
            Errand::Hook(position) => (3, position),
            Errand::Event(position) => (4, position),
            Errand::Task => (5, 0),
            Errand::Body => (6, 0),
            Errand::Socket => (7, 0),
        };
        (kind << 33) | (u64::from(self.at_home) << 32) | u64::from(position)
    }

    fn unpack(packed: u64) -> Option<Self> {
        let (_, position) = halves(packed);
        let errand = match packed >> 33 {
            1 => Errand::Call(position),
            2 => Errand::SyncCall(position),
            3 => Errand::Hook(position),
            4 => Errand::Event(position),
            5 => Errand::Task,
            6 => Errand::Body,
            7 => Errand::Socket,
            _ => return None,
        };
        let at_home = (packed >> 32) & 1 == 1;
        Some(Self { errand, at_home })
    }
}

/// Upper and lower half.
fn halves(packed: u64) -> (u32, u32) {
    let [l0, l1, l2, l3, u0, u1, u2, u3] = packed.to_le_bytes();
    (
        u32::from_le_bytes([u0, u1, u2, u3]),
        u32::from_le_bytes([l0, l1, l2, l3]),
    )
}

/// Where a thread is. A cache line of its own: threads must not slow each other down.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Slot {
    /// The thread's turn (upper half), which no other entry of it has soon, and the instance's serial (lower half).
    entry: AtomicU64,
    about: AtomicU64,
    /// Written by the slot's thread alone.
    turns: AtomicU32,
}

static ALL: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
static FREE: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    static LEASE: Lease = const { Lease(Cell::new(None)) };
}

/// Gives the slot back when its thread ends.
struct Lease(Cell<Option<&'static Slot>>);

impl Drop for Lease {
    fn drop(&mut self) {
        HERE.set(None);
        if let Some(slot) = self.0.take() {
            FREE.lock().push(slot);
        }
    }
}

/// A slot for this thread; none when the thread is at its end.
#[cold]
fn take_slot() -> Option<&'static Slot> {
    let taken = LEASE.try_with(|lease| {
        let free = FREE.lock().pop();
        let slot = free.unwrap_or_else(|| {
            let slot: &'static Slot = Box::leak(Box::default());
            ALL.lock().push(slot);
            slot
        });
        lease.0.set(Some(slot));
        HERE.set(Some(slot));
        slot
    });
    taken.ok()
}

impl Slot {
    fn enter(&'static self, serial: u32, about: u64) -> Inside {
        let before = Inside {
            slot: self,
            entry: self.entry.load(Ordering::Relaxed),
            about: self.about.load(Ordering::Relaxed),
        };
        let turn = self.turns.load(Ordering::Relaxed).wrapping_add(1);
        self.turns.store(turn, Ordering::Relaxed);
        self.put((u64::from(turn) << 32) | u64::from(serial), about);
        before
    }

    fn put(&self, entry: u64, about: u64) {
        self.about.store(about, Ordering::Relaxed);
        self.entry.store(entry, Ordering::Release);
    }
}

/// Where the thread was before; back there when dropped, also by a panic.
struct Inside {
    slot: &'static Slot,
    entry: u64,
    about: u64,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.slot.put(self.entry, self.about);
    }
}

/// Runs code of the instance with this serial, for the watchdog to see.
#[inline]
pub(crate) fn watched<T>(serial: u32, about: About, work: impl FnOnce() -> T) -> T {
    let Some(slot) = HERE.get().or_else(take_slot) else {
        return work();
    };
    let _inside = slot.enter(serial, about.pack());
    work()
}

/// Runs what makes the thread wait by the kernel's own will: no plugin is to blame for it.
pub(crate) fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    let _inside = HERE.get().map(|slot| slot.enter(NOBODY, 0));
    work()
}

/// What a slot held when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Unlike any other entry of this slot for a long time.
    pub(crate) entry: u64,
    /// Whose code, and for what; `None`: nobody's.
    pub(crate) inside: Option<(u32, About)>,
}

/// Looks at every slot, always in the same order.
pub(crate) fn look(into: &mut Vec<Sight>) {
    into.clear();
    into.extend(ALL.lock().iter().map(|slot| {
        let entry = slot.entry.load(Ordering::Acquire);
        let about = About::unpack(slot.about.load(Ordering::Acquire));
        let (_, serial) = halves(entry);
        // A slot that is written at this moment is not one that stands still.
        let steady = serial != NOBODY && slot.entry.load(Ordering::Relaxed) == entry;
        let inside = about.filter(|_| steady).map(|about| (serial, about));
        Sight { entry, inside }
    }));
}

#[cfg(test)]
mod tests {
    use super::{About, Errand, Sight, look, unwatched, watched};

    /// What the slots say of one serial.
    fn of(serial: u32) -> Vec<(u64, About)> {
        let mut sights: Vec<Sight> = Vec::new();
        look(&mut sights);
        let inside = |sight: Sight| sight.inside.map(|(found, about)| (found, sight.entry, about));
        sights
            .into_iter()
            .filter_map(inside)
            .filter(|(found, _, _)| *found == serial)
            .map(|(_, entry, about)| (entry, about))
            .collect()
    }

    #[test]
    fn the_innermost_is_seen_and_the_outer_one_comes_back() {
        // No instance gets so far.
        let (outer, inner) = (u32::MAX, u32::MAX - 1);
        let (hook, task) = (About::guest(Errand::Hook(7)), About::home(Errand::Task));
        watched(outer, hook, || {
            let seen = of(outer);
            assert_eq!(seen.iter().map(|(_, about)| *about).collect::<Vec<_>>(), [hook]);
            watched(inner, task, || {
                assert!(of(outer).is_empty());
                assert_eq!(of(inner)[0].1, task);
                unwatched(|| assert!(of(inner).is_empty()));
            });
            assert_eq!(of(outer), seen, "the same entry as before");
        });
        assert!(of(outer).is_empty());
        let panicked = std::panic::catch_unwind(|| watched(outer, hook, || assert!(of(outer).is_empty())));
        assert!(panicked.is_err());
        assert!(of(outer).is_empty());
    }

    #[test]
    fn every_errand_is_read_as_it_was_written() {
        let last = u32::MAX;
        for errand in [
            Errand::Call(0),
            Errand::Call(last),
            Errand::SyncCall(last),
            Errand::Hook(1),
            Errand::Event(last),
            Errand::Body,
            Errand::Socket,
            Errand::Task,
        ] {
            for about in [About::guest(errand), About::home(errand)] {
                assert_eq!(About::unpack(about.pack()), Some(about));
            }
        }
        assert_eq!(About::unpack(0), None);
    }
}
