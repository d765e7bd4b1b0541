//! Tells of refusals, by the durable event `security.access_denied`. A flood of them costs one event for each principal,
//! object and operation in a second; the next event says how many were left out, and where none comes, one more does when the
//! second is over. Of more principals, objects and operations than are remembered at once the next event of any of them says how
//! many there were. So the events and what they say was left out are as many as there were refusals.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use objectos_plugin_api::contracts::events::{ACCESS_DENIED, Origin, SecurityEvent};
use objectos_plugin_api::{Context, Host, NewEvent};
use parking_lot::Mutex;
use serde_json::{Map, json};

/// Principals, objects and operations that are remembered at once.
const REMEMBERED_MAX: usize = 4096;
/// How long those that were left out wait for an event to say so.
const WAIT: Duration = Duration::from_secs(1);

/// Something that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// Name of the object.
    pub object: &'a str,
    /// `read`, `create`, `update`, …
    pub operation: &'a str,
    /// The record, where one was named.
    pub record: Option<&'a str>,
    /// The protocol's code.
    pub code: &'a str,
    /// The caller's sentence.
    pub message: &'a str,
}

/// Principal, object and operation.
type Key = (String, String, String);

/// The second of the last event, and what was left out since.
type Told = (i64, u64);

/// What is to be done about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// It is told of, with how many were left out since the last time.
    Now(u64),
    /// It is the first of those that are left out.
    Later,
    /// It is left out, too.
    Counted,
}

/// What is remembered.
#[derive(Debug, Default)]
struct Known {
    told: HashMap<Key, Told>,
    /// Refusals of whom nothing could be remembered, since the last event.
    elsewhere: u64,
}

/// What was told of lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Mutex<Known>>);

fn key_of(user: &str, refusal: &Refusal<'_>) -> Key {
    (user.to_owned(), refusal.object.to_owned(), refusal.operation.to_owned())
}

impl Refusals {
    fn admit(&self, key: &Key, now_ms: i64) -> Due {
        let second = now_ms.div_euclid(1000);
        let mut known = self.0.lock();
        if let Some((last, left_out)) = known.told.get_mut(key) {
            if *last == second {
                *left_out += 1;
                return if *left_out == 1 { Due::Later } else { Due::Counted };
            }
            *last = second;
            return Due::Now(std::mem::take(left_out));
        }
        if known.told.len() >= REMEMBERED_MAX {
            known
                .told
                .retain(|_, (last, left_out)| *last == second || *left_out > 0);
            if known.told.len() >= REMEMBERED_MAX {
                known.elsewhere += 1;
                return Due::Counted;
            }
        }
        known.told.insert(key.clone(), (second, 0));
        Due::Now(0)
    }

    /// How many were left out and not told of yet, once their second is over; `None` while it is not.
    fn take_left_out(&self, key: &Key, now_ms: i64) -> Option<u64> {
        let second = now_ms.div_euclid(1000);
        match self.0.lock().told.get_mut(key) {
            Some((last, left_out)) if *left_out > 0 => (*last != second).then(|| std::mem::take(left_out)),
            _ => Some(0),
        }
    }

    /// How many were left out of whom nothing is remembered: for the next event, whoever it is about.
    fn take_elsewhere(&self) -> u64 {
        std::mem::take(&mut self.0.lock().elsewhere)
    }

    /// Stores the event, if it is due. The refusal stands whatever happens here.
    pub(super) async fn tell(&self, host: &Host, context: &Context, refusal: Refusal<'_>) {
        let key = key_of(context.user(), &refusal);
        match self.admit(&key, host.now_ms()) {
            Due::Now(left_out) => {
                let mut event = event(context, &refusal, left_out);
                add(&mut event, "leftOutElsewhere", self.take_elsewhere());
                publish(host, context, &event).await;
            }
            Due::Later => {
                let event = event(context, &refusal, 0);
                tokio::spawn(self.clone().tell_rest(host.clone(), context.clone(), key, event));
            }
            Due::Counted => {}
        }
    }

