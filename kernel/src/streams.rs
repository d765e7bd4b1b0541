//! Bodies that plugins make while somebody reads them, and sockets, which take messages as well ([`push`]). An answer of a
//! route names its body by a number of the plugin that answered; the kernel takes the body over in the same moment, hands a
//! number of its own on, and stands between the two sides until the end. It knows no content, and nothing of HTTP beyond the
//! number in a frame.
//!
//! Invariants
//! * A body that is open holds its generation, as a call under way does: a drain waits for it, and may end it.
//! * A socket holds its generation, too, but has no end that a drain could wait for: it is ended before the drain begins, and
//!   none is opened in a generation that is leaving.
//! * Whoever reads what was ended before its end reads an error, never an end.
//! * A number cannot be guessed, and what nobody asks for within a minute is dropped.

mod push;
mod source;

use objectos_plugin_api::{
    Error as PluginError, HttpResponse, SERVICE_RESTART, abi::RawResult, private::abi_stable::std_types::RResult,
};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use tokio::runtime::Handle;

use self::{push::Push, source::Source};
use crate::instance::{Instance, call::Call};

/// How long an answer may lie about before its body is asked for: whoever got it went away with it.
const CLAIM_LIMIT_MS: i64 = 60_000;
/// How long a piece that is being made on another thread may keep a body from being ended at once.
const END_LIMIT: Duration = Duration::from_millis(100);

/// What an answer leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has an end.
    Body,
    /// It takes messages, and ends when either side wants it to.
    Socket,
}

impl Kind {
    /// What the frame of an answer leaves open, with the number that its plugin knows it by.
    pub(crate) fn of_frame(frame: &[u8]) -> Option<(Self, u64)> {
        let body = HttpResponse::stream_of(frame).map(|number| (Self::Body, number));
        body.or_else(|| HttpResponse::socket_of(frame).map(|number| (Self::Socket, number)))
    }
}

/// All that are open.
#[derive(Default)]
pub(crate) struct Streams {
    open: Mutex<HashMap<u64, Arc<Stream>>>,
    made: AtomicU64,
    keys: RandomState,
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("open", &self.open.lock().len())
            .finish()
    }
}

impl Streams {
    /// Takes over what a plugin knows by `stream`, at `now_ms` by the kernel's clock; answers the number under which it is read.
    pub(crate) fn open(&self, instance: &Arc<Instance>, (kind, stream): (Kind, u64), now_ms: i64) -> u64 {
        let source = Source {
            instance: Arc::clone(instance),
            stream,
            kind,
        };
        let own = Arc::new(Stream::new(source, now_ms));
        let mut open = self.open.lock();
        let number = loop {
            let number = self.keys.hash_one(self.made.fetch_add(1, Ordering::Relaxed));
            if !open.contains_key(&number) {
                break number;
            }
        };
        open.insert(number, Arc::clone(&own));
        drop(open);
        // Either this sees the mark, or whoever set it finds the socket.
        if kind == Kind::Socket && instance.is_leaving() {
            own.end();
        }
        number
    }

    /// Drops what nobody asked for in time. To be called now and then.
    pub(crate) fn end_forgotten(&self, executor: &Handle, now_ms: i64) {
        let forgotten: Vec<Arc<Stream>> = self
            .open
            .lock()
            .extract_if(|_, known| known.is_forgotten(now_ms))
            .map(|(_, known)| known)
            .collect();
        if !forgotten.is_empty() {
            // A plugin may block as it lets go, and whoever calls has others to look after.
            executor.spawn(async move {
                for stream in forgotten {
                    stream.end();
                }
            });
        }
    }

    /// The next piece; `None` for a number that stands for nothing. An earlier piece that was asked for and not waited for is
    /// that next piece.
    pub(crate) fn next(&self, number: u64, deadline_ns: u64) -> Option<NextPiece> {
        let stream = self.open.lock().get(&number).map(Arc::clone)?;
        stream.claimed.store(true, Ordering::Relaxed);
        Some(NextPiece { stream, deadline_ns })
    }

    /// Hands a message to a socket; `None` for a number that stands for nothing. Nobody works on it before it is polled.
    pub(crate) fn push(&self, number: u64, message: &[u8]) -> Option<Push> {
        let stream = self.open.lock().get(&number).map(Arc::clone)?;
        stream.claimed.store(true, Ordering::Relaxed);
        Some(Push::new(stream, message.to_vec()))
    }

    /// Whoever read it does so no more.
    pub(crate) fn close(&self, number: u64) {
        let stream = self.open.lock().remove(&number);
        if let Some(stream) = stream {
            stream.end();
        }
    }

    /// Ends whatever an instance still makes; answers how many those were.
    pub(crate) fn end_of(&self, instance: &Instance) -> usize {
        self.end_where(|stream| stream.serial == instance.serial)
    }

    /// Ends the sockets of an instance, and lets it open no more until [`Instance::stay`]; answers how many those were.
    pub(crate) fn end_sockets_of(&self, instance: &Instance) -> usize {
        instance.leave();
        self.end_where(|stream| stream.serial == instance.serial && stream.kind == Kind::Socket)
    }

