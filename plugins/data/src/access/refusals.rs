//! Tells of refusals, by the durable event `security.access_denied`. A flood of them costs one event for each principal,
//! object and operation in a second; the next event says how many were left out.

use std::collections::HashMap;

use objectos_plugin_api::contracts::events::{ACCESS_DENIED, Origin, SecurityEvent};
use objectos_plugin_api::{Context, Host, NewEvent};
use parking_lot::Mutex;
use serde_json::{Map, json};

/// Principals, objects and operations that are remembered at once.
const REMEMBERED_MAX: usize = 4096;

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

/// What was told of lately.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Key, Told>>);

impl Refusals {
    /// Whether to tell of it now: with how many were left out since the last time.
    fn admit(&self, user: &str, refusal: &Refusal<'_>, now_ms: i64) -> Option<u64> {
        let second = now_ms.div_euclid(1000);
        let key = (user.to_owned(), refusal.object.to_owned(), refusal.operation.to_owned());
        let mut known = self.0.lock();
        if let Some((last, left_out)) = known.get_mut(&key) {
            if *last == second {
                *left_out += 1;
                return None;
            }
            *last = second;
            return Some(std::mem::take(left_out));
        }
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, (last, _)| *last == second);
            if known.len() >= REMEMBERED_MAX {
                return None;
            }
        }
        known.insert(key, (second, 0));
        Some(0)
    }

    /// Stores the event, if it is due. The refusal stands whatever happens here.
    pub(super) async fn tell(&self, host: &Host, context: &Context, refusal: Refusal<'_>) {
        let Some(left_out) = self.admit(context.user(), &refusal, host.now_ms()) else {
            return;
        };
        let event = event(context, &refusal, left_out);
        let payload = match serde_json::to_vec(&event) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(error = %error, "a refused access cannot be written down");
                return;
            }
        };
        let event = NewEvent::new(ACCESS_DENIED, &payload);
        if let Err(error) = host.publish_durable(context, &event).await {
            tracing::error!(
                object = refusal.object,
                operation = refusal.operation,
                user = context.user(),
                error = %error,
                "a refused access could not be told of"
            );
        }
    }
}

fn event(context: &Context, refusal: &Refusal<'_>, left_out: u64) -> SecurityEvent {
    let mut metadata = Map::new();
    metadata.insert("object".to_owned(), json!(refusal.object));
    metadata.insert("operation".to_owned(), json!(refusal.operation));
    metadata.insert("code".to_owned(), json!(refusal.code));
    if left_out > 0 {
        metadata.insert("leftOut".to_owned(), json!(left_out));
    }
    let (target_type, target_id) = match refusal.record {
        Some(record) => ("record", Some(record.to_owned())),
        None => ("object", Some(refusal.object.to_owned())),
    };
    SecurityEvent {
        origin: Origin::of(context),
        target_type: Some(target_type.to_owned()),
        target_id,
        target_name: Some(refusal.object.to_owned()),
        description: format!("refused to {} '{}'", refusal.operation, refusal.object),
        result: "failure".to_owned(),
        error_message: Some(refusal.message.to_owned()),
        metadata,
    }
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
        let told: Vec<u64> = (0..2_500)
            .filter_map(|ms| refusals.admit("ann", &REFUSAL, ms))
            .collect();
        assert_eq!(told, [0, 999, 999]);
        let other = Refusal {
            operation: "update",
            ..REFUSAL
        };
        assert_eq!(refusals.admit("ann", &other, 2_400), Some(0));
        assert_eq!(refusals.admit("bob", &REFUSAL, 2_400), Some(0));
    }

    #[test]
    fn many_principals_do_not_fill_the_memory() {
        let refusals = Refusals::default();
        for number in 0..REMEMBERED_MAX * 2 {
            refusals.admit(&number.to_string(), &REFUSAL, 0);
        }
        assert_eq!(refusals.0.lock().len(), REMEMBERED_MAX);
        assert_eq!(refusals.admit("late", &REFUSAL, 1_000), Some(0));
        assert_eq!(refusals.0.lock().len(), 1);
    }
}
