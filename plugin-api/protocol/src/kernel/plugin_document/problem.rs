//! One thing that is wrong with a plugin document.

use std::fmt;

/// A problem with a plugin document: where, what, and what to do.
///
/// `Display` is one line: ``objectos.swap: `paralel` is not known; did you mean `parallel`?``
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DocumentProblem {
    /// Key path, as in `objectos.routes[2].path`; empty when the document as a whole is meant.
    pub path: String,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// What to do about it, in the same form; empty when the message says it.
    pub remedy: String,
}

impl DocumentProblem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for DocumentProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(formatter, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentProblem {}
