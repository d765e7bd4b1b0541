//! The listening side: takes connections off the kernel's socket, and stops in stages. While a newer version takes over, both
//! accept from the same socket; a connection that this one leaves in the queue is the other's.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::{
    ServerError,
    connection::{self, Stage},
    gateway::Gateway,
    server::Server,
    socket::Session,
};

/// Idle connections get this long when nothing follows: enough for a request that is on its way.
const IDLE_AT_STOP: Duration = Duration::from_millis(250);
/// Beyond the limit of a request, for its answer to be written.
const SLACK: Duration = Duration::from_secs(2);
/// Wait when the system has no descriptors left.
const RECOVERY: Duration = Duration::from_millis(50);

/// A server that accepts connections.
#[derive(Debug)]
pub struct Listening<G: Gateway> {
    server: Arc<Server<G>>,
    address: SocketAddr,
    stage: watch::Sender<Stage>,
    tasks: TaskTracker,
}

impl<G: Gateway> Listening<G> {
    /// Begins to accept on a listening socket. Must be called inside a tokio runtime with its timers and sockets.
    ///
    /// # Errors
    /// `Socket` when the descriptor is no listening socket; `Exposed` when other machines could reach it while no plugin
    /// provides both `auth` and `permissions`.
    pub fn start(server: Arc<Server<G>>, socket: OwnedFd, tls: Option<TlsAcceptor>) -> Result<Self, ServerError> {
        let unusable = |source: io::Error| ServerError::Socket { source };
        let socket = StdListener::from(socket);
        socket.set_nonblocking(true).map_err(unusable)?;
        let address = socket.local_addr().map_err(unusable)?;
        if !address.ip().to_canonical().is_loopback() {
            refuse_exposure(&server, &address.to_string())?;
            server.expose();
        }
        let listener = TcpListener::from_std(socket).map_err(unusable)?;
        let (stage, watched) = watch::channel(Stage::Serving);
        let tasks = TaskTracker::new();
        let accepting = Accepting {
            server: Arc::clone(&server),
            tls,
            stage: watched,
            tasks: tasks.clone(),
        };
        tasks.spawn(accepting.run(listener));
        Ok(Self {
            server,
            address,
            stage,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Open connections, WebSockets among them, with the one task that accepts them.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Open WebSockets.
    #[must_use]
    pub fn sockets(&self) -> u32 {
        self.server.sockets.count()
    }

    /// Stops: no new connections, WebSockets are closed at once (1012), the other ones there announce their end with their next
    /// answer, idle ones are closed after `limits.drainMs` (at once when no `successor` follows), and what is left after the
    /// limit of a request is dropped. Dropping the future leaves the connections as they are.
    pub async fn stop(&self, successor: bool) {
        self.server.drain();
        self.stage.send_replace(Stage::Draining);
        self.tasks.close();
        let limits = &self.server.config.limits;
        let idle = if successor {
            Duration::from_millis(limits.drain_ms)
        } else {
            IDLE_AT_STOP
        };
        for (limit, next) in [(idle, Stage::Closing), (limits.request() + SLACK, Stage::Aborting)] {
            if timeout(limit, self.tasks.wait()).await.is_ok() {
                return;
            }
            tracing::debug!(connections = self.tasks.len(), ?next, "connections are still open");
            self.stage.send_replace(next);
        }
        self.tasks.wait().await;
    }
}

/// An address that other machines can reach needs somebody who checks callers. Asked before the socket is opened, and again
/// when it is there.
///
/// # Errors
/// `Exposed` names what is missing.
pub fn refuse_exposure<G: Gateway>(server: &Server<G>, address: &str) -> Result<(), ServerError> {
    let snapshot = server.snapshots.latest(&server.gateway);
    let missing = match (snapshot.provides("auth"), snapshot.provides("permissions")) {
        (true, true) => return Ok(()),
        (false, true) => "`auth`",
        (true, false) => "`permissions`",
        (false, false) => "`auth` and `permissions`",
    };
    Err(ServerError::Exposed {
        address: address.to_owned(),
        missing,
    })
}

/// The task that accepts.
struct Accepting<G: Gateway> {
    server: Arc<Server<G>>,
    tls: Option<TlsAcceptor>,
    stage: watch::Receiver<Stage>,
    tasks: TaskTracker,
}

impl<G: Gateway> Accepting<G> {
    async fn run(mut self, listener: TcpListener) {
        let places = usize::try_from(self.server.config.limits.connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        loop {
            let place = tokio::select! {
                biased;
                _ = self.stage.wait_for(|stage| *stage != Stage::Serving) => return,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let accepted = tokio::select! {
                biased;
                _ = self.stage.wait_for(|stage| *stage != Stage::Serving) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let connection = self.serve(socket, peer);
                    let (tasks, stage) = (self.tasks.clone(), self.stage.clone());
                    self.tasks.spawn(async move {
                        // As a task of its own: it may last for days, and needs none of the memory of what was before.
                        if let Some(session) = connection.await {
                            tasks.spawn(session.run(stage));
                        }
                        drop(place);
                    });
                }
                Err(error) => recover(&error).await,
            }
        }
    }

    fn serve(&self, socket: TcpStream, peer: SocketAddr) -> impl Future<Output = Option<Session<G>>> + Send + use<G> {
        connection::run(
            Arc::clone(&self.server),
            socket,
            peer,
            self.tls.clone(),
            self.stage.clone(),
        )
    }
}

/// A connection that went away before it was taken is no trouble; anything else is the machine's.
async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "no connection can be accepted; trying again");
        sleep(RECOVERY).await;
    }
}
