//! The plugin API through real ABI objects: a plugin that uses all of it, driven by the test host.

mod probe;
mod surface;
