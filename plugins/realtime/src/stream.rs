//! Server-sent events and long polling: the same messages as over the WebSocket, read from the outbox by their numbers, so that
//! a client whose line broke goes on where it was (`Last-Event-ID`, `after`) as long as that is kept.

use objectos_plugin_api::{BodyStream, Result as PluginResult};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

use crate::{
    connection::{Connection, Streaming},
    deliver::{Outcome, deliver, look},
    error::Result,
    frame,
    hub::Hub,
    outbox::{Ending, Next},
};

/// A line at least this often, so that nobody in between takes the line for dead.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How much longer is looked through what waits, where nothing of it is for the client.
const GRACE: Duration = Duration::from_millis(500);
/// What a client waits before it connects again, milliseconds.
const RETRY: &[u8] = b"retry: 1000\n: connected\n\n";
const ALIVE: &[u8] = b": alive\n\n";
/// Messages in one answer of a poll.
const MESSAGES_MAX: usize = 100;

/// What comes next.
enum Step {
    Message(u64, Map<String, Value>),
    /// Some are lost; go on after this number.
    Lagged(u64),
    /// Nothing until then; what was told before is of no concern up to this number.
    Nothing(u64),
    Over(Ending),
}

/// Waits for what comes after a number, until a moment.
async fn step(hub: &Hub, connection: &Connection, mut after: u64, until: Instant) -> Step {
    loop {
        let mut changed = connection.outbox.watch();
        match connection.outbox.after(after) {
            Next::Over(ending) => return Step::Over(ending),
            Next::Lagged(number) => return Step::Lagged(number),
            Next::Item(number, mark, item) => {
                match deliver(hub, connection, &item).await {
                    Outcome::Send(message) => {
                        if connection.outbox.sent(number, mark) {
                            return Step::Message(number, message);
                        }
                    }
                    Outcome::Nothing => {
                        if connection.outbox.passed(number, mark) {
                            after = number;
                        }
                    }
                    Outcome::End(ending) => return end(hub, connection, ending),
                }
                if Instant::now() >= until + GRACE {
                    return Step::Nothing(after);
                }
            }
            Next::Nothing => {
                let waited = tokio::time::timeout_at(until, changed.changed()).await;
                if (waited.is_err() || connection.is_doubted())
                    && let Err(ending) = look(hub, connection).await
                {
                    return end(hub, connection, ending);
                }
                if waited.is_err() {
                    return Step::Nothing(after);
                }
            }
        }
    }
}

fn end(hub: &Hub, connection: &Connection, ending: Ending) -> Step {
    hub.end(connection, ending);
    Step::Over(ending)
}

/// A stream that is open.
struct Flow {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    after: u64,
    begun: bool,
    _streaming: Streaming,
}

/// The body of `GET /events`, from after a number on.
///
/// # Errors
/// As [`Connection::streaming`].
pub(crate) fn events(hub: Arc<Hub>, connection: Arc<Connection>, after: u64) -> Result<BodyStream> {
    let flow = Flow {
        hub,
        after,
        begun: false,
        _streaming: connection.streaming()?,
        connection,
    };
    Ok(BodyStream::unfold(Some(flow), piece))
}

async fn piece(flow: Option<Flow>) -> PluginResult<Option<(Vec<u8>, Option<Flow>)>> {
    let Some(mut flow) = flow else { return Ok(None) };
    if !flow.begun {
        flow.begun = true;
        return Ok(Some((RETRY.to_vec(), Some(flow))));
    }
    let until = Instant::now() + HEARTBEAT;
    let bytes = match step(&flow.hub, &flow.connection, flow.after, until).await {
        Step::Message(number, message) => {
            flow.after = number;
            flow.connection.used(flow.hub.now_ms());
            event(Some(number), message)
        }
        Step::Lagged(number) => {
            flow.after = number;
            event(Some(number), lagged(&flow.hub))
        }
        Step::Nothing(number) => {
            flow.after = number;
            ALIVE.to_vec()
        }
        Step::Over(ending) => {
            let last = event(None, closed(&flow.hub, ending));
            return Ok(Some((last, None)));
        }
    };
    Ok(Some((bytes, Some(flow))))
}

fn event(id: Option<u64>, message: Map<String, Value>) -> Vec<u8> {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    // JSON has no line ends but in texts, where they are escaped.
    format!("{id}data: {}\n\n", Value::Object(message)).into_bytes()
}

fn lagged(hub: &Hub) -> Map<String, Value> {
    let text = "events were lost because they were not fetched in time: read what you need anew";
    frame::error(hub.now_ms(), "LAGGED", text, None)
}

/// The last message: why it ends. Whoever hears 1012 or 1013 connects anew.
fn closed(hub: &Hub, ending: Ending) -> Map<String, Value> {
    let mut message = frame::error(hub.now_ms(), "CLOSED", ending.reason, None);
    message.insert("details".to_owned(), json!({ "code": ending.code }));
    message
}

/// The answer of `GET /poll`: `{messages: [{id, message}], after, lagged, closed?: {code, reason}}`, as soon as there is one, or
/// when the time is over.
///
/// # Errors
/// As [`Connection::streaming`].
pub(crate) async fn poll(hub: &Hub, connection: &Arc<Connection>, mut after: u64, limit: Duration) -> Result<Value> {
    let _streaming = connection.streaming()?;
    let (mut messages, mut lagged) = (Vec::new(), false);
    let mut until = Instant::now() + limit;
    let mut closed = None;
    while messages.len() < MESSAGES_MAX {
        match step(hub, connection, after, until).await {
            Step::Message(number, message) => {
                after = number;
                messages.push(json!({ "id": number, "message": message }));
                // The rest is what is there already.
                until = Instant::now();
            }
            Step::Lagged(number) => {
                after = number;
                lagged = true;
                until = Instant::now();
            }
            Step::Nothing(number) => {
                after = number;
                break;
            }
            Step::Over(ending) => {
                closed = Some(json!({ "code": ending.code, "reason": ending.reason }));
                break;
            }
        }
    }
    connection.used(hub.now_ms());
    let mut answer = json!({ "messages": messages, "after": after, "lagged": lagged });
    if let Some(closed) = closed {
        answer["closed"] = closed;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let message = json!({"text": "one\ntwo\r\u{2028}"}).as_object().unwrap().clone();
        let written = String::from_utf8(event(Some(3), message)).unwrap();
        assert!(
            written.starts_with("id: 3\ndata: {") && written.ends_with("}\n\n"),
            "{written}"
        );
        assert_eq!(written.trim_end().lines().count(), 2, "{written}");
    }
}
