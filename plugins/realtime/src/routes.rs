//! The routes under `/api/v1/realtime` but the WebSocket. All are open to everybody as far as the gateway goes, since what a
//! client signs in with is looked at again while its connection lasts; each refuses whoever is nobody.

use objectos_plugin_api::{
    Context, HttpAnswer, HttpRequest, HttpResponse, Result as PluginResult,
    protocol::api::{
        RealtimeConnectRequest, RealtimeConnectResponse, RealtimeDisconnectRequest, RealtimeDisconnectResponse,
        RealtimeSubscribeRequest, RealtimeSubscribeResponse, RealtimeUnsubscribeRequest, TransportProtocol,
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

use crate::{
    connection::Connection,
    error::{RealtimeError, Result},
    frame,
    hub::Hub,
    incoming::{leave_unheard, may_read},
    outbox::Ending,
    proof::{Proof, parameter},
    session::{NotNow, Sessions, Who},
    stream,
    subscription::{Subscription, check_channel, check_channels},
};

/// How long a poll waits, milliseconds: unless it says otherwise, and at most.
const POLL_MS: (u64, u64) = (20_000, 25_000);
/// What is left of the request's time for the answer.
const ANSWER: Duration = Duration::from_secs(1);

/// The body of `PUT /presence`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PresenceBody {
    channel: Option<String>,
    state: Map<String, Value>,
}

/// Who sends a request.
async fn enter(hub: &Hub, context: &Context, request: &HttpRequest, writes: bool) -> Result<(Proof, Who)> {
    let proof = Proof::of_request(context, request, writes);
    if !hub.sessions.signs_in() {
        return Sessions::local(context)
            .map(|who| (proof, who))
            .ok_or(RealtimeError::SignedOut);
    }
    if !proof.there {
        return Err(RealtimeError::SignedOut);
    }
    let who = ask(hub, &proof).await?;
    Ok((proof, who))
}

async fn ask(hub: &Hub, proof: &Proof) -> Result<Who> {
    hub.sessions.ask(&proof.credentials).await.map_err(|not| match not {
        NotNow::Over => RealtimeError::SignedOut,
        NotNow::Unknown(error) => error,
    })
}

/// A body, which is no larger than a message over the WebSocket: much of it is kept.
fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T> {
    if request.body().len() > frame::MESSAGE_BYTES_MAX {
        let most = frame::MESSAGE_BYTES_MAX;
        return Err(RealtimeError::invalid(format!("the body has at most {most} bytes")));
    }
    Ok(request.json()?)
}

/// A body that may be left out.
fn body<T: DeserializeOwned + Default>(request: &HttpRequest) -> Result<T> {
    if request.body().is_empty() {
        return Ok(T::default());
    }
    read(request)
}

fn done() -> PluginResult<HttpResponse> {
    HttpResponse::json(200, &RealtimeDisconnectResponse { success: true })
}

/// `POST /connect`
pub(crate) async fn connect(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let wish: RealtimeConnectRequest = body(request)?;
    let (mut proof, mut who) = enter(hub, context, request, false).await?;
    if let Some(token) = wish.token.as_deref().filter(|_| hub.sessions.signs_in()) {
        // What the connection lasts with; of the same user, or it would be a way to listen as somebody else.
        proof = proof.with_token(token);
        let named = ask(hub, &proof).await?;
        if !named.is_same(&who) {
            return Err(RealtimeError::SignedOut.into());
        }
        who = named;
    }
    let names = wish.channels.unwrap_or_default();
    check_channels(&names)?;
    let transport = wish.transport.unwrap_or_default();
    let mut subscriptions = Vec::with_capacity(names.len());
    for name in &names {
        subscriptions.push(of_channel(hub, name, None, None).await?);
    }
    let connection = hub.connect(transport, &proof, who.clone())?;
    for subscription in subscriptions {
        if let Err(error) = join(hub, &connection, &who, subscription) {
            hub.end(&connection, Ending::NORMAL);
            return Err(error.into());
        }
    }
    let path = match transport {
        TransportProtocol::Websocket => "/ws",
        TransportProtocol::Sse => "/api/v1/realtime/events",
        TransportProtocol::Polling => "/api/v1/realtime/poll",
    };
    let url = format!("{path}?connectionId={}", connection.id);
    let answer = RealtimeConnectResponse {
        connection_id: connection.id.clone(),
        transport,
        url: Some(url),
    };
    HttpResponse::json(200, &answer)
}

/// `POST /disconnect`: the connection that is named, or all of the caller's session.
pub(crate) async fn disconnect(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let wish: RealtimeDisconnectRequest = body(request)?;
    let (_, who) = enter(hub, context, request, false).await?;
    let named = wish
        .connection_id
        .or_else(|| parameter(request.query(), "connectionId"));
    let ended = match named {
        Some(id) => vec![hub.own(&id, &who)?],
        None => hub.of_session(&who),
    };
    for connection in ended {
        hub.end(&connection, Ending::NORMAL);
    }
    done()
}

/// The connection that a request means: the one it names, or the latest of the caller's session.
fn meant(hub: &Hub, request: &HttpRequest, who: &Who) -> Result<Arc<Connection>> {
    match parameter(request.query(), "connectionId") {
        Some(id) => hub.own(&id, who),
        None => hub.of_session(who).pop().ok_or(RealtimeError::NoConnection),
    }
}

/// A subscription to a channel: of an object, of a record, or of neither.
async fn of_channel(
    hub: &Hub,
    name: &str,
    events: Option<&[String]>,
    filter: Option<&Map<String, Value>>,
) -> Result<Subscription> {
    check_channel(name)?;
    let channel = hub.sight.catalog.channel(name).await?;
    let is_object = channel.record.is_none() && hub.sight.catalog.object(name).await?.is_some();
    let id = uuid::Uuid::new_v4().to_string();
    Subscription::of_channel(id, (channel, is_object), events, filter)
}

fn join(hub: &Hub, connection: &Connection, who: &Who, subscription: Subscription) -> Result<()> {
    let subscription = Arc::new(subscription);
    connection.subscribe(Arc::clone(&subscription), hub.settings.subscriptions_per_connection_max)?;
    if hub.settings.presence {
        hub.show(connection, who, &subscription.channels);
    }
    Ok(())
}

/// `POST /subscribe`
pub(crate) async fn subscribe(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let wish: RealtimeSubscribeRequest = read(request)?;
    let (_, who) = enter(hub, context, request, false).await?;
    let connection = meant(hub, request, &who)?;
    let made = of_channel(hub, &wish.channel, wish.events.as_deref(), wish.filter.as_ref()).await?;
    let answer = RealtimeSubscribeResponse {
        subscription_id: made.id.clone(),
        channel: wish.channel,
    };
    join(hub, &connection, &who, made)?;
    HttpResponse::json(200, &answer)
}

/// `POST /unsubscribe`: of whichever connection of the caller it is.
pub(crate) async fn unsubscribe(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let wish: RealtimeUnsubscribeRequest = read(request)?;
    let (_, who) = enter(hub, context, request, false).await?;
    for connection in hub.of_session(&who) {
        let before = connection.subscriptions();
        if connection.unsubscribe(&wish.subscription_id) {
            leave_unheard(hub, &connection, &before);
            return done();
        }
    }
    Err(RealtimeError::NoSubscription.into())
}

/// `PUT /presence` and `PUT /presence/{channel}`
pub(crate) async fn set_presence(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let wish: PresenceBody = body(request)?;
    let (_, who) = enter(hub, context, request, true).await?;
    if !hub.settings.presence {
        return Err(RealtimeError::SwitchedOff("presence").into());
    }
    let named = Some(request.parameter("channel"))
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    let name = named.or(wish.channel).unwrap_or_default();
    check_channel(&name)?;
    let said = frame::checked_presence(wish.state)?;
    let connection = meant(hub, request, &who)?;
    let channel = hub.sight.catalog.channel(&name).await?;
    if !may_read(hub, &who, &channel).await? {
        return Err(RealtimeError::NoRecord.into());
    }
    hub.appear(&connection, &who, channel, said)?;
    done()
}

/// `GET /presence/{channel}`
pub(crate) async fn presence(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let (_, who) = enter(hub, context, request, false).await?;
    if !hub.settings.presence {
        return Err(RealtimeError::SwitchedOff("presence").into());
    }
    let name = request.parameter("channel");
    check_channel(name)?;
    let channel = hub.sight.catalog.channel(name).await?;
    if !may_read(hub, &who, &channel).await? {
        return Err(RealtimeError::NoRecord.into());
    }
    let members = hub.rooms.members(who.tenant(), &channel.name);
    HttpResponse::json(200, &json!({ "channel": name, "members": members }))
}

/// A connection that is read over HTTP.
async fn read_over_http(hub: &Hub, context: &Context, request: &HttpRequest) -> Result<Arc<Connection>> {
    let (_, who) = enter(hub, context, request, false).await?;
    let id = parameter(request.query(), "connectionId")
        .ok_or_else(|| RealtimeError::invalid("connectionId is missing: POST /api/v1/realtime/connect answers one"))?;
    let connection = hub.own(&id, &who)?;
    if connection.transport == TransportProtocol::Websocket {
        return Err(RealtimeError::invalid(
            "this connection was made for a WebSocket: open /ws with it",
        ));
    }
    Ok(connection)
}

/// A whole number of the query.
fn number(request: &HttpRequest, name: &str) -> Result<Option<u64>> {
    parameter(request.query(), name)
        .map(|text| {
            text.parse()
                .map_err(|_| RealtimeError::invalid(format!("{name} must be a whole number from 0 on")))
        })
        .transpose()
}

/// `GET /events`
pub(crate) async fn events(hub: Arc<Hub>, context: Context, request: HttpRequest) -> PluginResult<HttpAnswer> {
    let connection = read_over_http(&hub, &context, &request).await?;
    let last = request.header("last-event-id").and_then(|id| id.trim().parse().ok());
    let after = match last {
        Some(last) => last,
        None => number(&request, "after")?.unwrap_or_default(),
    };
    let head = HttpResponse::empty(200)
        .with_header("content-type", "text/event-stream")
        .with_header("cache-control", "no-store")
        .with_header("x-accel-buffering", "no");
    Ok(HttpAnswer::Streamed(head, stream::events(hub, connection, after)?))
}

/// `GET /poll`
pub(crate) async fn poll(hub: &Hub, context: &Context, request: &HttpRequest) -> PluginResult<HttpResponse> {
    let connection = read_over_http(hub, context, request).await?;
    let after = number(request, "after")?.unwrap_or_default();
    let wanted = number(request, "timeoutMs")?.unwrap_or(POLL_MS.0).min(POLL_MS.1);
    let mut limit = Duration::from_millis(wanted);
    if let Some(left) = context.remaining() {
        limit = limit.min(left.saturating_sub(ANSWER));
    }
    let answer = stream::poll(hub, &connection, after, limit).await?;
    Ok(HttpResponse::json(200, &answer)?.with_header("cache-control", "no-store"))
}
