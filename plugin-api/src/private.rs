//! For the code that the attributes write, and for the kernel. Not for authors; may change in any version.

pub use crate::{
    context::{monotonic_coarse_ns, monotonic_ns},
    service::{decode, decode_answer, encode, unknown_method},
};
pub use abi_stable::{
    self,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RResult, RStr},
};
pub use async_ffi;

/// JSON of `BuildFacts`: what built this plugin.
pub const BUILD_FACTS: &str = concat!(
    "{\"target\":\"",
    env!("OBJECTOS_BUILD_TARGET"),
    "\",\"rustc\":\"",
    env!("OBJECTOS_BUILD_RUSTC"),
    "\",\"api\":\"",
    env!("CARGO_PKG_VERSION"),
    "\",\"profile\":\"",
    env!("OBJECTOS_BUILD_PROFILE"),
    "\",\"panic\":\"",
    "unwind",
    "\"}"
);

/// Joins texts at compile time; `N` is the sum of their lengths.
#[must_use]
pub const fn concat<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut out = [b' '; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            out[at] = bytes[index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    out
}
