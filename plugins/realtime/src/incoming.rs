//! Messages of a client over its WebSocket. Who it is, is looked at before each; what it says of itself is said again by the
//! server before anybody else hears it.

use serde_json::{Map, Value};
use std::sync::Arc;

use crate::{
    connection::{Connection, Room},
    deliver::look,
    error::{RealtimeError, Result},
    frame::{self, INVALID_MESSAGE, Received, Said, Unsubscribe},
    hub::Hub,
    moment,
    outbox::{Ending, Item, Relay},
    session::{NotNow, Who},
    subscription::{Channel, Subscription, check_channel, check_channels},
};

/// Code of a message that came too soon after others.
const RATE_LIMITED: &str = "RATE_LIMITED";
/// Code of a message about a channel that the client is not in, or that is about nothing it may read.
const NOT_SUBSCRIBED: &str = "NOT_SUBSCRIBED";
const NOT_FOUND: &str = "NOT_FOUND";
/// Code of what the client's key does not permit.
const FORBIDDEN: &str = "FORBIDDEN";
/// Code of what the operator switched off.
const SWITCHED_OFF: &str = "SWITCHED_OFF";
/// Code of one too many of what a client may have so many of.
const TOO_MANY: &str = "TOO_MANY";
/// Code of what is no fault of the client.
const UNAVAILABLE: &str = "UNAVAILABLE";

/// Takes a message.
pub(crate) async fn take(hub: &Hub, connection: &Connection, text: &str) {
    if !is_in_time(hub, connection) {
        return;
    }
    let now_ms = hub.now_ms();
    let who = match look(hub, connection).await {
        Ok(who) => who,
        Err(ending) => return hub.end(connection, ending),
    };
    let Received { message_id, said } = match frame::read(text) {
        Ok(received) => received,
        Err(not) => {
            return refuse(
                hub,
                connection,
                (INVALID_MESSAGE, &not.problem),
                not.message_id.as_deref(),
            );
        }
    };
    let done = match said {
        Said::Nothing => return,
        Said::Ping => return answer(connection, frame::pong(now_ms, &message_id)),
        Said::Subscribe(wish) => subscribe(hub, connection, &who, &message_id, &wish).await,
        Said::Unsubscribe(request) => unsubscribe(hub, connection, &message_id, &request),
        Said::Presence(said) => presence(hub, connection, &who, said).await,
        Said::Cursor(cursor) => cursor_moved(hub, connection, &who, cursor).await,
        Said::Edit(operation) => edited(hub, connection, &who, &message_id, operation).await,
    };
    if let Err(error) = done {
        let code = match &error {
            RealtimeError::Invalid(_) => INVALID_MESSAGE,
            RealtimeError::NoSubscription => NOT_SUBSCRIBED,
            RealtimeError::NoRecord => NOT_FOUND,
            RealtimeError::OnlyListens => FORBIDDEN,
            RealtimeError::SwitchedOff(_) => SWITCHED_OFF,
            RealtimeError::TooMany(_) => TOO_MANY,
            _ => UNAVAILABLE,
        };
        refuse(hub, connection, (code, &error.to_string()), Some(&message_id));
    }
}

/// A message that is no text.
pub(crate) fn take_binary(hub: &Hub, connection: &Connection) {
    if is_in_time(hub, connection) {
        refuse(hub, connection, (INVALID_MESSAGE, "messages are texts with JSON"), None);
    }
}

/// Whether there were not too many messages just before this one; says it once.
fn is_in_time(hub: &Hub, connection: &Connection) -> bool {
    let now_ms = hub.now_ms();
    connection.used(now_ms);
    let most = (hub.settings.messages_per_second_max, 1_000);
    let room = connection.said.lock().take(now_ms, most);
    if room == Room::Full {
        refuse(hub, connection, (RATE_LIMITED, "too many messages in a second"), None);
    }
    room == Room::There
}

fn answer(connection: &Connection, message: Map<String, Value>) {
    connection.put(Item::Answer(message));
}

fn refuse(hub: &Hub, connection: &Connection, (code, text): (&str, &str), message_id: Option<&str>) {
    answer(connection, frame::error(hub.now_ms(), code, text, message_id));
}

/// What is wrong with a subscription is said in its acknowledgement.
async fn subscribe(
    hub: &Hub,
    connection: &Connection,
    who: &Who,
    message_id: &str,
    wish: &objectos_plugin_api::protocol::api::EventSubscription,
) -> Result<()> {
    let made = match channels(hub, wish.channels.as_deref().unwrap_or_default()).await {
        Ok(channels) => Subscription::of_frame(wish, channels),
        Err(error) => Err(error),
    };
    let before = connection.subscriptions();
    let made = made.and_then(|made| {
        let made = Arc::new(made);
        connection.subscribe(Arc::clone(&made), hub.settings.subscriptions_per_connection_max)?;
        Ok(made)
    });
    match made {
        Ok(made) => {
            answer(connection, frame::ack(hub.now_ms(), message_id, None));
            // It may have taken the place of one that was in other channels.
            leave_unheard(hub, connection, &before);
            if hub.settings.presence {
                hub.show(connection, who, &made.channels);
            }
        }
        Err(error) => answer(
            connection,
            frame::ack(hub.now_ms(), message_id, Some(&error.to_string())),
        ),
    }
    Ok(())
}

