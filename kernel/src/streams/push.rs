//! A message of a socket's client on its way to the plugin that owns the socket. It lies with the stream while it is heard, so
//! that the socket's end is its end as well.

use objectos_plugin_api::{Error as PluginError, ErrorKind, abi::RawResult, private::abi_stable::std_types::RResult};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context as TaskContext, Poll},
};

use super::{END_LIMIT, Stream};

/// One message. Dropping it cancels it.
pub(crate) struct Push {
    stream: Arc<Stream>,
    stage: Stage,
}

enum Stage {
    New(Vec<u8>),
    Heard,
    Over,
}

impl Push {
    pub(super) fn new(stream: Arc<Stream>, message: Vec<u8>) -> Self {
        Self {
            stream,
            stage: Stage::New(message),
        }
    }
}

impl Future for Push {
    type Output = RawResult;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<RawResult> {
        let this = self.get_mut();
        let polled = this.stream.poll_push(task, &mut this.stage);
        let polled = this.stream.settle(polled);
        if polled.is_ready() {
            this.stage = Stage::Over;
        }
        polled
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Heard) {
            return;
        }
        // Whoever polls the plugin meanwhile does not keep it from going: the socket's end takes it along.
        let heard = self
            .stream
            .live
            .try_lock_for(END_LIMIT)
            .and_then(|mut live| live.as_mut()?.push.take());
        drop(heard);
    }
}

impl Stream {
    fn poll_push(&self, task: &mut TaskContext<'_>, stage: &mut Stage) -> Poll<RawResult> {
        let mut place = self.live.lock();
        if self.ended.load(Ordering::SeqCst) {
            return Poll::Ready(self.broken_off());
        }
        let Some(live) = &mut *place else {
            return Poll::Ready(self.broken_off());
        };
        if let Stage::New(message) = stage {
            if live.push.is_some() {
                return Poll::Ready(crowded());
            }
            live.push = Some(live.source.push(message));
            *stage = Stage::Heard;
        }
        let Some(push) = live.push.as_mut() else {
            return Poll::Ready(self.broken_off());
        };
        let polled = Pin::new(push).poll(task);
        if polled.is_pending() {
            live.push_waker = Some(task.waker().clone());
        } else {
            live.push = None;
        }
        polled
    }
}

/// The answer to a message that did not wait for the one before.
fn crowded() -> RawResult {
    let error = PluginError::new(ErrorKind::Conflict, "the socket still hears another message");
    RResult::RErr(error.into_raw())
}
