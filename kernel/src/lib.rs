//! Being built.

pub mod clock;
pub mod events;
pub mod discover;
pub mod grants;
pub mod package;
pub mod resolve;
pub mod settings;
pub mod trust;
