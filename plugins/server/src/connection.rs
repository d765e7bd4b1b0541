//! One accepted connection, from the socket to its end: TLS, HTTP/1 or HTTP/2, the watch over its time limits, and what it
//! does when the server stops. While a newer version takes over, no request is lost: an HTTP/1 connection goes on until an
//! answer has announced its end, an HTTP/2 connection is told by GOAWAY, and one that has not said anything yet is served. One
//! that goes on as a WebSocket is handed out ([`Session`]) when HTTP is over on it.

use bytes::Bytes;
use http::Request;
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use std::{
    fmt,
    future::Future,
    net::IpAddr,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch::Receiver,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    exchange::serve,
    gateway::Gateway,
    identity::LastIdentity,
    ids::RequestIds,
    pulse::{Pulse, Verdict, Watch},
    server::Server,
    socket::{Session, Upgrading},
    stream::{Stream, sniff},
};

/// How far the server is with stopping; each stage follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// No new connections; the ones there announce their end with their next answer.
    Draining,
    /// Idle connections are closed.
    Closing,
    /// Whatever is left is dropped.
    Aborting,
}

/// What the requests of one connection share.
pub(crate) struct Connection<G: Gateway> {
    pub(crate) server: Arc<Server<G>>,
    /// The socket's other end.
    pub(crate) address: IpAddr,
    /// The same as text.
    pub(crate) address_text: String,
    /// Who asked last.
    pub(crate) identities: LastIdentity,
    pub(crate) ids: RequestIds,
    pub(crate) pulse: Pulse,
    /// What it goes on as after the answer that says so.
    pub(crate) upgrading: Mutex<Option<Upgrading>>,
}

impl<G: Gateway> fmt::Debug for Connection<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", &self.address)
            .field("pulse", &self.pulse)
            .finish_non_exhaustive()
    }
}

/// Serves a connection until it ends, or goes on as the WebSocket that this answers. Dropping it drops the connection and
/// cancels its requests.
pub(crate) async fn run<G: Gateway>(
    server: Arc<Server<G>>,
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    stage: Receiver<Stage>,
) -> Option<Session<G>> {
    // Answers are written as a whole, so waiting for more to send only adds delay.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps its delay");
    }
    let address = peer.ip().to_canonical();
    let connection = Arc::new(Connection {
        server,
        address,
        address_text: address.to_string(),
        identities: LastIdentity::default(),
        ids: RequestIds::new(),
        pulse: Pulse::default(),
        upgrading: Mutex::new(None),
    });
    speak(Arc::clone(&connection), socket, tls, stage).await;
    let upgrading = connection.upgrading.lock().take();
    upgrading.map(|upgrading| Session::new(upgrading, connection))
}

/// HTTP, to its end.
async fn speak<G: Gateway>(
    connection: Arc<Connection<G>>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    mut stage: Receiver<Stage>,
) {
    let (peer, head) = (connection.address, connection.server.config.limits.head_ms);
    let head = Duration::from_millis(head);
    let Some(tls) = tls else {
        return begin(connection, socket, head, stage).await;
    };
    let handshake = until(&mut stage, Stage::Closing, timeout(head, tls.accept(socket))).await;
    match handshake {
        Some(Ok(Ok(socket))) if socket.get_ref().1.alpn_protocol() == Some(b"h2") => {
            multiplexed(connection, socket, Bytes::new(), stage).await;
        }
        Some(Ok(Ok(socket))) => plain(connection, socket, Bytes::new(), stage).await,
        Some(Ok(Err(error))) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Some(Err(_)) => tracing::debug!(%peer, "a TLS handshake took too long"),
        None => {}
    }
}

/// Waits for the first bytes, which tell HTTP/2 from HTTP/1.
async fn begin<G: Gateway>(
    connection: Arc<Connection<G>>,
    mut socket: TcpStream,
    limit: Duration,
    mut stage: Receiver<Stage>,
) {
    match until(&mut stage, Stage::Closing, timeout(limit, sniff(&mut socket))).await {
        Some(Ok(Ok((true, first)))) => multiplexed(connection, socket, first, stage).await,
        Some(Ok(Ok((false, first)))) if !first.is_empty() => plain(connection, socket, first, stage).await,
        // Nothing was asked, so nothing is owed.
        _ => {}
    }
}

/// Runs `work` until the server reaches a stage.
async fn until<T>(stage: &mut Receiver<Stage>, last: Stage, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        _ = stage.wait_for(|stage| *stage >= last) => None,
    }
}

async fn plain<S, G>(connection: Arc<Connection<G>>, socket: S, first: Bytes, stage: Receiver<Stage>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    G: Gateway,
{
    let stream = Stream::new(socket, first, Arc::clone(&connection));
    let shared = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| serve(Arc::clone(&shared), request));
    let mut builder = conn::http1::Builder::new();
    // The watch keeps the limits in time, without a timer for each request.
    builder.header_read_timeout(None);
    let head_bytes_max = usize::try_from(connection.server.config.limits.head_bytes_max).unwrap_or(usize::MAX);
    builder
        .max_header_size(head_bytes_max)
        .max_buf_size(head_bytes_max.max(BUFFER_BYTES_MIN));
    let http = builder.serve_connection(stream, service).with_upgrades();
    drive(&connection, http, |http| http.graceful_shutdown(), false, stage).await;
}

/// What hyper wants at least; also leaves room for a body beside the head.
const BUFFER_BYTES_MIN: usize = 64 * 1024;

async fn multiplexed<S, G>(connection: Arc<Connection<G>>, socket: S, first: Bytes, stage: Receiver<Stage>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    G: Gateway,
{
    let stream = Stream::new(socket, first, Arc::clone(&connection));
    let shared = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| serve(Arc::clone(&shared), request));
    let limits = &connection.server.config.limits;
    let mut builder = conn::http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.head_bytes_max);
    let http = builder.serve_connection(stream, service);
    drive(&connection, http, |http| http.graceful_shutdown(), true, stage).await;
}

/// Runs a connection to its end. `close` ends it after the requests that are there, at once when there is none.
async fn drive<G: Gateway, C: Future<Output = hyper::Result<()>>>(
    connection: &Connection<G>,
    http: C,
    close: fn(Pin<&mut C>),
    multiplexed: bool,
    mut stage: Receiver<Stage>,
) {
    let limits = &connection.server.config.limits;
    let interval = Watch::interval(limits);
    let mut watch = Watch::new(multiplexed, Instant::now());
    let (mut http, mut look) = (pin!(http), pin!(sleep(interval)));
    // A connection accepted just before a stop has to be told what others were told.
    stage.mark_changed();
    loop {
        tokio::select! {
            biased;
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(address = %connection.address, %error, "a connection broke off");
                }
                return;
            }
            changed = stage.changed() => {
                // Nobody left to tell of a stop is as good as one.
                let stage = if changed.is_ok() { *stage.borrow_and_update() } else { Stage::Aborting };
                match stage {
                    Stage::Serving => {}
                    Stage::Draining if multiplexed => close(http.as_mut()),
                    // The next answer announces the end; until then a request may be on its way.
                    Stage::Draining => {}
                    Stage::Closing => close(http.as_mut()),
                    Stage::Aborting => return,
                }
            }
            () = look.as_mut() => {
                let now = Instant::now();
                match watch.look(&connection.pulse, limits, now) {
                    Verdict::Keep => {}
                    Verdict::Close => close(http.as_mut()),
                    Verdict::Abort => return,
                }
                look.as_mut().reset(now + interval);
            }
        }
    }
}
