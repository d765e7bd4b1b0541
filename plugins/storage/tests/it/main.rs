//! The storage plugin against a real S3 server on loopback, and on the disk.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod callers;
mod failures;
mod s3_server;
mod streams;
mod world;
