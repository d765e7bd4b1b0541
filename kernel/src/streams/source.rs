//! The plugin's side of an open body or socket: asks for what comes next, hands over what a socket's client says, and lets go
//! of it in the end. Called by [`super`] alone.

use objectos_plugin_api::private::abi_stable::std_types::RSlice;
use std::sync::Arc;
use tokio::sync::oneshot;

use super::Kind;
use crate::{
    instance::{
        Instance,
        call::Call,
        presence::{self, About, Errand},
    },
    loader,
};

impl Kind {
    fn errand(self) -> Errand {
        match self {
            Self::Body => Errand::Body,
            Self::Socket => Errand::Socket,
        }
    }
}

/// A body or socket on the plugin's side.
pub(super) struct Source {
    pub(super) instance: Arc<Instance>,
    pub(super) stream: u64,
    pub(super) kind: Kind,
}

impl Source {
    /// Nothing of the author's runs before the call is polled.
    pub(super) fn next(&self, deadline_ns: u64) -> Call {
        loader::checkpoint();
        let errand = self.kind.errand();
        let future = presence::watched(self.instance.serial, About::guest(errand), || {
            self.instance.object().stream_next(self.stream)
        });
        Call::new(future, Arc::clone(&self.instance), deadline_ns, errand)
    }

    /// The same for a message to a socket, which the plugin copies; without a deadline.
    pub(super) fn push(&self, message: &[u8]) -> Call {
        loader::checkpoint();
        let errand = self.kind.errand();
        let future = presence::watched(self.instance.serial, About::guest(errand), || {
            self.instance
                .object()
                .stream_push(self.stream, RSlice::from_slice(message))
        });
        Call::new(future, Arc::clone(&self.instance), 0, errand)
    }
}

impl Drop for Source {
    /// What the author wrote runs, and may block: for a plugin that is called apart on its own threads.
    fn drop(&mut self) {
        loader::checkpoint();
        let apart = self.instance.threads().apart();
        let end = End {
            instance: Arc::clone(&self.instance),
            stream: self.stream,
            about: if apart {
                About::home(self.kind.errand())
            } else {
                About::guest(self.kind.errand())
            },
        };
        if apart {
            // Cancelled at once, which drops it there.
            let threads = Arc::clone(self.instance.threads());
            drop(threads.run(true, |_: oneshot::Sender<()>| Box::pin(end.wait())));
        }
    }
}

/// The end of a body or socket, which comes when this is dropped.
struct End {
    instance: Arc<Instance>,
    stream: u64,
    about: About,
}

impl End {
    async fn wait(self) {
        std::future::pending::<()>().await;
        drop(self);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        presence::watched(self.instance.serial, self.about, || {
            self.instance.object().stream_drop(self.stream);
        });
    }
}
