//! What can go wrong in the kernel once plugins have code: loading, the phases of a life, swaps, and what a host asks for.
//! Refusals that are decided before a file is opened are data of the resolution, not errors of this enum.

use objectos_plugin_api::{Error as PluginError, ErrorKind};
use std::{io, path::PathBuf};

/// A failure of the kernel. `Display` prints itself only; causes follow in [`std::error::Error::source`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder of the kernel cannot be used.
    #[error("the folder {} cannot be used; check that it exists and belongs to this user", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The folder for private copies of libraries cannot be used.
    #[error("plugins cannot be loaded by way of {}", path.display())]
    RuntimeFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: crate::discover::RuntimeFolderError,
    },
    /// The configuration of the event bus cannot be used.
    #[error("the configuration of the event bus: {reason}")]
    EventBus {
        /// Key and problem.
        reason: String,
    },
    /// The plugins could not be looked through.
    #[error("the plugins in {} cannot be looked through: {reason}", path.display())]
    Survey {
        /// The plugin folder.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// The dynamic linker refused the library.
    #[error("{} cannot be opened: {reason}", path.display())]
    Open {
        /// The library.
        path: PathBuf,
        /// What the linker says.
        reason: String,
    },
    /// The library exports no plugin.
    #[error("{} is a library but no plugin: {reason}; declare one with #[plugin]", path.display())]
    NotPlugin {
        /// The library.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// The library's types are laid out otherwise than this host's.
    #[error("{} was built for another ABI: {difference}; build it again with this host's objectos-plugin-api", path.display())]
    Layout {
        /// The library.
        path: PathBuf,
        /// The first difference as a sentence: the type, the field, what it is here and there.
        difference: String,
    },
    /// The library's API version does not go with this host's.
    #[error("{} was built with objectos-plugin-api {found}, this host speaks {expected}; {hint}", path.display())]
    ApiVersion {
        /// The library.
        path: PathBuf,
        /// The plugin's version.
        found: String,
        /// The host's version.
        expected: String,
        /// What to do.
        hint: String,
    },
    /// A panic of this library would end the process.
    #[error("{} was built with panic = \"abort\", so a panic in it would end the host; build it with panic = \"unwind\"", path.display())]
    Aborts {
        /// The library.
        path: PathBuf,
    },
    /// The process cannot take another library.
    #[error(
        "{mapped} libraries are mapped, the limit is {limit}; restart the host (the report of plugins says why old ones were kept)"
    )]
    TooManyGenerations {
        /// Mapped now.
        mapped: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A phase of a plugin's life failed.
    #[error("{plugin} failed in {phase}: {}", describe(source))]
    Phase {
        /// Id of the plugin.
        plugin: String,
        /// `create`, `init`, `start`, `health`, `suspend`, `stop` or `shutdown`.
        phase: &'static str,
        /// What the plugin says.
        #[source]
        source: PluginError,
    },
    /// A phase of a plugin's life took too long.
    #[error("{plugin} did not end its {phase} within {limit_ms} ms; raise limits in plugin.json or make it quicker")]
    PhaseTimeout {
        /// Id of the plugin.
        plugin: String,
        /// As above.
        phase: &'static str,
        /// The limit.
        limit_ms: u64,
    },
    /// A plugin registered what its manifest does not declare.
    #[error("{plugin} registers the {kind} {name}, which its plugin.json does not declare{hint}")]
    Undeclared {
        /// Id of the plugin.
        plugin: String,
        /// `service`, `hook`, `event`, `route` or `command`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Nearest declared name, with a semicolon before it; empty when there is none.
        hint: String,
    },
    /// No plugin of this id.
    #[error("there is no plugin {id}{hint}")]
    UnknownPlugin {
        /// What was asked for.
        id: String,
        /// Nearest id, with a semicolon before it; empty when there is none.
        hint: String,
    },
    /// A new file may not take the place of the loaded one.
    #[error("{plugin} stays as it is: {reason}")]
    SwapRefused {
        /// Id of the plugin.
        plugin: String,
        /// In words, with what to do.
        reason: String,
    },
    /// A new version did not come up; the old one goes on.
    #[error("{plugin} {version} did not come up, {outcome}")]
    SwapFailed {
        /// Id of the plugin.
        plugin: String,
        /// The version that failed.
        version: String,
        /// What became of the old one.
        outcome: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// What was to be replaced because it broke is gone already.
    #[error("{plugin} was replaced before it could be restarted")]
    Superseded {
        /// Id of the plugin.
        plugin: String,
    },
    /// The kernel is going down.
    #[error("the kernel is {state}")]
    NotRunning {
        /// Its state.
        state: &'static str,
    },
    /// No plugin contributes this command.
    #[error("there is no command {name}{hint}")]
    UnknownCommand {
        /// What was asked for.
        name: String,
        /// Nearest command, with a semicolon before it; empty when there is none.
        hint: String,
    },
    /// The watcher could not be set up.
    #[error("{} cannot be watched: {reason}", path.display())]
    Watch {
        /// The folder.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// Something that cannot be: the kernel's own fault.
    #[error("{0}")]
    Internal(String),
}

/// A plugin's failure for the operator: its own message, and what it says about the inside when there is more.
fn describe(error: &PluginError) -> String {
    match (error.message(), error.internal_message()) {
        (message, "") => message.to_owned(),
        (_, internal) if error.kind() == ErrorKind::Panicked || error.kind() == ErrorKind::Internal => {
            internal.to_owned()
        }
        (message, internal) => format!("{message} ({internal})"),
    }
}

impl Error {
    /// The error and its causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let line = error.to_string();
            if !text.contains(&line) {
                text.push_str(": ");
                text.push_str(&line);
            }
            cause = error.source();
        }
        text
    }

    /// The code that the plugin gave its failure, when it failed by itself.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Phase { source, .. } => Some(source.code()),
            _ => None,
        }
    }

    /// The same for a caller of the kernel's service.
    pub(crate) fn into_plugin_error(self) -> PluginError {
        let kind = match &self {
            Self::UnknownPlugin { .. } | Self::UnknownCommand { .. } => ErrorKind::NotFound,
            Self::SwapRefused { .. } | Self::SwapFailed { .. } => ErrorKind::Conflict,
            Self::NotRunning { .. } => ErrorKind::Unavailable,
            Self::PhaseTimeout { .. } => ErrorKind::Timeout,
            _ => ErrorKind::Internal,
        };
        PluginError::new(kind, self.chain())
    }
}

/// `; did you mean X`, or nothing.
pub(crate) fn nearest_hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    objectos_plugin_api::protocol::kernel::plugin_document::nearest(word, candidates)
        .map(|name| format!("; the nearest name is {name}"))
        .unwrap_or_default()
}
