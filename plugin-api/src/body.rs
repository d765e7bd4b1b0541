//! Bodies that are made while they are sent: what an author writes ([`BodyStream`], [`HttpAnswer`]), and where a plugin keeps
//! those that its routes answered with until they are at their end ([`OpenStreams`]). Pieces are asked for one by one, so
//! that a slow reader makes a slow writer. The way across the line is [`crate::export`]'s, the reading side
//! [`crate::BodyReader`].

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll, ready},
};

use crate::{error::Result, http::HttpResponse};

/// What a route answers whose body may stream; registered with [`crate::Registry::streaming_route`].
#[derive(Debug)]
pub enum HttpAnswer {
    /// The whole answer.
    Whole(HttpResponse),
    /// The head (its `body` stays empty), and the body to follow.
    Streamed(HttpResponse, BodyStream),
}

impl From<HttpResponse> for HttpAnswer {
    fn from(response: HttpResponse) -> Self {
        Self::Whole(response)
    }
}

impl HttpAnswer {
    /// The frame; a body that streams is put among those that are open.
    pub(crate) fn encode(self, streams: &OpenStreams) -> Vec<u8> {
        match self {
            Self::Whole(response) => response.encode(),
            Self::Streamed(head, body) => head.encode_streamed(streams.put(body)),
        }
    }
}

/// A body in pieces. The next one is made when the one before was taken; dropping it ends it, wherever it is. An error ends it
/// too, and whoever reads sees that the body is not whole.
pub struct BodyStream(Box<dyn Pieces>);

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}

impl BodyStream {
    /// Pieces made by `step`, each out of the state that the one before left; `None` is the end. A piece is best some ten
    /// thousand bytes large: each costs a way across the line.
    ///
    /// The deadline of the request's context is that of the answer's head; for what a piece asks of others, give each a
    /// deadline of its own with [`crate::Context::renewed`].
    #[must_use]
    pub fn unfold<S, F, Fut>(state: S, step: F) -> Self
    where
        S: Send + 'static,
        F: FnMut(S) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<(Vec<u8>, S)>>> + Send + 'static,
    {
        Self(Box::new(Unfold {
            state: Some(state),
            step,
            running: None,
        }))
    }

    /// The next piece, never an empty one; `None` at the end. Dropping the future leaves the stream where it was, in the
    /// middle of the piece.
    ///
    /// # Errors
    /// What the piece fails with; the stream is over then.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let piece = poll_fn(|task| self.0.poll_next(task)).await?;
            if piece.as_ref().is_none_or(|bytes| !bytes.is_empty()) {
                return Ok(piece);
            }
        }
    }
}

trait Pieces: Send {
    fn poll_next(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<Option<Vec<u8>>>>;
}

/// Either a state, or the step that was begun with it, or neither at the end.
struct Unfold<S, F, Fut> {
    state: Option<S>,
    step: F,
    running: Option<Pin<Box<Fut>>>,
}

impl<S, F, Fut> Pieces for Unfold<S, F, Fut>
where
    S: Send,
    F: FnMut(S) -> Fut + Send,
    Fut: Future<Output = Result<Option<(Vec<u8>, S)>>> + Send,
{
    fn poll_next(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<Option<Vec<u8>>>> {
        if self.running.is_none() {
            let Some(state) = self.state.take() else {
                return Poll::Ready(Ok(None));
            };
            self.running = Some(Box::pin((self.step)(state)));
        }
        let Some(running) = &mut self.running else {
            return Poll::Ready(Ok(None));
        };
        let made = ready!(running.as_mut().poll(task));
        self.running = None;
        Poll::Ready(made.map(|piece| {
            piece.map(|(bytes, state)| {
                self.state = Some(state);
                bytes
            })
        }))
    }
}

/// The bodies that a plugin's routes answered with and that were not given back yet, by number. One of which a piece is being
/// made belongs to that piece's future, and goes with it; its place stays empty until it is put back.
#[derive(Default)]
pub(crate) struct OpenStreams {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Option<BodyStream>>>,
}

impl fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStreams").field("open", &self.open().len()).finish()
    }
}

impl OpenStreams {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Option<BodyStream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, body: BodyStream) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.open().insert(number, Some(body));
        number
    }

    /// Takes a body out of its place, for a piece to be made.
    pub(crate) fn take(&self, number: u64) -> Option<BodyStream> {
        self.open().get_mut(&number).and_then(Option::take)
    }

    /// Puts it back; drops it when its place was given up meanwhile.
    pub(crate) fn put_back(&self, number: u64, body: BodyStream) {
        let mut open = self.open();
        if let Some(place) = open.get_mut(&number) {
            *place = Some(body);
        } else {
            drop(open);
            drop(body);
        }
    }

    /// Gives up a place, and answers what is in it.
    pub(crate) fn end(&self, number: u64) -> Option<BodyStream> {
        self.open().remove(&number).flatten()
    }
}
