//! The binary interface between a host and a plugin: everything that crosses the line, and nothing else.
//!
//! Only this module and the kernel's loader name ABI types. Authors never see them: they write against
//! [`crate::Plugin`], [`crate::Host`] and the typed services, which are built on these.
//!
//! Invariants
//! * The surface is append-only. A method is added at the end of a trait, with a default body; `last_prefix_field` stays
//!   where it was in 1.0. A struct passed by value or by reference never grows: [`RawContext::extra`] is its tail.
//! * Payloads are bytes. A slice going in is borrowed for the duration of the call and copied by the callee before it
//!   returns; a vector coming out of a plugin is copied by the host and dropped in the plugin that made it.
//! * What a plugin receives from the host (vectors, futures, objects) was made by the host, which outlives every plugin.
//! * Nothing unwinds across: every entry of a plugin is guarded by [`crate::export`], every entry of the host by the kernel.
#![allow(
    unsafe_code,
    non_local_definitions,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations
)]
#![allow(clippy::all, clippy::mem_forget, unused_qualifications, unreachable_pub)]

use abi_stable::{
    StableAbi,
    library::RootModule,
    package_version_strings, sabi_trait,
    sabi_types::VersionStrings,
    std_types::{RArc, RBox, RResult, RSlice, RStr, RString, RVec},
};
use async_ffi::FfiFuture;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A failure as it crosses the line; [`crate::Error`] is the author's view of it. In a box, so that an answer which is none is
/// no larger for it: answers are moved several times on their way. Owner: whoever got it; it is freed by the library that made it.
#[repr(transparent)]
#[derive(StableAbi, Clone, Debug)]
pub struct RawError {
    pub parts: RBox<RawErrorParts>,
}

/// What a failure says.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RawErrorParts {
    /// One of [`crate::ErrorKind`] as a number; an unknown number reads as `Internal`.
    pub kind: u32,
    /// The protocol's error code, `lower_snake`.
    pub code: RString,
    /// What the caller may read.
    pub message: RString,
    /// What the operator may read; empty when there is nothing to add.
    pub internal: RString,
    /// JSON; empty when there is none.
    pub details: RVec<u8>,
}

/// The request context, borrowed for one call. Owner: the caller. Lifetime: the call. Any thread.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct RawContext<'a> {
    /// Nanoseconds of the machine's monotonic clock after which the answer is of no use; 0 is never.
    pub deadline_ns: u64,
    /// Bit 0: the caller acts as the system. The kernel clears it unless the caller holds that grant. Bits 1 to 62 are the
    /// kernel's. Bit 63: a synchronous call that fails at once while its provider is being replaced.
    pub flags: u64,
    pub trace_id: RStr<'a>,
    pub request_id: RStr<'a>,
    /// Id of the calling plugin; written by the kernel, whatever the caller put there.
    pub caller: RStr<'a>,
    pub tenant: RStr<'a>,
    pub user: RStr<'a>,
    /// JSON of [`crate::Principal`]; empty when nobody is signed in.
    pub principal: RSlice<'a, u8>,
    /// JSON object for what later versions add; empty is `{}`.
    pub extra: RSlice<'a, u8>,
}

/// One log event of a plugin. Owner: the plugin. Lifetime: the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct RawLogRecord<'a> {
    /// 1 error, 2 warn, 3 info, 4 debug, 5 trace.
    pub level: u8,
    pub target: RStr<'a>,
    pub message: RStr<'a>,
    /// JSON object of the other fields.
    pub fields: RStr<'a>,
}

/// An event to publish. Owner: the publisher. Lifetime: the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    pub name: RStr<'a>,
    /// Ordering key of a durable event, empty for none: events of one key reach a handler in order.
    pub key: RStr<'a>,
    /// JSON.
    pub payload: RSlice<'a, u8>,
    /// 0 critical, 1 high, 2 normal, 3 low, 4 background.
    pub priority: u8,
    /// Id of the event that caused this one; empty for none.
    pub causation_id: RStr<'a>,
}

/// What one handler of a hook made of the payload. Owner: the host.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RawHookStep {
    /// Id of the handler's plugin; written by the kernel.
    pub plugin: RString,
    pub payload: RVec<u8>,
}

pub type RawResult = RResult<RVec<u8>, RawError>;
pub type RawFuture = FfiFuture<RawResult>;
pub type RawHookFuture = FfiFuture<RResult<RVec<RawHookStep>, RawError>>;

/// What a call is at first sight. Many calls are answered at once, and those need no future that crosses the line: it would
/// cost more than all the rest of the way. Owner: the caller. Either is dropped by whoever made it.
#[repr(u8)]
#[derive(StableAbi)]
pub enum RawBegun {
    /// The answer.
    Answer(RawResult),
    /// It was looked at once, with a waker that wakes nobody, and has to be looked at again.
    Later(RawFuture),
}

