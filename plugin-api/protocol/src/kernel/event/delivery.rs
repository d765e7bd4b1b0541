//! Delivery: queue, retries and handlers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::BackoffStrategy;
use crate::kernel::check::{integer, optional_whole_from, positive, present, published, whole, whole_from, yes};
use crate::map_only::map_only;

/// Attempts after the first and the wait between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RetryPolicy", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct RetryPolicy {
    /// Attempts after the first; 0 means none.
    #[serde(deserialize_with = "whole")]
    pub max_retries: u64,
    pub backoff_strategy: BackoffStrategy,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub initial_delay_ms: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_delay_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            backoff_strategy: BackoffStrategy::Exponential,
            initial_delay_ms: 1000,
            max_delay_ms: 60_000,
        }
    }
}

/// The queue between publisher and handlers, from `kernel/EventQueueConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventQueueConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct EventQueueConfig {
    pub name: String,
    /// Events handled at the same time.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub concurrency: u64,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Name of the queue for events that could not be delivered.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub dead_letter_queue: Option<String>,
    /// Serve higher priorities first.
    pub priority_enabled: bool,
}

impl Default for EventQueueConfig {
    fn default() -> Self {
        Self {
            name: "events".to_owned(),
            concurrency: 10,
            retry_policy: None,
            dead_letter_queue: None,
            priority_enabled: true,
        }
    }
}

/// Retries of one handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HandlerRetry", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct HandlerRetry {
    #[serde(deserialize_with = "whole")]
    pub max_retries: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub backoff_ms: u64,
    /// Each wait is the one before times this.
    #[serde(deserialize_with = "positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub backoff_multiplier: f64,
}

impl Default for HandlerRetry {
    fn default() -> Self {
        Self {
            max_retries: 3,
            backoff_ms: 1000,
            backoff_multiplier: 2.0,
        }
    }
}

/// A handler as configuration, from `kernel/EventHandler`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventHandler", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventHandler {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name or pattern.
    pub event_name: String,
    /// Whose handlers it is about: `plugin/name`, `plugin/*` for all of a plugin, or `*`.
    pub handler: Value,
    /// Among handlers of events that are equally urgent, lower ones run first.
    #[serde(default, deserialize_with = "integer")]
    pub priority: i64,
    #[serde(rename = "async", default = "yes")]
    pub asynchronous: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub retry: Option<HandlerRetry>,
    /// Limit for one run.
    #[serde(
        default,
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_ms: Option<u64>,
    /// Condition under which the handler runs.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
}

map_only! {
    RetryPolicy, EventQueueConfig, HandlerRetry, EventHandler,
}
