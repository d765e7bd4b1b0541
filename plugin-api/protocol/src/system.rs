//! Audit trail, logging, encryption and masking. Source: the `system` folder of the protocol.

mod audit_config;
mod audit_event;
mod logging;
mod protection;

pub use audit_config::*;
pub use audit_event::*;
pub use logging::*;
pub use protection::*;