impl RawBegun {
    /// The same after the answer was taken out: nobody looks at what was answered again.
    fn taken() -> Self {
        Self::Answer(RResult::ROk(RVec::new()))
    }
}

impl Future for RawBegun {
    type Output = RawResult;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<RawResult> {
        match &mut *self {
            Self::Later(future) => Pin::new(future).poll(task),
            Self::Answer(_) => match std::mem::replace(&mut *self, Self::taken()) {
                Self::Answer(answer) => Poll::Ready(answer),
                Self::Later(_) => Poll::Pending,
            },
        }
    }
}

/// What the other side of an older version says to streams.
fn no_streams() -> RawFuture {
    let error = crate::Error::new(
        crate::ErrorKind::NotImplemented,
        "bodies that stream are not known on the other side: build it with a newer plugin API",
    );
    FfiFuture::new(std::future::ready(RResult::RErr(error.into_raw())))
}

/// What the other side of an older version says to messages of sockets.
fn no_sockets() -> RawFuture {
    let error = crate::Error::new(
        crate::ErrorKind::NotImplemented,
        "sockets are not known on the other side: build it with a newer plugin API",
    );
    FfiFuture::new(std::future::ready(RResult::RErr(error.into_raw())))
}

/// What a host of an older version says of who changed a payload: nobody may take it for unchanged.
fn no_steps() -> RawHookFuture {
    let error = crate::Error::new(
        crate::ErrorKind::NotImplemented,
        "this host does not say which plugin's handler changed what: run a newer host",
    );
    FfiFuture::new(std::future::ready(RResult::RErr(error.into_raw())))
}

