//! How long, deep and costly an expression may be.
//!
//! The limits on the text are fixed, because a checked expression is kept and shared; those on one evaluation can be set.

use crate::error::EvaluationError;

/// Longest text of an expression, in bytes.
pub const SOURCE_BYTES_MAX: usize = 16 * 1024;
/// Deepest nesting of brackets, calls and branches in the text.
pub(crate) const NESTING_MAX: usize = 64;
/// Highest tree, counting a chain of operators as one level each.
pub(crate) const HEIGHT_MAX: u16 = 200;
/// Most nodes in one checked expression.
pub(crate) const NODES_MAX: usize = 4_000;
/// Largest compiled pattern, in bytes.
pub(crate) const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// What one evaluation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nodes visited and list items compared. Default 100,000.
    pub steps_max: u64,
    /// Bytes of text and lists made. Default 1 MiB.
    pub bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps_max: 100_000,
            bytes_max: 1024 * 1024,
        }
    }
}

/// What is left of the limits during an evaluation.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    steps_left: u64,
    bytes_left: u64,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Meter {
            limits,
            steps_left: limits.steps_max,
            bytes_left: limits.bytes_max,
        }
    }

    pub(crate) fn step(&mut self) -> Result<(), EvaluationError> {
        match self.steps_left.checked_sub(1) {
            Some(left) => self.steps_left = left,
            None => {
                return Err(EvaluationError::LimitExceeded {
                    unit: "steps",
                    allowed: self.limits.steps_max,
                });
            }
        }
        Ok(())
    }

    /// Runs work that counts in characters, of which so many make one step.
    pub(crate) fn scan<T>(&mut self, work: impl FnOnce(&mut u64) -> Option<T>) -> Result<T, EvaluationError> {
        const CHARACTERS: u64 = 64;
        let mut spare = self.steps_left.saturating_mul(CHARACTERS);
        let result = work(&mut spare);
        self.steps_left = spare / CHARACTERS;
        result.ok_or(EvaluationError::LimitExceeded {
            unit: "steps",
            allowed: self.limits.steps_max,
        })
    }

    /// Takes the bytes of a value about to be made: called before the memory is asked for.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), EvaluationError> {
        match u64::try_from(bytes)
            .ok()
            .and_then(|bytes| self.bytes_left.checked_sub(bytes))
        {
            Some(left) => self.bytes_left = left,
            None => {
                return Err(EvaluationError::LimitExceeded {
                    unit: "bytes",
                    allowed: self.limits.bytes_max,
                });
            }
        }
        Ok(())
    }
}
