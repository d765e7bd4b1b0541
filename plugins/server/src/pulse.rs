//! How a connection does, and when that has gone on for too long. The socket and the requests leave marks in a few atomics;
//! the connection looks at them now and then. So a limit in time costs a request no timer, and is kept to within a quarter.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::Instant;

use crate::config::Limits;

/// Marks of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Requests being worked on.
    serving: AtomicU32,
    /// Requests so far.
    requests: AtomicU32,
    /// Bytes came while no request was being worked on.
    receiving: AtomicBool,
    /// The peer takes nothing.
    blocked: AtomicBool,
    /// Successful writes so far.
    writes: AtomicU32,
}

impl Pulse {
    /// A request has begun; it has ended when the answer is dropped.
    pub(crate) fn serve(&self) -> Serving<'_> {
        self.serving.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.receiving.store(false, Ordering::Relaxed);
        Serving(self)
    }

    /// The body of an answer is still to be made when its request has ended: the connection goes on working on it.
    pub(crate) fn hold(&self) {
        self.serving.fetch_add(1, Ordering::Relaxed);
    }

    /// The body is over.
    pub(crate) fn release(&self) {
        self.serving.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) {
        if self.serving.load(Ordering::Relaxed) == 0 {
            self.receiving.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.blocked.store(false, Ordering::Relaxed);
    }

    /// Successful writes so far.
    pub(crate) fn writes(&self) -> u32 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(crate) fn blocked(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }

    fn phase(&self, multiplexed: bool) -> Phase {
        let requests = self.requests.load(Ordering::Relaxed);
        if self.blocked.load(Ordering::Relaxed) {
            return Phase::Writing(self.writes.load(Ordering::Relaxed));
        }
        if self.serving.load(Ordering::Relaxed) > 0 {
            return Phase::Serving;
        }
        // On HTTP/2 bytes without a request are signs of life, not a head that drips in.
        if self.receiving.load(Ordering::Relaxed) && !multiplexed {
            return Phase::Head(requests);
        }
        Phase::Idle(requests)
    }
}

/// One request being worked on.
#[derive(Debug)]
pub(crate) struct Serving<'a>(&'a Pulse);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// What a connection is doing. Equal phases are one and the same stretch of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The request's own limit holds.
    Serving,
    Head(u32),
    Idle(u32),
    Writing(u32),
}

/// What a look at the pulse says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    /// Close it politely.
    Close,
    /// Drop it.
    Abort,
}

/// Looks at the pulse of one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    phase: Phase,
    since: Instant,
    closed: bool,
    multiplexed: bool,
}

impl Watch {
    pub(crate) fn new(multiplexed: bool, now: Instant) -> Self {
        Self {
            phase: Phase::Idle(0),
            since: now,
            closed: false,
            multiplexed,
        }
    }

    /// How often to look.
    pub(crate) fn interval(limits: &Limits) -> Duration {
        let shortest = limits.head_ms.min(limits.idle_ms).min(limits.write_ms);
        Duration::from_millis((shortest / 4).clamp(1, 5_000))
    }

    pub(crate) fn look(&mut self, pulse: &Pulse, limits: &Limits, now: Instant) -> Verdict {
        let phase = pulse.phase(self.multiplexed);
        if phase != self.phase {
            (self.phase, self.since) = (phase, now);
            return Verdict::Keep;
        }
        let (limit_ms, polite) = match phase {
            Phase::Serving => return Verdict::Keep,
            // A connection that never had a request is as suspect as a head that drips in.
            Phase::Idle(0) => (limits.head_ms, true),
            Phase::Idle(_) => (limits.idle_ms, true),
            Phase::Head(_) => (limits.head_ms, false),
            Phase::Writing(_) => (limits.write_ms, false),
        };
        if now.duration_since(self.since) < Duration::from_millis(limit_ms) {
            return Verdict::Keep;
        }
        if polite && !self.closed {
            (self.closed, self.since) = (true, now);
            return Verdict::Close;
        }
        Verdict::Abort
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = || Limits {
        head_ms: 100,
        idle_ms: 1_000,
        write_ms: 300,
        ..Limits::default()
    };

    #[test]
    fn each_phase_has_its_limit() {
        let check = |mark: fn(&Pulse), at_ms: u64, expected: Verdict| {
            let (pulse, start) = (Pulse::default(), Instant::now());
            let mut watch = Watch::new(false, start);
            drop(pulse.serve());
            mark(&pulse);
            assert_eq!(watch.look(&pulse, &LIMITS(), start), Verdict::Keep);
            let verdict = watch.look(&pulse, &LIMITS(), start + Duration::from_millis(at_ms));
            assert_eq!(verdict, expected, "{pulse:?} after {at_ms} ms");
        };
        check(|_| (), 999, Verdict::Keep);
        check(|_| (), 1_000, Verdict::Close);
        check(Pulse::received, 99, Verdict::Keep);
        check(Pulse::received, 100, Verdict::Abort);
        check(Pulse::blocked, 299, Verdict::Keep);
        check(Pulse::blocked, 300, Verdict::Abort);
    }

    #[test]
    fn a_request_has_its_own_limit() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        let mut watch = Watch::new(false, start);
        let serving = pulse.serve();
        pulse.received();
        for at_s in [0, 1_000, 2_000] {
            assert_eq!(
                watch.look(&pulse, &LIMITS(), start + Duration::from_secs(at_s)),
                Verdict::Keep
            );
        }
        drop(serving);
        assert_eq!(
            watch.look(&pulse, &LIMITS(), start + Duration::from_secs(2_000)),
            Verdict::Keep
        );
        assert_eq!(
            watch.look(&pulse, &LIMITS(), start + Duration::from_secs(2_001)),
            Verdict::Close
        );
    }

    #[test]
    fn a_request_or_a_write_begins_a_new_stretch() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut watch = Watch::new(false, start);
        pulse.received();
        assert_eq!(watch.look(&pulse, &LIMITS(), at(0)), Verdict::Keep);
        drop(pulse.serve());
        assert_eq!(watch.look(&pulse, &LIMITS(), at(200)), Verdict::Keep);
        pulse.blocked();
        assert_eq!(watch.look(&pulse, &LIMITS(), at(250)), Verdict::Keep);
        pulse.wrote();
        pulse.blocked();
        assert_eq!(watch.look(&pulse, &LIMITS(), at(600)), Verdict::Keep);
        assert_eq!(watch.look(&pulse, &LIMITS(), at(900)), Verdict::Abort);
    }

    #[test]
    fn a_silent_connection_is_closed_and_then_dropped() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        let mut watch = Watch::new(true, start);
        pulse.received();
        assert_eq!(
            watch.look(&pulse, &LIMITS(), start + Duration::from_millis(100)),
            Verdict::Close
        );
        assert_eq!(
            watch.look(&pulse, &LIMITS(), start + Duration::from_millis(150)),
            Verdict::Keep
        );
        assert_eq!(
            watch.look(&pulse, &LIMITS(), start + Duration::from_millis(200)),
            Verdict::Abort
        );
    }
}
