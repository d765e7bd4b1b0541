//! An item of an outbox on its way out. In this order: the session is looked at, the record is read as whoever stands behind the
//! connection now, fields that they do not see are left out, the subscription's filter is asked about what is left.

use objectos_plugin_api::{ErrorKind, contracts::events};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::{
    connection::{Connection, Room},
    error::{RealtimeError, Result},
    frame,
    hub::Hub,
    news::{News, What},
    outbox::{Ending, Item, PushedBy, Relay},
    pattern::wire_name,
    session::{NotNow, Who},
    sight::Gone,
};

/// What becomes of an item.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// This message.
    Send(Map<String, Value>),
    /// Nothing, for this client.
    Nothing,
    /// The connection is over.
    End(Ending),
}

/// Makes of an item what the client gets.
pub(crate) async fn deliver(hub: &Hub, connection: &Connection, item: &Item) -> Outcome {
    let made = loop {
        let who = match look(hub, connection).await {
            Ok(who) => who,
            Err(ending) => return Outcome::End(ending),
        };
        let made = make(hub, connection, &who, item).await;
        if let Some(ending) = connection.outbox.ending() {
            return Outcome::End(ending);
        }
        // Something happened while it was made: nothing follows the end of a session, also if that took a while.
        if !connection.is_doubted() {
            break made;
        }
    };
    match made {
        Ok(Some(message)) => {
            connection.used(hub.now_ms());
            Outcome::Send(message)
        }
        Ok(None) => Outcome::Nothing,
        Err(error) => failed(&error),
    }
}

async fn make(hub: &Hub, connection: &Connection, who: &Who, item: &Item) -> Result<Option<Map<String, Value>>> {
    match item {
        Item::Answer(message) => Ok(Some(message.clone())),
        Item::Event {
            subscription,
            name,
            news,
        } => subscribed(hub, connection, who, (subscription, name, news)).await,
        Item::Pushed { news, by } => pushed(hub, connection, who, news, by).await,
        Item::Relay(relay) => relayed(hub, connection, who, relay).await,
    }
}

/// Looks whether the session holds; answers who it is.
pub(crate) async fn look(hub: &Hub, connection: &Connection) -> Result<Arc<Who>, Ending> {
    match hub.who(connection).await {
        Ok(who) => Ok(who),
        Err(NotNow::Over) => Err(Ending::EXPIRED),
        Err(NotNow::Unknown(error)) => {
            tracing::warn!(%error, "a connection ends: it cannot be told whether its session holds");
            Err(Ending::AGAIN)
        }
    }
}

/// A client is not to miss something unseen because somebody was away: it comes again and reads what it needs.
fn failed(error: &RealtimeError) -> Outcome {
    let away = match error {
        RealtimeError::Plugin(error) => matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Limited | ErrorKind::Cancelled
        ),
        _ => false,
    };
    if away {
        return Outcome::End(Ending::AGAIN);
    }
    tracing::warn!(%error, "an event is not sent: it cannot be told what the client may read of it");
    Outcome::Nothing
}

async fn subscribed(
    hub: &Hub,
    connection: &Connection,
    who: &Who,
    (subscription, name, news): (&str, &str, &News),
) -> Result<Option<Map<String, Value>>> {
    // It may have ended since, or been replaced by one that wants other things.
    let Some(wish) = connection.subscription(subscription) else {
        return Ok(None);
    };
    if !wish.wants(news).iter().any(|wanted| wanted == name) {
        return Ok(None);
    }
    let Some(payload) = payload(hub, who, news).await? else {
        return Ok(None);
    };
    if wish.filter.as_ref().is_some_and(|filter| !filter.accepts(&payload)) {
        return Ok(None);
    }
    Ok(Some(message(hub, (subscription, name), news, payload)))
}

fn message(hub: &Hub, names: (&str, &str), news: &News, payload: Map<String, Value>) -> Map<String, Value> {
    frame::event(hub.now_ms(), names, (news.object(), news.user.as_deref()), payload)
}

async fn pushed(
    hub: &Hub,
    connection: &Connection,
    who: &Who,
    news: &News,
    by: &PushedBy,
) -> Result<Option<Map<String, Value>>> {
    if by.user_filter && by.user.as_deref() != Some(who.principal.id.as_str()) {
        return Ok(None);
    }
    let tenant = by.tenant.as_deref().filter(|tenant| !tenant.is_empty());
    if by.tenant_filter && tenant != who.tenant() {
        return Ok(None);
    }
    let Some(payload) = payload(hub, who, news).await? else {
        return Ok(None);
    };
    if let Some(rate) = by.rate {
        let now_ms = hub.now_ms();
        let room = connection.pushed.lock().take(now_ms, rate);
        match room {
            Room::There => {}
            Room::Full => {
                let text = "events come faster than the configuration lets them; some are left out";
                return Ok(Some(frame::error(now_ms, "RATE_LIMITED", text, None)));
            }
            Room::StillFull => return Ok(None),
        }
    }
    // What nobody subscribed to goes by the connection itself.
    Ok(Some(message(
        hub,
        (&connection.id, &wire_name(&news.name)),
        news,
        payload,
    )))
}

async fn relayed(hub: &Hub, connection: &Connection, who: &Who, relay: &Relay) -> Result<Option<Map<String, Value>>> {
    if relay.tenant.as_deref() != who.tenant() || !connection.hears(&relay.channel.name) {
        return Ok(None);
    }
    if let Some((object, id)) = &relay.channel.record
        && hub.sight.record(who, (object, id), 0).await?.is_none()
    {
        return Ok(None);
    }
    Ok(Some(frame::message(hub.now_ms(), relay.kind, relay.body.clone())))
}

