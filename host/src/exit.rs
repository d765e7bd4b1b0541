//! Exit codes of `objectos-host`, documented in the README. One code per situation that a script may want to tell apart. A
//! second signal ends the process with 130, see [`crate::serve`].

use std::process::ExitCode;

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Success,
    /// A command did its work and the answer is no: a plugin failed verification, an app has problems. Or it could not do it.
    Failed,
    /// The command line is wrong. The number is the one that command-line parsers use.
    Usage,
    /// The configuration is wrong: a file, an environment variable or a flag's value.
    Configuration,
    /// A folder or file is not there or cannot be used, or no host runs that could be asked.
    Missing,
    /// The address is in use or cannot be bound.
    Address,
    /// Nobody listens, or the kernel itself could not start.
    Startup,
    /// Something that should not happen did.
    Internal,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Missing => 4,
            Self::Address => 5,
            Self::Startup => 6,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
