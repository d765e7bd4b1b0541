//! Bodies that plugins make while somebody reads them. An answer of a route names its body by a number of the plugin that
//! answered; the kernel takes the body over in the same moment, hands a number of its own on, and stands between the two sides
//! until the end. It knows no body's content, and nothing of HTTP beyond the number in a frame.
//!
//! Invariants
//! * A body that is open holds its generation, as a call under way does: a drain waits for it, and may end it.
//! * Whoever reads a body that was ended before its end reads an error, never an end.
//! * A number cannot be guessed, and a body that nobody asks for within a minute is dropped.

use objectos_plugin_api::{Error as PluginError, abi::RawResult, private::abi_stable::std_types::RResult};
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
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    instance::{
        Instance,
        call::Call,
        presence::{self, About, Errand},
    },
    loader,
};

/// How long an answer may lie about before its body is asked for: whoever got it went away with it.
const CLAIM_LIMIT_MS: i64 = 60_000;
/// How long a piece that is being made on another thread may keep a body from being ended at once.
const END_LIMIT: Duration = Duration::from_millis(100);

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
    /// Takes over a body that a plugin knows by `stream`, at `now_ms` by the kernel's clock; answers the number under which it
    /// is read.
    pub(crate) fn open(&self, instance: Arc<Instance>, stream: u64, now_ms: i64) -> u64 {
        let own = Arc::new(Stream::new(Source { instance, stream }, now_ms));
        let mut open = self.open.lock();
        let number = loop {
            let number = self.keys.hash_one(self.made.fetch_add(1, Ordering::Relaxed));
            if !open.contains_key(&number) {
                break number;
            }
        };
        open.insert(number, own);
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

    /// Whoever read it does so no more.
    pub(crate) fn close(&self, number: u64) {
        let stream = self.open.lock().remove(&number);
        if let Some(stream) = stream {
            stream.end();
        }
    }

    /// Ends whatever an instance still makes; answers how many those were.
    pub(crate) fn end_of(&self, instance: &Instance) -> usize {
        let open: Vec<Arc<Stream>> = self.open.lock().values().map(Arc::clone).collect();
        open.iter()
            .filter(|stream| stream.serial == instance.serial && stream.end())
            .count()
    }
}

/// A body on the plugin's side.
struct Source {
    instance: Arc<Instance>,
    stream: u64,
}

impl Source {
    /// Nothing of the author's runs before the call is polled.
    fn next(&self, deadline_ns: u64) -> Call {
        loader::checkpoint();
        let future = presence::watched(self.instance.serial, About::guest(Errand::Body), || {
            self.instance.object().stream_next(self.stream)
        });
        Call::new(future, Arc::clone(&self.instance), deadline_ns, Errand::Body)
    }
}

impl Drop for Source {
    /// What the author wrote runs, and may block: for a plugin that is called apart on its own threads.
    fn drop(&mut self) {
        loader::checkpoint();
        let apart = self.instance.threads().apart();
        let end = End {
            instance: Arc::clone(&self.instance),
            stream: self.stream,
            about: if apart {
                About::home(Errand::Body)
            } else {
                About::guest(Errand::Body)
            },
        };
        if apart {
            // Cancelled at once, which drops it there.
            let threads = Arc::clone(self.instance.threads());
            drop(threads.run(true, |_: oneshot::Sender<()>| Box::pin(end.wait())));
        }
    }
}

/// The end of a body, which comes when this is dropped.
struct End {
    instance: Arc<Instance>,
    stream: u64,
    about: About,
}

impl End {
    async fn wait(self) {
        std::future::pending::<()>().await;
        drop(self);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        presence::watched(self.instance.serial, self.about, || {
            self.instance.object().stream_drop(self.stream);
        });
    }
}

/// A body that is not at its end. The piece that is being made goes before the body does, and that before the instance.
struct Live {
    piece: Option<Call>,
    /// Of whoever waits for the piece; a waker of the host's.
    waker: Option<Waker>,
    source: Source,
}

/// One body.
pub(crate) struct Stream {
    /// `None` at the end. Locked while the plugin is polled.
    live: Mutex<Option<Live>>,
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
            serial: source.instance.serial,
            live: Mutex::new(Some(Live {
                piece: None,
                waker: None,
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
        let polled = self.poll_live(task, deadline_ns);
        if !self.ended.load(Ordering::SeqCst) {
            return polled;
        }
        // Whoever ended it meanwhile may have given up on the lock that was held here until now.
        let over = self.live.lock().take();
        drop(over);
        if polled.is_pending() {
            return Poll::Ready(broken_off());
        }
        polled
    }

    fn poll_live(&self, task: &mut TaskContext<'_>, deadline_ns: u64) -> Poll<RawResult> {
        let mut place = self.live.lock();
        if self.ended.load(Ordering::SeqCst) {
            return Poll::Ready(broken_off());
        }
        let Some(live) = &mut *place else {
            return Poll::Ready(broken_off());
        };
        let piece = live.piece.get_or_insert_with(|| live.source.next(deadline_ns));
        let polled = Pin::new(piece).poll(task);
        let more = match &polled {
            Poll::Pending => true,
            Poll::Ready(RResult::ROk(bytes)) => !bytes.is_empty(),
            Poll::Ready(RResult::RErr(_)) => false,
        };
        if more {
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
        let waker = live.waker.take();
        drop(live);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

fn broken_off() -> RawResult {
    let error = PluginError::unavailable("the body broke off")
        .with_internal("it was ended before its end: its plugin was stopped or replaced, or failed");
    RResult::RErr(error.into_raw())
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
