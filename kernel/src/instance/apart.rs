//! A call of a plugin that runs on the plugin's own threads: what is asked is copied, the answer comes back, and whoever waits
//! for it holds a future of the host's. Its deadline is kept by [`Call`], as for every other call.
//!
//! Called by [`Instance`] for a plugin that is called apart, and by [`Call`] when a plugin becomes one meanwhile.

use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind,
    abi::{RawBegun, RawContext, RawFuture, RawPluginObject, RawResult},
    private::{
        abi_stable::std_types::{RResult, RSlice, RStr},
        async_ffi::FfiFuture,
    },
};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};
use tokio::sync::oneshot;

use super::{
    Instance,
    call::Call,
    presence::{self, About, Errand},
};

/// What is asked, copied.
pub(super) struct Asked {
    pub(super) errand: Errand,
    /// The method, or the subject of a hook.
    name: String,
    context: Context,
    payload: Vec<u8>,
}

impl Asked {
    pub(super) fn new(errand: Errand, name: &str, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> Self {
        Self {
            errand,
            name: name.to_owned(),
            context: Context::from_raw(context),
            payload: payload.as_slice().to_vec(),
        }
    }

    /// Asks it.
    fn begin(&self, object: &RawPluginObject) -> RawBegun {
        let (name, context) = (RStr::from_str(&self.name), self.context.raw());
        let payload = RSlice::from_slice(&self.payload);
        match self.errand {
            Errand::Call(index) => object.call(index, name, &context, payload),
            Errand::Hook(index) => RawBegun::Later(object.hook(index, name, &context, payload)),
            Errand::Event(index) => RawBegun::Later(object.event(index, &context, payload)),
            // None of these is ever asked this way.
            Errand::SyncCall(index) => RawBegun::Answer(object.call_sync(index, name, &context, payload)),
            Errand::Body | Errand::Socket | Errand::Task => RawBegun::Answer(ended()),
        }
    }
}

/// Begins a call on the plugin's own threads.
pub(super) fn begin(instance: &Arc<Instance>, asked: Asked, deadline_ns: u64) -> Call {
    let errand = asked.errand;
    let future = if instance.threads().crowded() {
        FfiFuture::new(std::future::ready(crowded(instance)))
    } else {
        run(instance, Stage::Asked(asked), errand)
    };
    Call::apart(future, Arc::clone(instance), deadline_ns, errand)
}

/// The rest of a call that was begun elsewhere.
pub(super) fn go_on(instance: &Arc<Instance>, future: RawFuture, errand: Errand) -> RawFuture {
    run(instance, Stage::Begun(RawBegun::Later(future)), errand)
}

fn run(instance: &Arc<Instance>, stage: Stage, errand: Errand) -> RawFuture {
    let begun = matches!(stage, Stage::Begun(_));
    let own = Arc::clone(instance);
    let remote = instance.threads().run(begun, move |answer| {
        Box::pin(Working {
            stage,
            answer: Some(answer),
            errand,
            instance: own,
        })
    });
    FfiFuture::new(async move { remote.await.unwrap_or_else(ended) })
}

/// The answer of what came to its end without one.
fn ended() -> RawResult {
    RResult::RErr(PluginError::unavailable("the plugin is at its end").into_raw())
}

/// The answer where too many wait.
#[cold]
fn crowded(instance: &Instance) -> RawResult {
    let error = PluginError::new(ErrorKind::Limited, "too many calls wait for a plugin that is busy");
    let error = error.with_internal(format_args!(
        "all threads of plugin {} are busy or blocked",
        instance.plugin
    ));
    RResult::RErr(error.into_raw())
}

enum Stage {
    Asked(Asked),
    Begun(RawBegun),
    Over,
}

/// The call on the plugin's thread. The plugin's future goes before the instance does.
struct Working {
    stage: Stage,
    answer: Option<oneshot::Sender<RawResult>>,
    errand: Errand,
    instance: Arc<Instance>,
}

impl Working {
    fn step(&mut self, task: &mut TaskContext<'_>) -> Poll<RawResult> {
        if let Stage::Asked(asked) = &self.stage {
            self.stage = Stage::Begun(asked.begin(self.instance.object()));
        }
        match &mut self.stage {
            Stage::Begun(begun) => Pin::new(begun).poll(task),
            Stage::Asked(_) | Stage::Over => Poll::Pending,
        }
    }
}

impl Drop for Working {
    /// What the author wrote may block as it is dropped, too.
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Begun(_)) {
            let (serial, about) = (self.instance.serial, About::home(self.errand));
            presence::watched(serial, about, || self.stage = Stage::Over);
        }
    }
}

impl Future for Working {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        let (serial, about) = (this.instance.serial, About::home(this.errand));
        let answer = presence::watched(serial, about, || {
            let polled = catch_unwind(AssertUnwindSafe(|| this.step(task)));
            if !matches!(polled, Ok(Poll::Pending)) {
                // The plugin's future may block in its drop, too.
                this.stage = Stage::Over;
            }
            polled
        });
        let answer = match answer {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(mut answer)) => {
                this.instance.take_body(this.errand, &mut answer);
                answer
            }
            Err(_) => {
                let text = "while it ran on its own thread; it unwound past its own guard";
                RResult::RErr(this.instance.panicked(text).into_raw())
            }
        };
        if let Some(sender) = this.answer.take() {
            // Whoever asked may be gone.
            drop(sender.send(answer));
        }
        Poll::Ready(())
    }
}
