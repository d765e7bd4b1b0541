//! Facts about how a library was built, written into the document by the compiler.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::kernel::check::published;
use crate::map_only::map_only;

/// How a library was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BuildFacts", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct BuildFacts {
    /// Target triple, as in `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// What the compiler says about itself, as in `rustc 1.95.0`.
    pub rustc: String,
    /// Version of `objectos-plugin-api` that was linked.
    #[schemars(with = "String")]
    pub api: Version,
    /// What a panic does; the kernel loads only `unwind`.
    pub panic: PanicStrategy,
    /// Cargo profile, as in `release`.
    pub profile: String,
}

/// What a panic does in a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PanicStrategy {
    Unwind,
    Abort,
}

map_only! {
    BuildFacts,
}
