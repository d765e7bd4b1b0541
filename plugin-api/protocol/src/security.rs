//! Permission sets, row level security, sharing and policies. Source: the `security` folder of the protocol.

mod permission;
mod policy;
mod recipient;
mod row_level;
mod sharing;
mod territory;

pub use permission::*;
pub use policy::*;
pub use recipient::*;
pub use row_level::*;
pub use sharing::*;
pub use territory::*;
