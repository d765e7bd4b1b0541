//! The example apps read with the protocol types, older spellings included.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod examples;
