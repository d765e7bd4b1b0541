//! From what a plugin publishes to `kernel/Event`: checked, with id, source, time, user and tenant filled in by the bus,
//! never by the publisher.

use objectos_plugin_api::{
    Context, Error, ErrorKind, NESTED_TRUSTED_MAX, NewEvent, Priority, Result, nests_beyond,
    protocol::kernel::{Event, EventMetadata, EventPriority, PluginLifecycleEventType},
    too_deep,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use uuid::{NoContext, Timestamp, Uuid};

use super::{pattern, settings::BusSettings, time_text::text_of_ms};

/// The source of the kernel's own events.
pub(crate) const KERNEL: &str = "kernel";

/// What one publication is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) source: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) now_ms: i64,
}

#[derive(Serialize)]
struct Wire<'a> {
    id: &'a str,
    name: &'a str,
    payload: &'a RawValue,
    metadata: EventMetadata,
}

/// Whether the name may be published and the payload is not too large. Says nothing about the payload's JSON.
///
/// # Errors
/// `Invalid` for both.
pub(crate) fn check(source: &str, event: &NewEvent<'_>, settings: &BusSettings) -> Result<()> {
    let kernels_own = source == KERNEL && PluginLifecycleEventType::named(event.name).is_some();
    if !kernels_own && !pattern::valid_name(event.name) {
        return Err(Error::invalid(format!(
            "`{}` is no name of an event; write lower-case words with dots, as in `data.record.created`",
            event.name
        )));
    }
    if event.payload.len() > settings.limits.payload_bytes_max {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the payload of {} has {} bytes, {} are allowed; publish a reference instead",
                event.name,
                event.payload.len(),
                settings.limits.payload_bytes_max
            ),
        )
        .with_code("payload_too_large"));
    }
    Ok(())
}

/// The order in which waiting events are served.
pub(crate) fn priority_of(priority: Priority) -> EventPriority {
    match priority {
        Priority::Critical => EventPriority::Critical,
        Priority::High => EventPriority::High,
        Priority::Normal => EventPriority::Normal,
        Priority::Low => EventPriority::Low,
        Priority::Background => EventPriority::Background,
    }
}

/// 0 is served first.
pub(crate) fn urgency(priority: EventPriority) -> u8 {
    match priority {
        EventPriority::Critical => 0,
        EventPriority::High => 1,
        EventPriority::Normal => 2,
        EventPriority::Low => 3,
        EventPriority::Background => 4,
    }
}

/// The payload in parts.
///
/// # Errors
/// `Invalid` when it is no JSON, or too deep.
pub(crate) fn payload(event: &NewEvent<'_>) -> Result<Value> {
    let payload = serde_json::from_slice(event.payload).map_err(|error| no_json(event, &error))?;
    if nests_beyond(&payload, NESTED_TRUSTED_MAX) {
        let message = too_deep(&format!("the payload of {}", event.name), NESTED_TRUSTED_MAX);
        return Err(Error::invalid(message).with_code("payload_too_deep"));
    }
    Ok(payload)
}

fn no_json(event: &NewEvent<'_>, error: &serde_json::Error) -> Error {
    Error::invalid(format!("the payload of {} is no JSON: {error}", event.name))
}

impl Draft<'_> {
    /// A new id: sorts by time.
    pub(crate) fn id(&self) -> String {
        let now_ms = u64::try_from(self.now_ms).unwrap_or_default();
        let nanoseconds = u32::try_from(now_ms % 1_000).unwrap_or_default() * 1_000_000;
        Uuid::new_v7(Timestamp::from_unix(NoContext, now_ms / 1_000, nanoseconds)).to_string()
    }

    /// The event as JSON, without reading the payload into values.
    ///
    /// # Errors
    /// `Invalid` when the payload is no JSON.
    pub(crate) fn json(&self, id: &str) -> Result<Vec<u8>> {
        let payload: &RawValue =
            serde_json::from_slice(self.event.payload).map_err(|error| no_json(self.event, &error))?;
        let wire = Wire {
            id,
            name: self.event.name,
            payload,
            metadata: self.metadata(),
        };
        serde_json::to_vec(&wire).map_err(Error::internal)
    }

    /// The event in parts.
    ///
    /// # Errors
    /// `Invalid` when the payload is no JSON.
    pub(crate) fn event(&self, id: String) -> Result<Event> {
        Ok(Event {
            id: Some(id),
            name: self.event.name.to_owned(),
            payload: payload(self.event)?,
            metadata: self.metadata(),
        })
    }

    fn metadata(&self) -> EventMetadata {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        EventMetadata {
            source: self.source.to_owned(),
            timestamp: text_of_ms(self.now_ms),
            user_id: filled(self.context.user()),
            tenant_id: filled(self.context.tenant()),
            correlation_id: filled(self.context.request_id()),
            causation_id: filled(self.event.causation_id),
            priority: priority_of(self.event.priority),
        }
    }
}
