//! What a plugin can do: open services, run hooks, publish events, listen, read what it was granted. A thin, cloneable
//! view of the kernel's object for this plugin; every right is checked on the kernel's side.

mod line;
mod reader;

use abi_stable::std_types::{RResult, RSlice, RStr, RVec};
use async_ffi::FfiFuture;
use std::{
    fmt,
    future::Future,
    ops::Deref,
    os::fd::{FromRawFd, OwnedFd},
    sync::Arc,
};

use crate::{
    abi::{RawEvent, RawHookStep, RawHostObject, RawLogRecord, RawResult},
    context::{Context, FLAG_AT_ONCE},
    error::{Error, Result},
    event::{NewEvent, Priority},
};

pub use self::{
    line::{SocketLine, SocketPush},
    reader::BodyReader,
};

/// The kernel, as one plugin sees it. Clones share one object.
#[derive(Clone)]
pub struct Host(Arc<RawHostObject>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

/// Bytes made by the host: the answer of a service. Reading costs nothing; `into_vec` copies.
pub struct Payload(RVec<u8>);

impl Payload {
    /// Copies the bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.as_slice().to_vec()
    }
}

impl Deref for Payload {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

impl Host {
    #[doc(hidden)]
    #[must_use]
    pub fn new(raw: RawHostObject) -> Self {
        Self(Arc::new(raw))
    }

    /// The same for clones of one host, another for every other; never 0.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Opens a service by name and semver range (`^1`). The reference survives swaps and restarts of the provider; it may be
    /// opened before the provider is there.
    ///
    /// # Errors
    /// `Denied` when the manifest does not name the service or the operator does not grant it; `Invalid` for a bad range.
    pub fn service(&self, name: &str, range: &str) -> Result<ServiceRef> {
        match self.0.service_open(RStr::from_str(name), RStr::from_str(range)) {
            RResult::ROk(handle) => Ok(ServiceRef {
                host: self.clone(),
                handle,
            }),
            RResult::RErr(error) => Err(Error::from_raw(&error)),
        }
    }

    /// Opens a hook point that this plugin runs, as its manifest declares in `hooks.runs`.
    ///
    /// # Errors
    /// `Denied` when the manifest does not declare it.
    pub fn hook(&self, name: &str) -> Result<HookRef> {
        match self.0.hook_open(RStr::from_str(name)) {
            RResult::ROk(handle) => Ok(HookRef {
                host: self.clone(),
                handle,
            }),
            RResult::RErr(error) => Err(Error::from_raw(&error)),
        }
    }

    /// Publishes a transient event: in memory, best effort.
    ///
    /// # Errors
    /// `Denied` when the manifest does not declare the name; `Limited` when the bus is full.
    pub fn publish(&self, context: &Context, event: &NewEvent<'_>) -> Result<()> {
        match self.0.publish(&context.raw(), &raw_event(event)) {
            RResult::ROk(()) => Ok(()),
            RResult::RErr(error) => Err(Error::from_raw(&error)),
        }
    }

    /// Publishes a durable event and answers its id once it is stored.
    ///
    /// Dropping the future does not take the event back.
    ///
    /// # Errors
    /// As [`Host::publish`]; `Unavailable` when no store is there and the buffer is full.
    pub fn publish_durable(
        &self,
        context: &Context,
        event: &NewEvent<'_>,
    ) -> impl Future<Output = Result<String>> + Send + 'static {
        let future = self.0.publish_durable(&context.raw(), &raw_event(event));
        async move { payload(future.await).map(|id| String::from_utf8_lossy(&id).into_owned()) }
    }

    /// Tells the dispatcher that the event store holds new events.
    pub fn events_stored(&self) {
        self.0.events_stored();
    }

    /// Reads the body that an answer of a route left to be read, by the number that [`crate::HttpResponse::stream_of`] finds in
    /// its frame. Each is to be read or dropped: until then it counts as a call that its plugin works on.
    #[must_use]
    pub fn body(&self, stream: u64) -> BodyReader {
        BodyReader::new(self.clone(), stream)
    }

    /// Takes the socket that an answer of a route goes on as, by the number that [`crate::HttpResponse::socket_of`] finds in its
    /// frame. Each is to be taken and dropped, as a body.
    #[must_use]
    pub fn socket(&self, socket: u64) -> SocketLine {
        SocketLine::new(self.clone(), socket)
    }