    /// Tells of those that were left out when no other event does.
    async fn tell_rest(self, host: Host, context: Context, key: Key, mut event: SecurityEvent) {
        let count = loop {
            tokio::time::sleep(WAIT).await;
            if let Some(count) = self.take_left_out(&key, host.now_ms()) {
                break count;
            }
        };
        // The event stands for one of them itself.
        let Some(left_out) = count.checked_sub(1) else { return };
        add(&mut event, "leftOut", left_out);
        add(&mut event, "leftOutElsewhere", self.take_elsewhere());
        publish(&host, &context, &event).await;
    }
}

/// A count, where there is one.
fn add(event: &mut SecurityEvent, key: &str, count: u64) {
    if count > 0 {
        event.metadata.insert(key.to_owned(), json!(count));
    }
}

async fn publish(host: &Host, context: &Context, event: &SecurityEvent) {
    let payload = match serde_json::to_vec(event) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(error = %error, "a refused access cannot be written down");
            return;
        }
    };
    if let Err(error) = host
        .publish_durable(context, &NewEvent::new(ACCESS_DENIED, &payload))
        .await
    {
        tracing::error!(
            what = event.description,
            user = context.user(),
            error = %error,
            "a refused access could not be told of"
        );
    }
}

fn event(context: &Context, refusal: &Refusal<'_>, left_out: u64) -> SecurityEvent {
    let mut metadata = Map::new();
    metadata.insert("object".to_owned(), json!(refusal.object));
    metadata.insert("operation".to_owned(), json!(refusal.operation));
    metadata.insert("code".to_owned(), json!(refusal.code));
    let (target_type, target_id) = match refusal.record {
        Some(record) => ("record", Some(record.to_owned())),
        None => ("object", Some(refusal.object.to_owned())),
    };
    let mut event = SecurityEvent {
        origin: Origin::of(context),
        target_type: Some(target_type.to_owned()),
        target_id,
        target_name: Some(refusal.object.to_owned()),
        description: format!("refused to {} '{}'", refusal.operation, refusal.object),
        result: "failure".to_owned(),
        error_message: Some(refusal.message.to_owned()),
        metadata,
    };
    add(&mut event, "leftOut", left_out);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSAL: Refusal<'static> = Refusal {
        object: "deal",
        operation: "read",
        record: None,
        code: "permission_denied",
        message: "no permission",
    };

    #[test]
    fn one_event_in_a_second_and_the_next_says_what_was_left_out() {
        let refusals = Refusals::default();
        let key = key_of("ann", &REFUSAL);
        let told: Vec<u64> = (0..2_500)
            .filter_map(|ms| match refusals.admit(&key, ms) {
                Due::Now(left_out) => Some(left_out),
                Due::Later | Due::Counted => None,
            })
            .collect();
        assert_eq!(told, [0, 999, 999]);
        let other = Refusal {
            operation: "update",
            ..REFUSAL
        };
        assert_eq!(refusals.admit(&key_of("ann", &other), 2_400), Due::Now(0));
        assert_eq!(refusals.admit(&key_of("bob", &REFUSAL), 2_400), Due::Now(0));
    }

    #[test]
    fn what_was_left_out_last_is_told_of_when_its_second_is_over() {
        let refusals = Refusals::default();
        let key = key_of("ann", &REFUSAL);
        let dues = [0, 1, 2].map(|ms| refusals.admit(&key, ms));
        assert_eq!(dues, [Due::Now(0), Due::Later, Due::Counted]);
        assert_eq!(refusals.take_left_out(&key, 999), None);
        assert_eq!(refusals.take_left_out(&key, 1_000), Some(2));
        assert_eq!(refusals.take_left_out(&key, 1_000), Some(0), "once");
        assert_eq!(refusals.admit(&key, 1_000), Due::Now(0));
    }

    #[test]
    fn many_principals_do_not_fill_the_memory() {
        let refusals = Refusals::default();
        let key = |name: &str| key_of(name, &REFUSAL);
        for number in 0..REMEMBERED_MAX * 2 {
            refusals.admit(&key(&number.to_string()), 0);
        }
        assert_eq!(refusals.0.lock().told.len(), REMEMBERED_MAX);
        assert_eq!(refusals.admit(&key("late"), 1_000), Due::Now(0));
        assert_eq!(refusals.0.lock().told.len(), 1);
        let elsewhere = (refusals.take_elsewhere(), refusals.take_elsewhere());
        assert_eq!(elsewhere, (4_096, 0), "each is told of once");
    }
}
