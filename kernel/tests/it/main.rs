//! Integration tests of the kernel, a module for each part.
mod events;
