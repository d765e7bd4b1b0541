//! Requests, answers, errors, discovery and configuration of the HTTP surface. Source: the `api` folder of the protocol.

mod batch;
mod discovery;
mod error;
mod error_code;
mod error_table;
mod metadata;
mod permissions;
mod realtime;
mod records;
mod response;
mod rest_plugin;
mod routing;
mod server;
mod session;
mod version;

pub use batch::*;
pub use discovery::*;
pub use error::*;
pub use error_code::*;
pub use metadata::*;
pub use permissions::*;
pub use realtime::*;
pub use records::*;
pub use response::*;
pub use rest_plugin::*;
pub use routing::*;
pub use server::*;
pub use session::*;
pub use version::*;
