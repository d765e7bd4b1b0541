//! The event bus over models of its ports: a store, handlers and an HTTP client in memory, and a clock that stands still.

mod dead_letters;
mod durable;
mod faults;
mod model;
mod model_aggregates;
mod nodes;
mod order;
mod random;
mod record;
mod replay;
mod sourcing;
mod sourcing_random;
mod transient;
mod webhooks;
mod world;
