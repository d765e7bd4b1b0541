//! Users, sessions, organisations, roles and provisioning. Source: the `identity` folder of the protocol.

mod organization;
mod scim;
mod scim_messages;
mod scim_resource;
mod user;

pub use organization::*;
pub use scim::*;
pub use scim_messages::*;
pub use scim_resource::*;
pub use user::*;
