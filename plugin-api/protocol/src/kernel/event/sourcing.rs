//! Event sourcing, and foreign brokers: parts of the bus configuration. Of the brokers the document is kept, so that it
//! round-trips.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::check::{present, published, unsigned, whole_from, yes};
use crate::map_only::map_only;

/// Where the log of a sourced aggregate lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventSourcingStorageKind {
    #[default]
    Database,
    File,
    S3,
    Eventstore,
}

/// Storage of sourced events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "EventSourcingStorage",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct EventSourcingStorage {
    #[serde(rename = "type")]
    pub kind: EventSourcingStorageKind,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// State rebuilt from events, from `kernel/EventSourcingConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "EventSourcingConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct EventSourcingConfig {
    pub enabled: bool,
    /// Events between two snapshots.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub snapshot_interval: u64,
    /// Snapshots kept.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub snapshot_retention: u64,
    /// Days.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub retention: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregate_types: Vec<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub storage: Option<EventSourcingStorage>,
}

impl Default for EventSourcingConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            snapshot_interval: 100,
            snapshot_retention: 10,
            retention: 365,
            aggregate_types: Vec::new(),
            storage: None,
        }
    }
}

/// Known foreign brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageQueueProvider {
    Kafka,
    Rabbitmq,
    AwsSqs,
    RedisPubsub,
    GooglePubsub,
    AzureServiceBus,
}

/// Encoding of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageFormat {
    #[default]
    Json,
    Avro,
    Protobuf,
}

/// Compression of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageCompression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
}

/// Events passed on to a foreign broker, from `kernel/EventMessageQueueConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventMessageQueueConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventMessageQueueConfig {
    pub provider: MessageQueueProvider,
    pub topic: String,
    #[serde(default = "default_event_pattern")]
    pub event_pattern: String,
    /// Key of the event that picks the partition.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    #[serde(default)]
    pub format: MessageFormat,
    #[serde(default = "yes")]
    pub include_metadata: bool,
    #[serde(default)]
    pub compression: MessageCompression,
    /// Messages sent together.
    #[serde(default = "unsigned::<1>", deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub batch_size: u64,
    #[serde(default = "unsigned::<1000>", deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub flush_interval_ms: u64,
}

fn default_event_pattern() -> String {
    "*".to_owned()
}

map_only! {
    EventSourcingStorage, EventSourcingConfig, EventMessageQueueConfig,
}
