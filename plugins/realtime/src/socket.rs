//! `GET /ws`: the WebSocket. The gateway speaks the protocol; here are its messages. The route is open to everybody, and who
//! comes is found out here, so that somebody who is nobody hears why by a code (4401) and not by an answer that a browser hides.

use objectos_plugin_api::{
    Context, Error, HttpAnswer, HttpRequest, Result as PluginResult, Socket, SocketMessage,
    protocol::api::TransportProtocol,
};
use serde_json::{Map, Value};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    connection::Connection,
    deliver::{Outcome, deliver, look},
    hub::Hub,
    incoming,
    outbox::{Ending, Next},
    proof::{PROTOCOL, Proof, parameter},
    session::{NotNow, Sessions, Who},
};

/// How often a session is looked at over which nothing is sent.
const LOOK: Duration = Duration::from_secs(15);

const NO_PROOF: Ending = Ending::new(4401, "Authentication required");
const NO_SESSION: Ending = Ending::new(4401, "Invalid session");
const NO_ANSWER: Ending = Ending::new(4401, "Authentication failed");
const NO_CONNECTION: Ending = Ending::new(4404, "Unknown connection");

/// Answers a request that wants a WebSocket.
///
/// # Errors
/// `Invalid` for one that does not.
pub(crate) async fn open(hub: Arc<Hub>, context: Context, request: HttpRequest) -> PluginResult<HttpAnswer> {
    let upgrades = request
        .header("upgrade")
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    if !upgrades {
        return Err(Error::invalid(
            "this is a WebSocket: open one here, or use POST /api/v1/realtime/connect for other transports",
        ));
    }
    let proof = Proof::of_socket(&context, &request);
    let protocol = proof.protocol.then(|| PROTOCOL.to_owned());
    let opened = match enter(&hub, &context, &proof).await {
        Ok(who) => attach(&hub, &request, &proof, who),
        Err(ending) => Err(ending),
    };
    Ok(HttpAnswer::Socket(match opened {
        Ok(connection) => socket(hub, connection, protocol),
        Err(ending) => refusal(ending, protocol),
    }))
}

async fn enter(hub: &Hub, context: &Context, proof: &Proof) -> Result<Who, Ending> {
    if !hub.sessions.signs_in() {
        return Sessions::local(context).ok_or(NO_PROOF);
    }
    if !proof.there {
        return Err(NO_PROOF);
    }
    hub.sessions.ask(&proof.credentials).await.map_err(|not| match not {
        NotNow::Over => NO_SESSION,
        NotNow::Unknown(error) => {
            tracing::warn!(%error, "a WebSocket is refused: nobody tells who it is");
            NO_ANSWER
        }
    })
}

/// The connection that `connect` made for it, or a new one.
fn attach(hub: &Hub, request: &HttpRequest, proof: &Proof, who: Who) -> Result<Arc<Connection>, Ending> {
    let Some(id) = parameter(request.query(), "connectionId") else {
        let made = hub
            .connect(TransportProtocol::Websocket, proof, who)
            .map_err(|_| Ending::AGAIN)?;
        made.taken.store(true, Ordering::SeqCst);
        return Ok(made);
    };
    let connection = hub.own(&id, &who).map_err(|_| NO_CONNECTION)?;
    let free = connection.transport == TransportProtocol::Websocket && !connection.taken.swap(true, Ordering::SeqCst);
    if free { Ok(connection) } else { Err(NO_CONNECTION) }
}

/// Says why not, and closes.
fn refusal(ending: Ending, protocol: Option<String>) -> Socket {
    Socket::new(
        protocol,
        Some(ending),
        |ending: Option<Ending>| async move { Ok(ending.map(|ending| (close(ending), None))) },
        |_| async { Ok(()) },
    )
}

/// A socket that is open: its connection ends with it.
#[derive(Debug)]
struct Live {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
}

impl Drop for Live {
    fn drop(&mut self) {
        incoming::gone(&self.hub, &self.connection);
    }
}

fn socket(hub: Arc<Hub>, connection: Arc<Connection>, protocol: Option<String>) -> Socket {
    let live = Live {
        hub: Arc::clone(&hub),
        connection: Arc::clone(&connection),
    };
    Socket::new(protocol, Some(live), outgoing, move |message| {
        let (hub, connection) = (Arc::clone(&hub), Arc::clone(&connection));
        async move {
            match message {
                SocketMessage::Text(text) => incoming::take(&hub, &connection, &text).await,
                SocketMessage::Binary(_) => incoming::take_binary(&hub, &connection),
                SocketMessage::Close { .. } => incoming::gone(&hub, &connection),
            }
            Ok(())
        }
    })
}

/// The next message to the client.
async fn outgoing(live: Option<Live>) -> PluginResult<Option<(SocketMessage, Option<Live>)>> {
    let Some(live) = live else { return Ok(None) };
    let ending = loop {
        let mut changed = live.connection.outbox.watch();
        match live.connection.outbox.after(0) {
            Next::Over(ending) => break ending,
            Next::Item(_, _, item) => match deliver(&live.hub, &live.connection, &item).await {
                Outcome::Send(message) => return Ok(Some((text(message), Some(live)))),
                Outcome::Nothing => {}
                Outcome::End(ending) => break ending,
            },
            Next::Lagged(_) => {}
            Next::Nothing => {
                let waited = tokio::time::timeout(LOOK, changed.changed()).await;
                if (waited.is_err() || live.connection.is_doubted())
                    && let Err(ending) = look(&live.hub, &live.connection).await
                {
                    break ending;
                }
            }
        }
    };
    live.hub.end(&live.connection, ending);
    Ok(Some((close(ending), None)))
}

fn text(message: Map<String, Value>) -> SocketMessage {
    SocketMessage::Text(Value::Object(message).to_string())
}

fn close(ending: Ending) -> SocketMessage {
    SocketMessage::Close {
        code: ending.code,
        reason: ending.reason.to_owned(),
    }
}
