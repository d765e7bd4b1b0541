//! The example apps read with the protocol types, older spellings included.

mod examples;
