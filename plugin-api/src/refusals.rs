//! Tells of refused requests, by the durable event `security.access_denied`: at most one in a second for each principal and
//! route, so that a flood of them is no flood of events. None is lost: what was left out is counted, and told with the next event
//! of the same principal and route, or else with the next one of anybody. For plugins that refuse; refusals of records are told
//! of by the data engine.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::contracts::events::{ACCESS_DENIED, Origin, SecurityEvent};
use crate::{Context, Error, Host, NewEvent};

/// Principals and routes that are remembered at once.
const REMEMBERED_MAX: usize = 4096;

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct Refused<'a> {
    /// Whose it was; who it was counts by the id of the actor.
    pub origin: Origin,
    /// `METHOD /path/pattern`, or another name of which there are few.
    pub route: &'a str,
    /// What was asked for, where the route does not say it; a path as [`told_path`](crate::told_path) has it.
    pub path: Option<&'a str>,
    /// The code of the answer.
    pub code: &'a str,
    /// The sentence of the answer.
    pub message: &'a str,
}

/// The second of the last event, and what was left out since.
#[derive(Debug)]
struct Last {
    second: i64,
    left_out: u64,
}

/// How many were left out since the last event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LeftOut {
    /// Of this principal and route.
    own: u64,
    /// Of others, of which no event told.
    elsewhere: u64,
}

#[derive(Debug, Default)]
struct Known {
    told: HashMap<(String, String), Last>,
    /// The second in which it was looked through last.
    swept: i64,
    elsewhere: u64,
}

impl Known {
    /// `None`: it is left out, and counted.
    fn admit(&mut self, key: (String, String), second: i64) -> Option<LeftOut> {
        let own = match self.told.get_mut(&key) {
            Some(last) if last.second == second => {
                last.left_out += 1;
                return None;
            }
            Some(last) => std::mem::take(&mut last.left_out),
            None => 0,
        };
        if self.swept != second {
            self.swept = second;
            let elsewhere = &mut self.elsewhere;
            self.told.retain(|_, last| {
                let fresh = last.second == second;
                *elsewhere += if fresh { 0 } else { last.left_out };
                fresh
            });
        }
        if self.told.len() >= REMEMBERED_MAX {
            self.elsewhere += own + 1;
            return None;
        }
        self.told.insert(key, Last { second, left_out: 0 });
        let elsewhere = std::mem::take(&mut self.elsewhere);
        Some(LeftOut { own, elsewhere })
    }
}

/// What was told of lately. One for each plugin.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Known>);

impl Refusals {
    fn admit(&self, user: &str, route: &str, now_ms: i64) -> Option<LeftOut> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.admit((user.to_owned(), route.to_owned()), now_ms.div_euclid(1000))
    }

    /// Tells of a request of the context's principal that was refused with this error.
    pub async fn tell(&self, host: &Host, context: &Context, route: &str, error: &Error) {
        let refused = Refused {
            origin: Origin::of(context),
            route,
            path: None,
            code: error.code(),
            message: error.message(),
        };
        self.tell_of(host, context, refused).await;
    }

    /// Stores the event, if it is due. The refusal stands whatever happens here: a failure is written to the log.
    pub async fn tell_of(&self, host: &Host, context: &Context, refused: Refused<'_>) {
        let user = refused.origin.actor_id.clone().unwrap_or_default();
        let Some(left_out) = self.admit(&user, refused.route, host.now_ms()) else {
            return;
        };
        let route = refused.route;
        let told = match serde_json::to_vec(&event(refused, left_out)) {
            Ok(payload) => {
                let event = NewEvent::new(ACCESS_DENIED, &payload);
                host.publish_durable(context, &event).await.map(drop)
            }
            Err(error) => Err(Error::internal(error)),
        };
        if let Err(error) = told {
            tracing::error!(route, user, error = %error, "a refused access could not be told of");
        }
    }
}

fn event(refused: Refused<'_>, left_out: LeftOut) -> SecurityEvent {
    let mut metadata = json!({ "route": refused.route, "code": refused.code });
    if let Some(path) = refused.path {
        metadata["path"] = path.into();
    }
    for (key, count) in [("leftOut", left_out.own), ("leftOutElsewhere", left_out.elsewhere)] {
        if count > 0 {
            metadata[key] = count.into();
        }
    }
    SecurityEvent {
        origin: refused.origin,
        target_type: Some("route".to_owned()),
        target_id: Some(refused.route.to_owned()),
        target_name: Some(refused.route.to_owned()),
        description: format!("refused {}", refused.route),
        result: "failure".to_owned(),
        error_message: Some(refused.message.to_owned()),
        metadata: metadata.as_object().cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(own: u64, elsewhere: u64) -> Option<LeftOut> {
        Some(LeftOut { own, elsewhere })
    }

    #[test]
    fn one_in_a_second_for_each_principal_and_route_and_the_next_says_what_was_left_out() {
        let refusals = Refusals::default();
        let told: Vec<u64> = (0..2_500)
            .filter_map(|ms| refusals.admit("ann", "GET /a", ms))
            .map(|left_out| left_out.own)
            .collect();
        assert_eq!(told, [0, 999, 999]);
        assert_eq!(refusals.admit("ann", "GET /b", 2_400), left_out(0, 0));
        assert_eq!(refusals.admit("bob", "GET /a", 2_400), left_out(0, 0));
    }

    #[test]
    fn whoever_does_not_come_back_is_told_of_with_the_next_of_anybody() {
        let refusals = Refusals::default();
        for ms in 0..5 {
            refusals.admit("ann", "GET /a", ms);
        }
        assert_eq!(
            refusals.admit("bob", "GET /b", 900),
            left_out(0, 0),
            "the second is not over"
        );
        assert_eq!(refusals.admit("bob", "GET /b", 1_000), left_out(0, 4));
        assert_eq!(refusals.admit("ann", "GET /a", 1_000), left_out(0, 0), "once");
    }

    #[test]
    fn many_principals_do_not_fill_the_memory_and_none_is_lost() {
        let refusals = Refusals::default();
        let admitted =
            (0..REMEMBERED_MAX * 2).filter(|number| refusals.admit(&number.to_string(), "GET /a", 0).is_some());
        assert_eq!(admitted.count(), REMEMBERED_MAX);
        let elsewhere = u64::try_from(REMEMBERED_MAX).ok();
        let late = refusals.admit("late", "GET /a", 1_000);
        assert_eq!(late.map(|left_out| left_out.elsewhere), elsewhere);
        let known = refusals.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.told.len(), 1);
    }
}
