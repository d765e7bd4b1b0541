//! An in-memory host for the tests of a plugin: real ABI objects, no kernel, no library file, no network.
//!
//! ```ignore
//! let plugin = TestHost::new(include_str!("../plugin.json"))
//!     .config(json!({"greeting": "hello"}))
//!     .service(FakeDataServer)
//!     .start::<Hello>()
//!     .await?;
//! let answer = plugin.route("GET /api/v1/hello/{name}", &request).await?;
//! ```
//!
//! Like the kernel it refuses what the manifest does not declare. Unlike the kernel it has no resolver, no retries, no
//! time limits and no isolation: those are tested with the real host.

#![warn(missing_docs)]

mod error;
mod host;
mod plugin;
mod socket;

pub use error::TestError;
pub use host::{PublishedEvent, TestHost};
pub use plugin::TestPlugin;
pub use socket::TestSocket;
