//! The contracts by which plugins meet: typed services, the payloads of hooks and the names and payloads of events. A plugin
//! knows these and no other plugin. Who provides a service is the operator's choice.

pub mod auth;
pub mod data;
pub mod event_archive;
pub mod event_store;
pub mod event_streams;
pub mod events;
pub mod file_storage;
pub mod grants;
pub mod hooks;
pub mod http_client;
pub mod kernel;
pub mod mailer;
pub mod metadata;
pub mod named;
pub mod permissions;
pub mod realtime;
