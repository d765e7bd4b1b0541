//! Tells of requests that were refused for want of a system permission, by the durable event `security.access_denied`: at most
//! one in a second for each principal and route, so that a flood of them is no flood of events. Refusals of records are told
//! of by the data engine.

use std::collections::HashMap;

use objectos_plugin_api::contracts::events::{ACCESS_DENIED, Origin, SecurityEvent};
use objectos_plugin_api::{Context, Error, Host, NewEvent};
use parking_lot::Mutex;
use serde_json::json;

/// Principals and routes that are remembered at once.
const REMEMBERED_MAX: usize = 4096;

/// When each principal was last told of at each route, seconds.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<(String, String), i64>>);

impl Refusals {
    /// Whether to tell of it now.
    fn admits(&self, user: &str, route: &str, now_ms: i64) -> bool {
        let second = now_ms.div_euclid(1000);
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, last| *last == second);
        }
        let key = (user.to_owned(), route.to_owned());
        if known.len() >= REMEMBERED_MAX && !known.contains_key(&key) {
            return false;
        }
        known.insert(key, second) != Some(second)
    }

    /// Stores the event, if it is due. The refusal stands whatever happens here.
    pub(crate) async fn tell(&self, host: &Host, context: &Context, route: &str, error: &Error) {
        if !self.admits(context.user(), route, host.now_ms()) {
            return;
        }
        let metadata = json!({ "route": route, "code": error.code() });
        let event = SecurityEvent {
            origin: Origin::of(context),
            target_type: Some("route".to_owned()),
            target_id: Some(route.to_owned()),
            target_name: Some(route.to_owned()),
            description: format!("refused {route}"),
            result: "failure".to_owned(),
            error_message: Some(error.message().to_owned()),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
        };
        let told = match serde_json::to_vec(&event) {
            Ok(payload) => {
                let event = NewEvent::new(ACCESS_DENIED, &payload);
                host.publish_durable(context, &event).await.map(drop)
            }
            Err(error) => Err(Error::internal(error)),
        };
        if let Err(error) = told {
            tracing::error!(route, user = context.user(), error = %error, "a refused access could not be told of");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_second_for_each_principal_and_route() {
        let refusals = Refusals::default();
        let told = |user: &str, route: &str, now_ms: i64| refusals.admits(user, route, now_ms);
        assert!(told("ann", "GET /a", 0) && !told("ann", "GET /a", 999) && told("ann", "GET /a", 1_000));
        assert!(told("ann", "GET /b", 1_000) && told("bob", "GET /a", 1_000));
    }

    #[test]
    fn many_principals_do_not_fill_the_memory() {
        let refusals = Refusals::default();
        for number in 0..REMEMBERED_MAX * 2 {
            refusals.admits(&number.to_string(), "GET /a", 0);
        }
        assert_eq!(refusals.0.lock().len(), REMEMBERED_MAX);
        assert!(refusals.admits("late", "GET /a", 1_000));
        assert_eq!(refusals.0.lock().len(), 1);
    }
}
