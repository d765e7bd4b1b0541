//! End to end: what the README promises, shown with the real host, real libraries and real sockets.

mod crash;
mod crm;
mod host;
mod swap;
mod third_party;
mod todo;
mod zoo;
