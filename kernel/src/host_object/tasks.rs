//! Futures that a plugin gave to the host's executor. They end with the plugin: cancelled, and dropped before its library
//! goes.

use objectos_plugin_api::private::async_ffi::FfiFuture;
use parking_lot::Mutex;
use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};
use tokio::{runtime::Handle, task::JoinSet};

use crate::loader;

/// Tasks of one instance.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

/// Runs what an unload left for the polling thread, as every poll of a plugin's future does.
struct Checked(FfiFuture<()>);

impl Future for Checked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        loader::checkpoint();
        Pin::new(&mut self.0).poll(task)
    }
}

impl Tasks {
    /// Ready to take tasks.
    pub(crate) fn open() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }

    /// Runs a future until it ends or the plugin stops; drops it at once when the plugin has stopped.
    pub(crate) fn spawn(&self, executor: &Handle, future: FfiFuture<()>) {
        let mut tasks = self.0.lock();
        let Some(tasks) = tasks.as_mut() else { return };
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(Checked(future), executor);
    }

    /// Cancels all and waits until each is dropped. Later ones are dropped at once.
    pub(crate) async fn close(&self) {
        let tasks = self.0.lock().take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }
}
