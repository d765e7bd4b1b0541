//! Frames, contexts and errors: what crosses the ABI comes out as it went in, and what is broken is an error.

mod context;
mod error;
mod frame;