    /// A listening socket for `address` (`127.0.0.1:3000`). The kernel keeps the socket, so that it stays open while one
    /// version of a plugin follows another; this is a duplicate. What is spoken there may stand before the address, as in
    /// `https://127.0.0.1:3000`, for whoever is told where to knock.
    ///
    /// # Errors
    /// `Denied` without the grant; `Conflict` when the address is in use; `Invalid` when it is no address.
    #[allow(unsafe_code)]
    pub fn listen(&self, address: &str) -> Result<OwnedFd> {
        match self.0.listen(RStr::from_str(address)) {
            // SAFETY: the kernel duplicated the descriptor for this call and forgets its number.
            RResult::ROk(descriptor) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
            RResult::RErr(error) => Err(Error::from_raw(&error)),
        }
    }

    /// What all plugins contribute of one kind, as JSON: `routes`, `commands`, `objects`, `services`,
    /// `documents` (`[{plugin, file, text}]`, of every plugin that is to run).
    #[must_use]
    pub fn contributions(&self, kind: &str) -> Payload {
        Payload(self.0.contributions(RStr::from_str(kind)))
    }

    /// Changes whenever an answer of [`Host::contributions`] may have changed.
    #[must_use]
    pub fn contributions_epoch(&self) -> u64 {
        self.0.contributions_epoch()
    }

    /// `kernel/KernelContext` as JSON.
    #[must_use]
    pub fn kernel_context(&self) -> Payload {
        Payload(self.0.kernel_context())
    }

    /// An environment variable.
    ///
    /// # Errors
    /// `Denied` without the grant; `NotFound` when it is not set.
    pub fn environment(&self, name: &str) -> Result<String> {
        match self.0.environment(RStr::from_str(name)) {
            RResult::ROk(value) => Ok(value.as_str().to_owned()),
            RResult::RErr(error) => Err(Error::from_raw(&error)),
        }
    }

    /// Milliseconds since 1970 by the kernel's clock.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    /// Runs a future on the host's executor until it ends or the plugin stops. It has no tokio reactor: a plugin that needs
    /// timers or sockets asks for a runtime of its own and spawns there.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(FfiFuture::new(async move {
            let guarded = std::panic::AssertUnwindSafe(future);
            Quiet(Box::pin(guarded.0)).await;
        }));
    }

    pub(crate) fn checkpoint(&self) {
        self.0.checkpoint();
    }

    pub(crate) fn log_enabled(&self, level: u8, target: &str) -> bool {
        self.0.log_enabled(level, RStr::from_str(target))
    }

    pub(crate) fn log(&self, level: u8, target: &str, message: &str, fields: &str) {
        self.0.log(&RawLogRecord {
            level,
            target: RStr::from_str(target),
            message: RStr::from_str(message),
            fields: RStr::from_str(fields),
        });
    }
}

/// Ends quietly when the inner future panics: a spawned task has nobody to tell.
struct Quiet(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Quiet {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, task: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        let inner = self.0.as_mut();
        match crate::runtime::guard(move || Ok(inner.poll(task))) {
            Ok(poll) => poll,
            Err(error) => {
                tracing::error!(error = error.internal_message(), "a spawned task panicked");
                std::task::Poll::Ready(())
            }
        }
    }
}

fn raw_event<'a>(event: &'a NewEvent<'a>) -> RawEvent<'a> {
    RawEvent {
        name: RStr::from_str(event.name),
        key: RStr::from_str(event.key),
        payload: RSlice::from_slice(event.payload),
        priority: match event.priority {
            Priority::Critical => 0,
            Priority::High => 1,
            Priority::Normal => 2,
            Priority::Low => 3,
            Priority::Background => 4,
        },
        causation_id: RStr::from_str(event.causation_id),
    }
}

fn payload(result: RawResult) -> Result<Payload> {
    match result {
        RResult::ROk(bytes) => Ok(Payload(bytes)),
        RResult::RErr(error) => Err(Error::from_raw(&error)),
    }
}

/// A reference to a service. Cheap to clone; valid for as long as the plugin lives, whoever provides the service.
#[derive(Clone)]
pub struct ServiceRef {
    host: Host,
    handle: u64,
}

