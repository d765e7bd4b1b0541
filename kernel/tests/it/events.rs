//! The event bus over models of its ports: a store, an archive, handlers and an HTTP client in memory, and a clock that stands still.

mod archive;
mod dead_letters;
mod durable;
mod faults;
mod model;
mod model_aggregates;
mod model_archive;
mod model_streams;
mod nodes;
mod order;
mod random;
mod record;
mod replay;
mod sourcing;
mod sourcing_elsewhere;
mod sourcing_random;
mod transient;
mod webhooks;
mod world;
