//! What can go wrong while a test sets a plugin up.

use objectos_plugin_api::Error;
use std::fmt;

/// A plugin did not come up in the test host.
#[derive(Debug)]
#[non_exhaustive]
pub enum TestError {
    /// `plugin.json` is wrong; the problems, one a line.
    Manifest(String),
    /// The plugin registered what its manifest does not declare.
    Undeclared(String),
    /// `init` or `start` answered an error.
    Plugin(Error),
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(problems) => write!(f, "plugin.json is wrong:\n{problems}"),
            Self::Undeclared(what) => write!(f, "the plugin registered {what}, which plugin.json does not declare"),
            Self::Plugin(error) => write!(f, "the plugin failed: {error} ({})", error.internal_message()),
        }
    }
}

impl std::error::Error for TestError {}

impl From<Error> for TestError {
    fn from(error: Error) -> Self {
        Self::Plugin(error)
    }
}