impl fmt::Debug for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceRef").field("handle", &self.handle).finish()
    }
}

impl ServiceRef {
    /// True while a provider is there.
    #[must_use]
    pub fn available(&self) -> bool {
        self.host.0.service_available(self.handle)
    }

    /// Calls a method. The payload is copied before this returns; dropping the future cancels the call.
    ///
    /// # Errors
    /// What the provider answers; `Unavailable` without a provider, `Timeout` past the context's deadline.
    pub fn call(
        &self,
        context: &Context,
        method: &str,
        payload_in: &[u8],
    ) -> impl Future<Output = Result<Payload>> + Send + 'static {
        let future = self.host.0.call(
            self.handle,
            RStr::from_str(method),
            &context.raw(),
            RSlice::from_slice(payload_in),
        );
        async move { payload(future.await) }
    }

    /// Calls a method that the provider declares as synchronous.
    ///
    /// # Errors
    /// As [`ServiceRef::call`].
    pub fn call_sync(&self, context: &Context, method: &str, payload_in: &[u8]) -> Result<Payload> {
        payload(self.host.0.call_sync(
            self.handle,
            RStr::from_str(method),
            &context.raw(),
            RSlice::from_slice(payload_in),
        ))
    }

    /// The same for a thread that must not wait, such as one that others' requests run on: while the provider is being
    /// replaced, this fails at once instead of blocking the thread until it is back.
    ///
    /// # Errors
    /// As [`ServiceRef::call`]; `Unavailable` also while the provider is being replaced.
    pub fn call_sync_at_once(&self, context: &Context, method: &str, payload_in: &[u8]) -> Result<Payload> {
        let mut raw = context.raw();
        raw.flags |= FLAG_AT_ONCE;
        payload(self.host.0.call_sync(
            self.handle,
            RStr::from_str(method),
            &raw,
            RSlice::from_slice(payload_in),
        ))
    }
}

/// What one handler of a hook made of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookStep {
    /// Id of the plugin whose handler it is, as the kernel knows it.
    pub plugin: String,
    /// The payload after it.
    pub payload: Vec<u8>,
}

/// A reference to a hook point.
#[derive(Clone)]
pub struct HookRef {
    host: Host,
    handle: u64,
}

impl fmt::Debug for HookRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRef").field("handle", &self.handle).finish()
    }
}

impl HookRef {
    /// True when at least one handler would see this subject (for data hooks: the object's name).
    #[must_use]
    pub fn armed(&self, subject: &str) -> bool {
        self.host.0.hook_armed(self.handle, RStr::from_str(subject))
    }

    /// Runs the handlers in order. `None`: nobody changed the payload.
    ///
    /// # Errors
    /// The first refusal (`Vetoed`), or the failure of a handler.
    pub fn run(
        &self,
        context: &Context,
        subject: &str,
        payload_in: &[u8],
    ) -> impl Future<Output = Result<Option<Payload>>> + Send + 'static {
        let future = self.host.0.hook_run(
            self.handle,
            RStr::from_str(subject),
            &context.raw(),
            RSlice::from_slice(payload_in),
        );
        async move { payload(future.await).map(|changed| (!changed.is_empty()).then_some(changed)) }
    }

    /// The same, answering what each handler that changed the payload made of it, in their order: for whoever lets a handler do
    /// what its plugin may do. Empty: nobody changed it.
    ///
    /// # Errors
    /// As [`HookRef::run`]; `NotImplemented` in a host that does not say whose handler changed what.
    pub fn steps(
        &self,
        context: &Context,
        subject: &str,
        payload_in: &[u8],
    ) -> impl Future<Output = Result<Vec<HookStep>>> + Send + 'static {
        let future = self.host.0.hook_steps(
            self.handle,
            RStr::from_str(subject),
            &context.raw(),
            RSlice::from_slice(payload_in),
        );
        let step = |raw: &RawHookStep| HookStep {
            plugin: raw.plugin.to_string(),
            payload: raw.payload.to_vec(),
        };
        async move {
            match future.await {
                RResult::ROk(steps) => Ok(steps.iter().map(step).collect()),
                RResult::RErr(error) => Err(Error::from_raw(&error)),
            }
        }
    }
}