/// What the kernel offers to one plugin. Made by the host, one for each plugin instance, callable from any thread;
/// it may be kept until the instance is dropped.
#[sabi_trait]
pub trait RawHost: Send + Sync {
    /// Asked once for each callsite; the answer is cached until `RawPlugin::rebuild_log_interest`.
    fn log_enabled(&self, level: u8, target: RStr<'_>) -> bool;
    fn log(&self, record: &RawLogRecord<'_>);

    /// A reference to a service, for as long as the plugin lives; survives swaps of the provider. 0 is never a handle.
    fn service_open(&self, name: RStr<'_>, range: RStr<'_>) -> RResult<u64, RawError>;
    /// True while a provider is there. One atomic load.
    fn service_available(&self, service: u64) -> bool;
    /// The payload is copied before this returns. Dropping the future cancels the call.
    fn call(&self, service: u64, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawBegun;
    fn call_sync(&self, service: u64, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>)
    -> RawResult;

    /// A reference to a hook point that this plugin runs.
    fn hook_open(&self, name: RStr<'_>) -> RResult<u64, RawError>;
    /// True when at least one handler would see this subject: lets a caller skip building the payload.
    fn hook_armed(&self, hook: u64, subject: RStr<'_>) -> bool;
    /// Runs the handlers in order. An empty answer means that the payload is unchanged.
    fn hook_run(&self, hook: u64, subject: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawFuture;

    /// Best effort, in memory; returns at once.
    fn publish(&self, context: &RawContext<'_>, event: &RawEvent<'_>) -> RResult<(), RawError>;
    /// Stored before the future completes; answers the event's id as text.
    fn publish_durable(&self, context: &RawContext<'_>, event: &RawEvent<'_>) -> RawFuture;
    /// Tells the dispatcher that the event store holds new events. Cheap; may be called for each one.
    fn events_stored(&self);

    /// A duplicate of the listening socket that the kernel keeps for this address, as a file descriptor; the plugin owns it.
    /// `127.0.0.1:3000`, or with what is spoken there `https://127.0.0.1:3000`.
    fn listen(&self, address: RStr<'_>) -> RResult<i32, RawError>;
    /// What plugins contribute of one kind (`routes`, `commands`, `objects`, `services`), as JSON.
    fn contributions(&self, kind: RStr<'_>) -> RVec<u8>;
    /// Changes whenever an answer of `contributions` may have changed. One atomic load.
    fn contributions_epoch(&self) -> u64;
    /// `kernel/KernelContext` as JSON.
    fn kernel_context(&self) -> RVec<u8>;
    /// An environment variable, if the plugin was granted it.
    fn environment(&self, name: RStr<'_>) -> RResult<RString, RawError>;
    /// Milliseconds since 1970 by the kernel's clock, which tests may set.
    fn now_ms(&self) -> i64;
    /// Runs a future on the host's executor; it is dropped when the plugin stops.
    fn spawn(&self, future: FfiFuture<()>);
    /// Called by each thread of a plugin's runtime before it parks: runs what an unload left for that thread.
    #[sabi(last_prefix_field)]
    fn checkpoint(&self);
    /// The next piece of the body that an answer of a route left under this number; empty at the end. One at a time: the next
    /// is asked for when this one has been answered. `deadline_ns` as in [`RawContext`]; past it the stream is over.
    fn stream_next(&self, stream: u64, deadline_ns: u64) -> RawFuture {
        let _ = (stream, deadline_ns);
        crate::abi::no_streams()
    }
    /// Ends a body, at its end or before. Every number is to be given back, once.
    fn stream_drop(&self, stream: u64) {
        let _ = stream;
    }
    /// As `hook_run`, but answers what each handler that changed the payload made of it, in their order, with the id of its
    /// plugin: for whoever gives handlers rights that depend on whose they are. Empty when nobody changed it.
    fn hook_steps(
        &self,
        hook: u64,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawHookFuture {
        let _ = (hook, subject, context, payload);
        crate::abi::no_steps()
    }
    /// A message ([`crate::SocketMessage`]) of the client of a socket that an answer of a route left under this number; messages
    /// to the client come by `stream_next`, whose empty answer says that there are no more, and both end with `stream_drop`. The
    /// message is copied before this returns. One at a time, each until the future answers (nothing, when all is well); dropping
    /// the future cancels that message. It has no deadline but its caller's.
    fn stream_push(&self, stream: u64, message: RSlice<'_, u8>) -> RawFuture {
        let _ = (stream, message);
        crate::abi::no_sockets()
    }
}
pub type RawHostObject = RawHost_TO<'static, RArc<()>>;

/// One instance of a plugin. Made by `PluginModule::create`; every method may be called from any thread.
#[sabi_trait]
pub trait RawPlugin: Send + Sync {
    /// First call. `setup` is JSON: `{config, dataDirectory, host, resume?}`. Answers what was registered, as JSON.
    fn init(&self, setup: RSlice<'_, u8>) -> RawFuture;
    fn start(&self) -> RawFuture;
    fn stop(&self) -> RawFuture;
    /// State for the successor.
    fn suspend(&self) -> RawFuture;
    /// JSON of [`crate::Health`].
    fn health(&self) -> RawFuture;
    /// `service` is the position in the list that `init` answered.
    fn call(&self, service: u32, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawBegun;
    fn call_sync(&self, service: u32, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>)
    -> RawResult;
    fn hook(&self, hook: u32, subject: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawFuture;
    /// `event` is `kernel/Event` as JSON; an array of them, in their order, where the handler takes several together and several
    /// of one key wait.
    fn event(&self, handler: u32, context: &RawContext<'_>, event: RSlice<'_, u8>) -> RawFuture;
    /// Wakes idle runtime threads so that they pass a checkpoint.
    fn poke(&self);
    /// The host's log filter changed.
    fn rebuild_log_interest(&self);
    /// Last call, on a plain thread: joins every thread of the plugin and stops logging to the host. The drop follows.
    #[sabi(last_prefix_field)]
    fn shutdown_blocking(&self);
    /// The next piece of a body that one of its routes answered with; empty at the end. Dropping the future ends the stream.
    fn stream_next(&self, stream: u64) -> RawFuture {
        let _ = stream;
        crate::abi::no_streams()
    }
    /// Drops a body or a socket, at its end or before, once for each number that was answered.
    fn stream_drop(&self, stream: u64) {
        let _ = stream;
    }
    /// A message of the client of a socket that one of its routes answered with, as [`crate::SocketMessage`] spells it; copied
    /// before this returns. Nothing of the author's runs before the future is polled. Dropping that ends the message, and not
    /// the socket.
    fn stream_push(&self, stream: u64, message: RSlice<'_, u8>) -> RawFuture {
        let _ = (stream, message);
        crate::abi::no_sockets()
    }
}
pub type RawPluginObject = RawPlugin_TO<'static, RBox<()>>;

/// What a plugin's library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
#[sabi(missing_field(panic))]
pub struct PluginModule {
    /// `cfg!(panic = "unwind")` of the plugin: without it a panic would take the host down, so the host refuses.
    pub unwinds: bool,
    /// Version of `objectos-plugin-api` that the plugin was built with.
    pub api_version: RStr<'static>,
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(host: RawHostObject) -> RResult<RawPluginObject, RawError>,
}

impl RootModule for PluginModuleRef {
    abi_stable::declare_root_module_statics! {PluginModuleRef}
    const BASE_NAME: &'static str = "objectos_plugin";
    const NAME: &'static str = "objectos_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// Version of this crate: the API version in the handshake. Its minor number grows with every function that is appended: 1.1 has
/// bodies that stream, sockets, and `hook_steps`. A plugin that cannot do without one asks for it in its manifest (`"api":
/// "^1.1"`), and a host that has it not refuses the plugin before it opens it.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");