/// Channels by their names.
async fn channels(hub: &Hub, names: &[String]) -> Result<Vec<Channel>> {
    check_channels(names)?;
    let mut channels = Vec::with_capacity(names.len());
    for name in names {
        channels.push(hub.sight.catalog.channel(name).await?);
    }
    Ok(channels)
}

fn unsubscribe(hub: &Hub, connection: &Connection, message_id: &str, request: &Unsubscribe) -> Result<()> {
    let before = connection.subscriptions();
    let mut missing = None;
    if request.all {
        connection.unsubscribe_all();
    } else {
        for id in request.subscription_id.iter().chain(&request.subscription_ids) {
            if !connection.unsubscribe(id) {
                missing = Some(RealtimeError::NoSubscription.to_string());
            }
        }
    }
    leave_unheard(hub, connection, &before);
    answer(connection, frame::ack(hub.now_ms(), message_id, missing.as_deref()));
    Ok(())
}

/// Whoever is in a channel no more is not there any more, either.
pub(crate) fn leave_unheard(hub: &Hub, connection: &Connection, before: &[Arc<Subscription>]) {
    let left: Vec<String> = before
        .iter()
        .flat_map(|subscription| &subscription.channels)
        .filter(|channel| !connection.hears(&channel.name))
        .map(|channel| channel.name.clone())
        .collect();
    if !left.is_empty() {
        hub.leave(connection, Some(&left));
    }
}

/// Told to all channels that the client is in.
async fn presence(hub: &Hub, connection: &Connection, who: &Who, said: Map<String, Value>) -> Result<()> {
    if !hub.settings.presence {
        return Err(RealtimeError::SwitchedOff("presence"));
    }
    check_speaking(hub, connection).await?;
    let mut told: Vec<Channel> = Vec::new();
    for subscription in connection.subscriptions() {
        for channel in &subscription.channels {
            if !told.contains(channel) && may_read(hub, who, channel).await? {
                told.push(channel.clone());
            }
        }
    }
    if told.is_empty() {
        return Err(RealtimeError::NoSubscription);
    }
    for channel in told {
        hub.appear(connection, who, channel, said.clone())?;
    }
    Ok(())
}

async fn check_speaking(hub: &Hub, connection: &Connection) -> Result<()> {
    match connection.may_speak(&hub.sessions).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(NotNow::Over) => Err(RealtimeError::OnlyListens),
        Err(NotNow::Unknown(error)) => Err(error),
    }
}

/// Whether somebody may read the record that a channel is about, where it is about one.
///
/// # Errors
/// When it cannot be told.
pub(crate) async fn may_read(hub: &Hub, who: &Who, channel: &Channel) -> Result<bool> {
    match &channel.record {
        None => Ok(true),
        Some((object, id)) => Ok(hub.sight.record(who, (object, id), 0).await?.is_some()),
    }
}

async fn cursor_moved(hub: &Hub, connection: &Connection, who: &Who, mut cursor: Map<String, Value>) -> Result<()> {
    let channel = document(hub, connection, who, &cursor).await?;
    sign(&mut cursor, connection, who);
    cursor.insert("lastUpdate".to_owned(), moment::text(hub.now_ms()).into());
    share(
        hub,
        connection,
        who,
        ("cursor", channel),
        Map::from_iter([("cursor".to_owned(), cursor.into())]),
    );
    Ok(())
}

async fn edited(
    hub: &Hub,
    connection: &Connection,
    who: &Who,
    message_id: &str,
    mut operation: Map<String, Value>,
) -> Result<()> {
    let channel = document(hub, connection, who, &operation).await?;
    sign(&mut operation, connection, who);
    operation.insert("timestamp".to_owned(), moment::text(hub.now_ms()).into());
    share(
        hub,
        connection,
        who,
        ("edit", channel),
        Map::from_iter([("operation".to_owned(), operation.into())]),
    );
    answer(connection, frame::ack(hub.now_ms(), message_id, None));
    Ok(())
}

/// The channel of the document that a message is about: one that the client is in, of a record that it may read.
async fn document(hub: &Hub, connection: &Connection, who: &Who, said: &Map<String, Value>) -> Result<Channel> {
    if !hub.settings.cursor_sharing {
        return Err(RealtimeError::SwitchedOff("sharing cursors and edits"));
    }
    check_speaking(hub, connection).await?;
    let name = said.get("documentId").and_then(Value::as_str).unwrap_or_default();
    check_channel(name)?;
    let channel = hub.sight.catalog.channel(name).await?;
    if !connection.hears(&channel.name) {
        return Err(RealtimeError::NoSubscription);
    }
    if !may_read(hub, who, &channel).await? {
        return Err(RealtimeError::NoRecord);
    }
    Ok(channel)
}

/// Says who it was.
fn sign(said: &mut Map<String, Value>, connection: &Connection, who: &Who) {
    said.insert("userId".to_owned(), who.principal.id.clone().into());
    said.insert("sessionId".to_owned(), connection.id.clone().into());
}

fn share(
    hub: &Hub,
    connection: &Connection,
    who: &Who,
    (kind, channel): (&'static str, Channel),
    body: Map<String, Value>,
) {
    let relay = Relay {
        kind,
        tenant: who.tenant().map(str::to_owned),
        channel,
        body,
    };
    hub.relay(connection, relay);
}

/// The client went.
pub(crate) fn gone(hub: &Hub, connection: &Connection) {
    hub.end(connection, Ending::NORMAL);
}
