//! Bodies that are made while they are sent: what an author writes ([`BodyStream`], [`HttpAnswer`]), and where a plugin keeps
//! those that its routes answered with, and their sockets, until they are at their end ([`OpenStreams`]). Pieces are asked for
//! one by one, so that a slow reader makes a slow writer. The way across the line is [`crate::export`]'s, the reading side
//! [`crate::BodyReader`] and [`crate::SocketLine`].

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll, ready},
};

use crate::{
    error::{Error, Result},
    http::HttpResponse,
    runtime::release,
    socket::{Incoming, Socket, SocketMessage},
};

/// What a route answers whose body may stream; registered with [`crate::Registry::streaming_route`].
#[derive(Debug)]
pub enum HttpAnswer {
    /// The whole answer.
    Whole(HttpResponse),
    /// The head (its `body` stays empty), and the body to follow.
    Streamed(HttpResponse, BodyStream),
    /// The connection goes on as a WebSocket. Possible only where the request's header `upgrade` says `websocket`.
    Socket(Socket),
}

impl From<HttpResponse> for HttpAnswer {
    fn from(response: HttpResponse) -> Self {
        Self::Whole(response)
    }
}

impl From<Socket> for HttpAnswer {
    fn from(socket: Socket) -> Self {
        Self::Socket(socket)
    }
}

impl HttpAnswer {
    /// The frame; a body that streams is put among those that are open, and so is a socket. `upgrades`: the request asked for
    /// one.
    ///
    /// # Errors
    /// `Internal` for a socket that nobody asked for: a gateway that knows none would leave it open for good.
    pub(crate) fn encode(self, streams: &OpenStreams, upgrades: bool) -> Result<Vec<u8>> {
        match self {
            Self::Whole(response) => Ok(response.encode()),
            Self::Streamed(head, body) => Ok(head.encode_streamed(streams.put(body, None))),
            Self::Socket(socket) if upgrades => {
                let head = socket.head();
                Ok(head.encode_socket(streams.put(socket.outgoing, Some(socket.incoming))))
            }
            Self::Socket(_) => Err(Error::internal("a route answered a WebSocket to a request for none")),
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

/// What an open body or socket has while nobody works on it.
pub(crate) struct Open {
    /// Pieces of the body, or messages to the client.
    body: Option<BodyStream>,
    /// A socket's.
    incoming: Option<Incoming>,
}

/// The bodies and sockets that a plugin's routes answered with and that were not given back yet, by number. One of which a
/// piece is being made belongs to that piece's future, and goes with it; its place stays empty until it is put back. So does
/// what hears a socket's client, but for that it is put back whatever becomes of the future.
#[derive(Default)]
pub(crate) struct OpenStreams {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Open>>,
}

impl fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStreams").field("open", &self.open().len()).finish()
    }
}

impl OpenStreams {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, body: BodyStream, incoming: Option<Incoming>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let body = Some(body);
        self.open().insert(number, Open { body, incoming });
        number
    }

    /// Takes a body out of its place, for a piece to be made.
    pub(crate) fn take(&self, number: u64) -> Option<BodyStream> {
        self.open().get_mut(&number)?.body.take()
    }

    /// Puts it back; drops it when its place was given up meanwhile.
    pub(crate) fn put_back(&self, number: u64, body: BodyStream) {
        let mut open = self.open();
        if let Some(place) = open.get_mut(&number) {
            place.body = Some(body);
        } else {
            drop(open);
            drop(body);
        }
    }

    /// Takes what hears a socket's client, for one message.
    pub(crate) fn listen(self: &Arc<Self>, number: u64) -> Option<Turn> {
        let incoming = self.open().get_mut(&number)?.incoming.take()?;
        Some(Turn {
            streams: Arc::clone(self),
            number,
            incoming: Some(incoming),
        })
    }

    /// Gives up a place, and answers what is in it.
    pub(crate) fn end(&self, number: u64) -> Option<Open> {
        self.open().remove(&number)
    }
}

/// One message's time with what hears a socket's client, which goes back when this is dropped.
pub(crate) struct Turn {
    streams: Arc<OpenStreams>,
    number: u64,
    incoming: Option<Incoming>,
}

impl Turn {
    /// Has the message heard.
    pub(crate) async fn hear(mut self, message: SocketMessage) -> Result<()> {
        // Dropped before what made it goes back, also when this is dropped on the way.
        match &mut self.incoming {
            Some(incoming) => incoming(message).await,
            None => Ok(()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut incoming = self.incoming.take();
        let mut open = self.streams.open();
        if let Some(place) = open.get_mut(&self.number) {
            place.incoming = incoming.take();
        }
        drop(open);
        // What the author wrote goes with it, maybe in the middle of a panic.
        drop(release(incoming));
    }
}
