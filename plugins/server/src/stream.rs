//! The socket under a connection, as hyper wants it. Gives back the bytes that were read to tell HTTP/1 from HTTP/2, leaves
//! marks in the pulse, and closes in a way that loses no answer: a socket that is closed with unread bytes resets the
//! connection, and the reset can overtake what was just sent. So it says goodbye first and hears the peer out for a moment.

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Sleep, sleep},
};

use crate::{connection::Connection, gateway::Gateway};

/// How a client of HTTP/2 begins, without asking first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SNIFF_BYTES: usize = 2048;
/// How long a peer is heard out, and how much of it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Reads until it is certain which HTTP the peer speaks: true for HTTP/2. Answers the bytes read so far as well; they are
/// none when the peer left without a word. Dropping it loses what was read.
pub(crate) async fn sniff<S: AsyncRead + Unpin>(socket: &mut S) -> io::Result<(bool, Bytes)> {
    let mut read = Vec::with_capacity(SNIFF_BYTES);
    loop {
        let count = socket.read_buf(&mut read).await?;
        if read.len() >= PREFACE.len() && read.starts_with(PREFACE) {
            return Ok((true, read.into()));
        }
        if count == 0 || !PREFACE.starts_with(&read) {
            return Ok((false, read.into()));
        }
    }
}

/// A socket with its first bytes put back.
pub(crate) struct Stream<S, G: Gateway> {
    socket: TokioIo<S>,
    first: Bytes,
    connection: Arc<Connection<G>>,
    ended: bool,
    farewell: Option<Farewell>,
}

/// The time between goodbye and closing.
struct Farewell {
    said: bool,
    until: Pin<Box<Sleep>>,
    heard: usize,
}

impl<S, G: Gateway> Stream<S, G> {
    pub(crate) fn new(socket: S, first: Bytes, connection: Arc<Connection<G>>) -> Self {
        Self {
            socket: TokioIo::new(socket),
            first,
            connection,
            ended: false,
            farewell: None,
        }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(_)) => self.connection.pulse.wrote(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.pulse.blocked(),
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, G: Gateway> Read for Stream<S, G> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.first.has_remaining() {
            let piece = this.first.split_to(this.first.len().min(into.remaining()));
            into.put_slice(&piece);
        } else {
            ready!(Pin::new(&mut this.socket).poll_read(task, into))?;
        }
        this.connection.pulse.received();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, G: Gateway> Write for Stream<S, G> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(task, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(task, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let farewell = this.farewell.get_or_insert_with(|| Farewell {
            said: false,
            until: Box::pin(sleep(LINGER)),
            heard: 0,
        });
        if !farewell.said {
            ready!(Pin::new(&mut this.socket).poll_shutdown(task))?;
            farewell.said = true;
        }
        let mut scrap = [0_u8; 4096];
        while !this.ended && farewell.heard < LINGER_BYTES_MAX && farewell.until.as_mut().poll(task).is_pending() {
            let mut buffer = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut this.socket).poll_read(task, buffer.unfilled())) {
                Ok(()) if !buffer.filled().is_empty() => farewell.heard += buffer.filled().len(),
                _ => this.ended = true,
            }
        }
        Poll::Ready(Ok(()))
    }
}