    fn end_where(&self, fits: impl Fn(&Stream) -> bool) -> usize {
        let open: Vec<Arc<Stream>> = self.open.lock().values().map(Arc::clone).collect();
        open.iter().filter(|stream| fits(stream) && stream.end()).count()
    }
}

/// What is not at its end. The piece that is being made and the message that is heard go before it does, and it before the
/// instance.
struct Live {
    piece: Option<Call>,
    /// Of whoever waits for the piece; a waker of the host's.
    waker: Option<Waker>,
    /// The message that a socket hears.
    push: Option<Call>,
    /// Of whoever waits for that.
    push_waker: Option<Waker>,
    source: Source,
}

/// One body or socket.
pub(crate) struct Stream {
    /// `None` at the end. Locked while the plugin is polled.
    live: Mutex<Option<Live>>,
    kind: Kind,
    /// Serial of the instance.
    serial: u32,
    /// It is over, or is to be as soon as whoever polls it lets go.
    ended: AtomicBool,
    claimed: AtomicBool,
    /// Since when it is open, milliseconds since 1970.
    since_ms: i64,
}

impl Stream {
    fn new(source: Source, now_ms: i64) -> Self {
        Self {
            kind: source.kind,
            serial: source.instance.serial,
            live: Mutex::new(Some(Live {
                piece: None,
                waker: None,
                push: None,
                push_waker: None,
                source,
            })),
            ended: AtomicBool::new(false),
            claimed: AtomicBool::new(false),
            since_ms: now_ms,
        }
    }

    fn is_forgotten(&self, now_ms: i64) -> bool {
        !self.claimed.load(Ordering::Relaxed) && now_ms.saturating_sub(self.since_ms) >= CLAIM_LIMIT_MS
    }

    fn poll(&self, task: &mut TaskContext<'_>, deadline_ns: u64) -> Poll<RawResult> {
        self.settle(self.poll_live(task, deadline_ns))
    }

    /// Whoever ended it while it was polled may have given up on the lock that was held until now.
    fn settle(&self, polled: Poll<RawResult>) -> Poll<RawResult> {
        if !self.ended.load(Ordering::SeqCst) {
            return polled;
        }
        let over = self.live.lock().take();
        if let Some(mut live) = over {
            // Of a socket's two sides the other may wait for what never comes now.
            let wakers = [live.waker.take(), live.push_waker.take()];
            drop(live);
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
        if polled.is_pending() {
            return Poll::Ready(self.broken_off());
        }
        polled
    }

    fn poll_live(&self, task: &mut TaskContext<'_>, deadline_ns: u64) -> Poll<RawResult> {
        let mut place = self.live.lock();
        if self.ended.load(Ordering::SeqCst) {
            return Poll::Ready(self.broken_off());
        }
        let Some(live) = &mut *place else {
            return Poll::Ready(self.broken_off());
        };
        let piece = live.piece.get_or_insert_with(|| live.source.next(deadline_ns));
        let polled = Pin::new(piece).poll(task);
        let more = match &polled {
            Poll::Pending => true,
            Poll::Ready(RResult::ROk(bytes)) => !bytes.is_empty(),
            Poll::Ready(RResult::RErr(_)) => false,
        };
        // A socket's client is heard until its reader lets go.
        if more || self.kind == Kind::Socket {
            if polled.is_pending() {
                live.waker = Some(task.waker().clone());
            } else {
                live.piece = None;
            }
            return polled;
        }
        let over = place.take();
        drop(place);
        drop(over);
        polled
    }

    /// Ends it, wherever it is; false when it was over.
    fn end(&self) -> bool {
        self.ended.store(true, Ordering::SeqCst);
        // Whoever polls it meanwhile looks at the mark before, and once more after the lock is free.
        let Some(mut place) = self.live.try_lock_for(END_LIMIT) else {
            return true;
        };
        let over = place.take();
        drop(place);
        let Some(mut live) = over else { return false };
        let wakers = [live.waker.take(), live.push_waker.take()];
        drop(live);
        wakers.into_iter().flatten().for_each(Waker::wake);
        true
    }

    fn broken_off(&self) -> RawResult {
        let error = match self.kind {
            Kind::Body => PluginError::unavailable("the body broke off"),
            Kind::Socket => PluginError::unavailable("the socket broke off").with_code(SERVICE_RESTART),
        };
        let internal = "it was ended before its end: its plugin was stopped or replaced, or failed";
        RResult::RErr(error.with_internal(internal).into_raw())
    }
}

/// The next piece of a body; empty at the end. Dropping it ends nothing: [`Streams::close`] does.
pub(crate) struct NextPiece {
    stream: Arc<Stream>,
    deadline_ns: u64,
}

impl Future for NextPiece {
    type Output = RawResult;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<RawResult> {
        self.stream.poll(task, self.deadline_ns)
    }
}
