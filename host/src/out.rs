//! What is told to the person or program that started the host, on its two streams. Not the log, see [`crate::logging`].
//!
//! Whoever asked may stop listening, as `head` does: what nobody reads is not written, and nothing fails for it.

use std::io::{ErrorKind, Write};

/// A result, or that the host is ready, on standard output. Written at once: who waits for a line is to see it.
pub fn say(text: &str) {
    let mut stream = std::io::stdout().lock();
    note(writeln!(stream, "{text}").and_then(|()| stream.flush()));
}

/// What went wrong, and the report of a start, on standard error.
pub fn complain(text: &str) {
    // There is no other place to say that this one cannot be written.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A reader that went away is no failure; a disk that is full is one, which the log can tell.
fn note(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        tracing::warn!(%error, "standard output cannot be written");
    }
}
