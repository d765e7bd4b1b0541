//! One open socket, from the upgraded connection to its end. Both ways go at once, each as fast as the other side takes it: a
//! message to the client is asked for when the one before was written, one of the client is read when the one before was
//! heard. How it ends, and who is told what, is [`ending`]'s.

mod ending;

use bytes::Bytes;
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use objectos_plugin_api::{Error, ErrorKind, Result, SocketMessage, SocketPush};
use std::{
    fmt,
    future::{pending, poll_fn},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch::Receiver,
    time::{Instant, Interval, MissedTickBehavior, interval_at, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as FrameError, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use self::ending::Ending;
use super::{Line, Opened};
use crate::{
    config::ServerConfig,
    connection::{Connection, Stage},
    gateway::Gateway,
};

/// Buffers of a socket that is silent; they grow with what is said.
const BUFFER_BYTES: usize = 4096;

type Speech = WebSocketStream<TokioIo<Upgraded>>;
type Sink = SplitSink<Speech, Message>;

/// A connection on its way from HTTP to frames.
#[derive(Debug)]
pub(crate) struct Upgrading {
    pub(crate) opened: Opened,
    pub(crate) upgrade: OnUpgrade,
    pub(crate) request_id: Box<str>,
    pub(crate) path: Box<str>,
}

/// An open socket.
pub(crate) struct Session<G: Gateway> {
    upgrading: Upgrading,
    connection: Arc<Connection<G>>,
}

impl<G: Gateway> fmt::Debug for Session<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("path", &self.upgrading.path)
            .finish_non_exhaustive()
    }
}

impl<G: Gateway> Session<G> {
    pub(crate) fn new(upgrading: Upgrading, connection: Arc<Connection<G>>) -> Self {
        Self { upgrading, connection }
    }

    /// Passes messages on until either side ends it, or the server leaves [`Stage::Serving`]. To be run when HTTP is over on
    /// the connection.
    pub(crate) async fn run(self, mut stage: Receiver<Stage>) {
        let Self { upgrading, connection } = self;
        let Upgrading {
            opened,
            upgrade,
            request_id,
            path,
        } = upgrading;
        let Opened { line, place } = opened;
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(
                    request_id = &*request_id,
                    path = &*path,
                    %error,
                    "a connection broke off before it was a socket"
                );
                return ending::tell(line, None, Ending::broke_off().last).await;
            }
        };
        let config = &connection.server.config;
        let speech = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(frames(config))).await;
        let (sink, stream) = speech.split();
        let mut talk = Talk {
            sink,
            stream,
            line,
            writes: Box::new({
                let connection = Arc::clone(&connection);
                move || connection.pulse.writes()
            }),
            limits: Limits::of(config),
            hearing: None,
            heard_since: false,
            sending: None,
            unanswered: false,
        };
        tracing::debug!(request_id = &*request_id, path = &*path, "a socket is open");
        let ending = talk.run(&mut stage).await;
        ending.report(&request_id, &path);
        talk.end(ending).await;
        drop(place);
    }
}

fn frames(config: &ServerConfig) -> WebSocketConfig {
    let bytes_max = usize::try_from(config.sockets.message_bytes_max).ok();
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(bytes_max)
        .max_frame_size(bytes_max)
}

/// Limits in time.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// For a message to be heard.
    hear: Duration,
    /// For the client to take something of what is sent.
    take: Duration,
    /// Between two pings.
    beat: Duration,
}

impl Limits {
    fn of(config: &ServerConfig) -> Self {
        Self {
            hear: config.limits.request(),
            take: Duration::from_millis(config.limits.write_ms),
            beat: Duration::from_millis(config.sockets.heartbeat_ms),
        }
    }
}

/// What is being written, and how far that was when it was looked at.
#[derive(Clone, Copy, Debug)]
struct Sending {
    until: Instant,
    writes: u32,
}

/// Both sides of a socket.
struct Talk {
    sink: Sink,
    stream: SplitStream<Speech>,
    line: Box<dyn Line>,
    /// Counts what the client took.
    writes: Box<dyn Fn() -> u32 + Send + Sync>,
    limits: Limits,
    /// The message of the client that is being heard.
    hearing: Option<SocketPush>,
    /// One was since the latest ping: nothing was read meanwhile.
    heard_since: bool,
    /// Something is being written.
    sending: Option<Sending>,
    /// Nothing came since the latest ping.
    unanswered: bool,
}

/// What happens next.
enum Event {
    /// The server stops.
    Leaving,
    /// The message of the client was heard.
    Heard(Result<()>),
    /// Something of the client; `None`: nothing more can come.
    Incoming(Option<Result<Message, FrameError>>),
    /// Something for the client.
    Outgoing(Result<Option<SocketMessage>>),
    /// All was written; `None`: not in time.
    Taken(Option<Result<(), FrameError>>),
    /// It is time for a ping.
    Beat,
}

impl Talk {
    async fn run(&mut self, stage: &mut Receiver<Stage>) -> Ending {
        let mut beat = interval_at(Instant::now() + self.limits.beat, self.limits.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = self.next(stage, &mut beat).await;
            if let Err(ending) = self.handle(event).await {
                return ending;
            }
        }
    }