/// What somebody gets of an event; `None` is nothing.
async fn payload(hub: &Hub, who: &Who, news: &News) -> Result<Option<Map<String, Value>>> {
    match &news.what {
        What::Record {
            object,
            record,
            changes,
        } => {
            let seen = hub.sight.record(who, (object, record), news.number).await?;
            Ok(seen.and_then(|seen| of_record(who, news, (object, record), changes.as_deref(), &seen)))
        }
        What::Gone {
            object,
            record,
            before,
            binned,
        } => {
            let gone = Gone {
                object,
                record,
                before,
                tenant: news.tenant.as_deref(),
                binned: *binned,
            };
            let hears = hub.sight.gone(who, gone, news.number).await?;
            Ok(hears.then(|| about_record(who, news, (object, record))))
        }
        What::Metadata { payload } => {
            let object = of_object(&news.name, payload);
            let reads = match object {
                Some(object) => hub.sight.reads_object(who, object).await?,
                None => news.name == events::METADATA_CHANGED,
            };
            Ok(payload.as_object().filter(|_| reads).cloned())
        }
        What::Internal { payload, reader } => {
            let reads = hub.sight.reads(who, *reader, news.tenant.as_deref()).await?;
            Ok(reads.then(|| match payload {
                Value::Object(payload) => payload.clone(),
                other => Map::from_iter([("value".to_owned(), other.clone())]),
            }))
        }
        What::Message {
            payload,
            users,
            object,
            record,
        } => {
            let meant = users.is_empty() || users.contains(&who.principal.id);
            if !meant || news.tenant.as_deref() != who.tenant() {
                return Ok(None);
            }
            if let (Some(object), Some(record)) = (object, record)
                && hub.sight.record(who, (object, record), news.number).await?.is_none()
            {
                return Ok(None);
            }
            Ok(Some(payload.clone()))
        }
    }
}

/// The object whose definition an event of metadata is about: `metadata.object.updated {name}`.
fn of_object<'a>(name: &str, payload: &'a Value) -> Option<&'a str> {
    name.starts_with("metadata.object.")
        .then(|| payload["name"].as_str())
        .flatten()
}

/// What every event of a record says.
fn about_record(who: &Who, news: &News, (object, record): (&str, &str)) -> Map<String, Value> {
    let payload = json!({
        "id": news.id, "type": news.name, "object": object, "recordId": record, "timestamp": news.timestamp,
    });
    let Value::Object(mut payload) = payload else {
        return Map::new();
    };
    // Another's is nobody's business, also of those who look across tenants.
    if let Some(tenant) = news.tenant.as_deref().filter(|tenant| who.tenant() == Some(*tenant)) {
        payload.insert("organizationId".to_owned(), tenant.into());
    }
    if let Some(user) = &news.user {
        payload.insert("userId".to_owned(), user.as_str().into());
    }
    payload
}

/// A record as it is seen now. Where fields changed of which none is seen, nothing happened; one that came back is there again,
/// whatever of it changed.
fn of_record(
    who: &Who,
    news: &News,
    about: (&str, &str),
    changes: Option<&[String]>,
    seen: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let mut payload = about_record(who, news, about);
    if let Some(changes) = changes {
        let known: Vec<&String> = changes.iter().filter(|field| seen.contains_key(*field)).collect();
        if known.is_empty() && !changes.is_empty() && news.name == events::RECORD_UPDATED {
            return None;
        }
        payload.insert("changes".to_owned(), json!(known));
    }
    payload.insert("after".to_owned(), Value::Object(seen.clone()));
    Some(payload)
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::Principal;

    use super::*;
    use crate::news::tests::event;

    #[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn of_a_record_only_what_is_seen_is_sent() {
        let payload = json!({
            "type": "data.record.updated", "object": "deal", "recordId": "d1", "organizationId": "t1", "userId": "u2",
            "changes": ["amount", "secret"], "before": {"secret": 1}, "after": {"secret": 2, "amount": 3},
            "timestamp": "2025-01-31T08:00:00.000Z",
        });
        let news = News::of_event(&event("data.record.updated", payload), 1);
        let who = |tenant: &str| {
            Who::new(Principal {
                id: "u1".to_owned(),
                tenant: Some(tenant.to_owned()),
                ..Principal::default()
            })
        };
        let seen = map(json!({"id": "d1", "amount": 4}));
        let changes = ["amount".to_owned(), "secret".to_owned()];
        let sent = of_record(&who("t1"), &news, ("deal", "d1"), Some(&changes), &seen).unwrap();
        assert_eq!(
            Value::Object(sent),
            json!({
                "id": "e1", "type": "data.record.updated", "object": "deal", "recordId": "d1", "organizationId": "t1",
                "userId": "u2", "timestamp": "2025-01-31T08:00:00.000Z", "changes": ["amount"],
                "after": {"id": "d1", "amount": 4},
            })
        );
        let other = of_record(&who("t2"), &news, ("deal", "d1"), None, &seen).unwrap();
        assert!(!other.contains_key("organizationId"));
        let hidden = of_record(&who("t1"), &news, ("deal", "d1"), Some(&changes[1..]), &seen);
        assert_eq!(hidden, None, "what changed is not seen");
        let touched = of_record(&who("t1"), &news, ("deal", "d1"), Some(&[]), &seen);
        assert!(touched.is_some());
    }

    #[test]
    fn metadata_of_an_object_is_known_by_its_name() {
        let payload = json!({"name": "deal"});
        assert_eq!(of_object("metadata.object.updated", &payload), Some("deal"));
        assert_eq!(of_object("metadata.view.updated", &payload), None);
        assert_eq!(of_object("system.metadata.changed", &payload), None);
    }
}
