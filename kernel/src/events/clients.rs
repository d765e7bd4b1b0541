//! Events for clients that keep a connection (section `realtime`): a transient handler of the bus's own that hands what
//! the section means to the service `realtime`. Which client may see what and how many it gets, that service decides;
//! here is only looked at the event.
//!
//! Transient, because it is for who is connected now: nobody is there later to get what is tried again, and a client
//! that lost its connection reads what it needs.

use objectos_plugin_api::{
    Error, Result,
    contracts::realtime::{PushRequest, RealtimeClient},
    protocol::kernel::{Event, RealTimeNotificationConfig},
};

use super::{error::EventConfigError, filter::EventFilter, pattern::Pattern, port::HandlerId};

/// What plugin ids never are: the first part of the handler's id.
pub(crate) const PLUGIN: &str = "realtime";
const TIMEOUT_MS: u64 = 5_000;

/// The section, ready to use.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) id: HandlerId,
    pub(crate) pattern: Pattern,
    pub(crate) timeout_ms: u64,
    channels: Vec<Channel>,
    section: RealTimeNotificationConfig,
}

/// A named selection of events.
#[derive(Debug)]
struct Channel {
    name: String,
    pattern: Pattern,
    filter: Option<EventFilter>,
}

impl Clients {
    /// Name of the service that keeps the connections.
    pub(crate) const SERVICE: &'static str = RealtimeClient::NAME;

    /// Reads the section; `None` when it is not there or switched off.
    ///
    /// # Errors
    /// `Invalid` for a pattern or a filter that cannot be used, and for a name that two channels have.
    pub(crate) fn compile(section: Option<&RealTimeNotificationConfig>) -> Result<Option<Self>, EventConfigError> {
        let Some(section) = section.filter(|section| section.enabled) else {
            return Ok(None);
        };
        let invalid = |key: String, problem: String| EventConfigError::invalid(format!("realtime.{key}"), problem);
        let pattern =
            Pattern::parse(&section.event_pattern).map_err(|problem| invalid("eventPattern".to_owned(), problem))?;
        let mut channels: Vec<Channel> = Vec::with_capacity(section.channels.len());
        for (index, channel) in section.channels.iter().enumerate() {
            let place = format!("channels[{index}]");
            if channel.name.is_empty() || channels.iter().any(|known| known.name == channel.name) {
                let problem = format!(
                    "`{}` is no name, or another channel has it; give each its own",
                    channel.name
                );
                return Err(invalid(format!("{place}.name"), problem));
            }
            let filter = match &channel.filter {
                None => None,
                Some(filter) => {
                    Some(EventFilter::compile(filter).map_err(|problem| invalid(format!("{place}.filter"), problem))?)
                }
            };
            channels.push(Channel {
                name: channel.name.clone(),
                pattern: Pattern::parse(&channel.event_pattern)
                    .map_err(|problem| invalid(format!("{place}.eventPattern"), problem))?,
                filter,
            });
        }
        Ok(Some(Self {
            id: HandlerId::new(PLUGIN, "clients"),
            pattern,
            timeout_ms: TIMEOUT_MS,
            channels,
            section: section.clone(),
        }))
    }

    /// What to hand on for an event (`kernel/Event` as JSON); `None` when it is in no channel, where there are any.
    ///
    /// # Errors
    /// `Internal` when the bytes are no event.
    pub(crate) fn request(&self, event_json: &[u8]) -> Result<Option<PushRequest>> {
        let event: Event = serde_json::from_slice(event_json)
            .map_err(|error| Error::internal(format!("an event cannot be read: {error}")))?;
        let channels = if self.channels.is_empty() {
            None
        } else {
            let names: Vec<String> = self
                .channels
                .iter()
                .filter(|channel| channel.pattern.matches(&event.name))
                .filter(|channel| channel.filter.as_ref().is_none_or(|filter| filter.accepts(&event)))
                .map(|channel| channel.name.clone())
                .collect();
            if names.is_empty() {
                return Ok(None);
            }
            Some(names)
        };
        Ok(Some(PushRequest {
            event,
            protocol: self.section.protocol,
            user_filter: self.section.user_filter,
            tenant_filter: self.section.tenant_filter,
            channels,
            rate_limit: self.section.rate_limit.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::protocol::kernel::RealtimeProtocol;
    use serde_json::{Value, json};

    use super::*;

    fn compiled(section: Value) -> Result<Option<Clients>, String> {
        let section: RealTimeNotificationConfig = serde_json::from_value(section).expect("a section");
        Clients::compile(Some(&section)).map_err(|error| error.to_string())
    }

    fn event(name: &str, object: &str) -> Vec<u8> {
        json!({
            "id": "e1", "name": name, "payload": {"object": object},
            "metadata": {"source": "objectos.data", "timestamp": "2025-01-31T08:00:00Z", "userId": "u1"},
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        for (section, part) in [
            (json!({"eventPattern": "data*"}), "realtime.eventPattern: `data*`"),
            (
                json!({"channels": [{"name": "a", "eventPattern": "x"}]}),
                "realtime.channels[0].eventPattern",
            ),
            (
                json!({"channels": [{"name": "a", "eventPattern": "*", "filter": 3}]}),
                "realtime.channels[0].filter: 3 is no filter",
            ),
            (
                json!({"channels": [{"name": "a", "eventPattern": "*"}, {"name": "a", "eventPattern": "*"}]}),
                "realtime.channels[1].name",
            ),
        ] {
            let error = compiled(section.clone()).expect_err("refused");
            assert!(error.contains(part), "{section}: {error}");
        }
        assert!(compiled(json!({"enabled": false})).expect("read").is_none());
    }

    #[test]
    fn channels_choose_among_the_events() {
        let plain = compiled(json!({"protocol": "sse", "userFilter": false}))
            .expect("read")
            .expect("on");
        let request = plain
            .request(&event("job.done", "a"))
            .expect("an event")
            .expect("handed on");
        assert_eq!(
            (request.protocol, request.user_filter, request.tenant_filter),
            (RealtimeProtocol::Sse, false, true)
        );
        assert_eq!(request.channels, None);

        let chosen = compiled(json!({"channels": [
            {"name": "accounts", "eventPattern": "data.*", "filter": {"payload.object": "account"}},
            {"name": "all", "eventPattern": "data.record.*"},
        ]}))
        .expect("read")
        .expect("on");
        for (name, object, expected) in [
            ("data.record.created", "account", Some(vec!["accounts", "all"])),
            ("data.record.created", "contact", Some(vec!["all"])),
            ("data.export", "contact", None),
        ] {
            let request = chosen.request(&event(name, object)).expect("an event");
            let channels = request.and_then(|request| request.channels);
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(channels, expected, "{name} of {object}");
        }
    }
}