    /// Dropping any of what is waited for here loses nothing.
    async fn next(&mut self, stage: &mut Receiver<Stage>, beat: &mut Interval) -> Event {
        let Self {
            sink,
            stream,
            line,
            hearing,
            sending,
            ..
        } = self;
        let (hears, until) = (hearing.is_some(), sending.map(|sending| sending.until));
        tokio::select! {
            () = leaving(stage) => Event::Leaving,
            heard = heard(hearing), if hears => Event::Heard(heard),
            message = stream.next(), if !hears => Event::Incoming(message),
            message = poll_fn(|task| line.poll_next(task)), if until.is_none() => Event::Outgoing(message),
            taken = taken(sink, until), if until.is_some() => Event::Taken(taken),
            _ = beat.tick() => Event::Beat,
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), Ending> {
        match event {
            Event::Leaving => Err(Ending::restart()),
            Event::Heard(heard) => {
                self.hearing = None;
                heard.map_err(|error| Ending::failed(&error))
            }
            Event::Incoming(message) => self.incoming(message),
            Event::Outgoing(Ok(Some(SocketMessage::Text(text)))) => self.send(Message::text(text)).await,
            Event::Outgoing(Ok(Some(SocketMessage::Binary(bytes)))) => self.send(Message::binary(bytes)).await,
            Event::Outgoing(Ok(Some(SocketMessage::Close { code, reason }))) => Err(Ending::by_us(code, reason)),
            Event::Outgoing(Ok(None)) => Err(Ending::by_us(ending::NORMAL, "")),
            Event::Outgoing(Err(error)) => Err(Ending::failed(&error)),
            Event::Taken(Some(Ok(()))) => {
                self.sending = None;
                Ok(())
            }
            Event::Taken(Some(Err(error))) => Err(Ending::of_frames(&error)),
            Event::Taken(None) => self.look_at_writes(),
            Event::Beat => self.beat().await,
        }
    }

    fn incoming(&mut self, message: Option<Result<Message, FrameError>>) -> Result<(), Ending> {
        let message = message.ok_or_else(Ending::broke_off)?;
        let message = message.map_err(|error| Ending::of_frames(&error))?;
        // Whatever it is, somebody is there.
        self.unanswered = false;
        match message {
            Message::Text(text) => self.hear(&SocketMessage::Text(text.as_str().to_owned())),
            Message::Binary(bytes) => self.hear(&SocketMessage::Binary(bytes.to_vec())),
            // Its answer lies ready and is written with what is written next.
            Message::Ping(_) => self.begin_sending(),
            Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(frame) => return Err(Ending::by_client(frame)),
        }
        Ok(())
    }

    fn hear(&mut self, message: &SocketMessage) {
        let (limit, pushed) = (self.limits.hear, self.line.push(message));
        self.heard_since = true;
        self.hearing = Some(Box::pin(async move {
            let late = |_| Err(Error::new(ErrorKind::Timeout, "a message took too long to be heard"));
            timeout(limit, pushed).await.unwrap_or_else(late)
        }));
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        // Never waits: it is called when all was written.
        self.sink
            .feed(message)
            .await
            .map_err(|error| Ending::of_frames(&error))?;
        self.begin_sending();
        Ok(())
    }

    fn begin_sending(&mut self) {
        if self.sending.is_none() {
            self.go_on_sending();
        }
    }

    fn go_on_sending(&mut self) {
        self.sending = Some(Sending {
            until: Instant::now() + self.limits.take,
            writes: (self.writes)(),
        });
    }

    /// Time is over for what is being written. That is the client's, if it took anything of it.
    fn look_at_writes(&mut self) -> Result<(), Ending> {
        if self.sending.is_some_and(|sending| sending.writes == (self.writes)()) {
            return Err(Ending::broke_off());
        }
        self.go_on_sending();
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), Ending> {
        // While a message is heard nothing is read, and an answer would lie there unseen.
        let blind = std::mem::replace(&mut self.heard_since, self.hearing.is_some());
        if self.unanswered && !blind {
            // The answer may lie there already: which of the two is looked at first is chance.
            return match self.stream.next().now_or_never() {
                Some(message) => self.incoming(message),
                None => Err(Ending::silent()),
            };
        }
        // A client that does not take what is sent gets no ping behind it; that has a limit of its own.
        if self.sending.is_some() {
            return Ok(());
        }
        self.unanswered = true;
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn end(self, ending: Ending) {
        let Self {
            sink,
            stream,
            line,
            hearing,
            ..
        } = self;
        let Ending { frame, last, .. } = ending;
        tokio::join!(ending::farewell(sink, stream, frame), ending::tell(line, hearing, last));
    }
}

/// Waits until the server leaves the stage at which it serves.
async fn leaving(stage: &mut Receiver<Stage>) {
    // Nobody left to tell of a stop is as good as one.
    drop(stage.wait_for(|stage| *stage != Stage::Serving).await);
}

async fn heard(hearing: &mut Option<SocketPush>) -> Result<()> {
    match hearing {
        Some(hearing) => hearing.await,
        None => pending().await,
    }
}

async fn taken(sink: &mut Sink, until: Option<Instant>) -> Option<Result<(), FrameError>> {
    match until {
        Some(until) => timeout_at(until, sink.flush()).await.ok(),
        None => pending().await,
    }
}
