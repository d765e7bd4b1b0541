//! What the host is, to compare a plugin with.

use semver::Version;

/// The machine and the plugin API of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Target triple, as in `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// Version of `objectos-plugin-api` the host is built with.
    pub api: Version,
}

impl HostFacts {
    /// The running host, offering plugin API `api`.
    #[must_use]
    pub fn current(api: Version) -> Self {
        let environment = if cfg!(target_env = "gnu") {
            "-gnu"
        } else if cfg!(target_env = "musl") {
            "-musl"
        } else {
            ""
        };
        let target = format!(
            "{}-unknown-{}{environment}",
            std::env::consts::ARCH,
            std::env::consts::OS
        );
        Self { target, api }
    }
}
