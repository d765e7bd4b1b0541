//! Being built.

pub mod clock;
