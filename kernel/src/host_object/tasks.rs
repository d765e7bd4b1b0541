//! Futures that a plugin gave to the host to run in the background: on the host's executor, or, for a plugin that is called
//! apart, on the plugin's own threads. They end with the plugin: cancelled, and dropped before its library goes.
//!
//! Each has a task on the host's executor. It polls the future; or, once the plugin is called apart, has handed it over and
//! waits for its end.

use objectos_plugin_api::private::async_ffi::FfiFuture;
use parking_lot::Mutex;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::{
    instance::{
        own_threads::{OwnThreads, Remote},
        presence::{self, About, Errand},
    },
    loader,
};

/// Held by what runs: when nobody has one any more, everything has been dropped.
type Token = mpsc::Sender<Infallible>;

/// Tasks of one instance.
#[derive(Debug)]
pub(crate) struct Tasks {
    open: Mutex<Option<Open>>,
    threads: Arc<OwnThreads>,
}

#[derive(Debug)]
struct Open {
    running: JoinSet<()>,
    token: Token,
    ended: mpsc::Receiver<Infallible>,
}

impl Tasks {
    /// Ready to take tasks.
    pub(crate) fn open(threads: Arc<OwnThreads>) -> Self {
        let (token, ended) = mpsc::channel(1);
        let open = Open {
            running: JoinSet::new(),
            token,
            ended,
        };
        Self {
            open: Mutex::new(Some(open)),
            threads,
        }
    }

    /// The threads of the plugin.
    pub(crate) fn threads(&self) -> &Arc<OwnThreads> {
        &self.threads
    }

    /// Runs a future until it ends or the plugin stops; drops it at once when the plugin has stopped.
    pub(crate) fn spawn(&self, executor: &Handle, future: FfiFuture<()>) {
        let mut open = self.open.lock();
        let Some(open) = open.as_mut() else { return };
        while open.running.try_join_next().is_some() {}
        let background = Background {
            place: Place::Here(Work {
                future,
                ended: None,
                about: About::guest(Errand::Task),
                serial: self.threads.serial,
                _token: open.token.clone(),
            }),
            threads: Arc::clone(&self.threads),
        };
        open.running.spawn_on(background, executor);
    }

    /// Cancels all and waits until each is dropped. Later ones are dropped at once.
    pub(crate) async fn close(&self) {
        let open = self.open.lock().take();
        let Some(open) = open else { return };
        let Open {
            mut running,
            token,
            mut ended,
        } = open;
        running.shutdown().await;
        drop(token);
        // Nothing is ever sent: this is `None` when the last token is gone.
        let _ = ended.recv().await;
    }
}

/// A future of the plugin's, polled wherever it is. The future goes before the token does.
struct Work {
    future: FfiFuture<()>,
    /// Told at the end, where somebody waits for it.
    ended: Option<oneshot::Sender<()>>,
    about: About,
    serial: u32,
    _token: Token,
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        let polled = presence::watched(this.serial, this.about, || Pin::new(&mut this.future).poll(task));
        if polled.is_ready()
            && let Some(ended) = this.ended.take()
        {
            // Nobody waits any more when it was cancelled.
            let _ = ended.send(());
        }
        polled
    }
}

enum Place {
    Here(Work),
    Apart(Remote<()>),
    /// On the way from the one to the other.
    Between,
}

/// The task on the host's executor.
struct Background {
    place: Place,
    threads: Arc<OwnThreads>,
}

impl Background {
    fn go_apart(&mut self) {
        if let Place::Here(mut work) = std::mem::replace(&mut self.place, Place::Between) {
            let remote = self.threads.run(true, |ended| {
                work.ended = Some(ended);
                work.about = About::home(Errand::Task);
                Box::pin(work)
            });
            self.place = Place::Apart(remote);
        }
    }
}

impl Drop for Background {
    /// What the author wrote may block as it is dropped, too.
    fn drop(&mut self) {
        if matches!(self.place, Place::Here(_)) && self.threads.apart() {
            self.go_apart();
        }
        let place = std::mem::replace(&mut self.place, Place::Between);
        presence::watched(self.threads.serial, About::guest(Errand::Task), || drop(place));
    }
}

impl Future for Background {
    type Output = ();

    /// Runs what an unload left for the polling thread, as every poll of a plugin's future does.
    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        loader::checkpoint();
        let this = &mut *self;
        if matches!(this.place, Place::Here(_)) && this.threads.apart() {
            this.go_apart();
        }
        match &mut this.place {
            Place::Here(work) => Pin::new(work).poll(task),
            Place::Apart(remote) => Pin::new(remote).poll(task).map(|_| ()),
            Place::Between => Poll::Ready(()),
        }
    }
}
