//! Paths into an event, as filters and templates write them: `name`, `metadata.tenantId`, `payload.after.stage`. A path
//! that begins with none of the event's own keys means metadata when metadata has such a key, else the payload.

use objectos_plugin_api::protocol::kernel::{Event, EventMetadata};
use serde_json::Value;
use std::borrow::Cow;

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Id,
    Name,
    Metadata(MetadataKey),
    /// Keys and positions from the payload down; empty is the payload itself.
    Payload(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataKey {
    Source,
    Timestamp,
    UserId,
    TenantId,
    CorrelationId,
    CausationId,
    Priority,
}

impl MetadataKey {
    fn named(key: &str) -> Option<Self> {
        Some(match key {
            "source" => Self::Source,
            "timestamp" => Self::Timestamp,
            "userId" => Self::UserId,
            "tenantId" => Self::TenantId,
            "correlationId" => Self::CorrelationId,
            "causationId" => Self::CausationId,
            "priority" => Self::Priority,
            _ => return None,
        })
    }

    fn of(self, metadata: &EventMetadata) -> Option<Value> {
        let text = match self {
            Self::Source => Some(metadata.source.clone()),
            Self::Timestamp => Some(metadata.timestamp.clone()),
            Self::UserId => metadata.user_id.clone(),
            Self::TenantId => metadata.tenant_id.clone(),
            Self::CorrelationId => metadata.correlation_id.clone(),
            Self::CausationId => metadata.causation_id.clone(),
            Self::Priority => return serde_json::to_value(metadata.priority).ok(),
        };
        text.map(Value::String)
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// A sentence, for an empty segment or a metadata key that does not exist.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut segments = text.split('.');
        if text.is_empty() || segments.clone().any(str::is_empty) {
            return Err(format!(
                "`{text}` is no path into an event; write one as in `payload.object` or `metadata.tenantId`"
            ));
        }
        let first = segments.next().unwrap_or_default();
        let rest: Vec<String> = segments.map(str::to_owned).collect();
        match (first, rest.as_slice()) {
            ("id", []) => Ok(Self::Id),
            ("name", []) => Ok(Self::Name),
            ("payload", _) => Ok(Self::Payload(rest)),
            ("metadata", [key]) => MetadataKey::named(key).map(Self::Metadata).ok_or_else(|| {
                format!(
                    "`{text}` is no path into an event; metadata has source, timestamp, userId, tenantId, correlationId, causationId and priority"
                )
            }),
            (key, []) => Ok(MetadataKey::named(key).map_or_else(|| Self::Payload(vec![key.to_owned()]), Self::Metadata)),
            (_, _) => Ok(Self::Payload(text.split('.').map(str::to_owned).collect())),
        }
    }

    /// The value there; `None` when the event has nothing there.
    pub(crate) fn of<'a>(&self, event: &'a Event) -> Option<Cow<'a, Value>> {
        match self {
            Self::Id => event.id.clone().map(|id| Cow::Owned(Value::String(id))),
            Self::Name => Some(Cow::Owned(Value::String(event.name.clone()))),
            Self::Metadata(key) => key.of(&event.metadata).map(Cow::Owned),
            Self::Payload(segments) => segments
                .iter()
                .try_fold(&event.payload, |value, segment| match value {
                    Value::Object(map) => map.get(segment),
                    Value::Array(list) => segment.parse::<usize>().ok().and_then(|index| list.get(index)),
                    _ => None,
                })
                .map(Cow::Borrowed),
        }
    }
}
