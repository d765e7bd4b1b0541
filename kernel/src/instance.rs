//! One loaded generation of a plugin: its object across the ABI, what it registered, and the calls that are under way.
//!
//! Not here: which generation is current ([`cell`]), when one is made or retired ([`crate::lifecycle`], [`crate::swap`]).
//!
//! Invariants
//! * Whoever calls holds an `Arc` of the instance until the call has ended, or a look at the cell's state, which holds one;
//!   and so does a body until it was read. So an instance that left its cell and whose `Arc` is alone has no call under way:
//!   that is how a drain knows.
//! * Bytes and errors leave in the host's memory; a waker that a plugin gets is the host's.
//! * A panic of the plugin is told to the supervisor once, whatever call it showed in.

mod apart;
pub(crate) mod call;
pub(crate) mod cell;
pub(crate) mod own_threads;
pub(crate) mod phase;
pub(crate) mod presence;
pub(crate) mod registered;
pub(crate) mod shield;

use objectos_plugin_api::{
    Error as PluginError, ErrorKind, HttpResponse,
    abi::{RawBegun, RawContext, RawPluginObject, RawResult},
    export::{COMMANDS, ROUTES},
    private::abi_stable::std_types::{RResult, RSlice, RStr, RVec},
};
use objectos_protocol::kernel::plugin_document::PluginLimits;
use semver::Version;
use std::{
    fmt,
    mem::ManuallyDrop,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, sync::mpsc};

use self::{
    apart::Asked,
    call::{Call, Started},
    own_threads::OwnThreads,
    presence::{About, Errand},
    registered::Registered,
};
use crate::{
    host_object::HostObject,
    loader::{self, Library, LibraryFile},
    services::Principals,
    streams::Kind,
};

/// How a plugin's own panic is told from one it only passes on: the kernel rewrites the text of what it passes on.
const OWN_PANIC: &str = "panicked: ";

/// A plugin panicked.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    /// Id of the plugin.
    pub(crate) plugin: Arc<str>,
    /// Serial of the instance.
    pub(crate) serial: u32,
    /// What it said.
    pub(crate) text: String,
}

/// Figures of one instance.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) calls: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) timeouts: AtomicU64,
}

/// What an instance is made of.
pub(crate) struct Parts {
    pub(crate) plugin: Arc<str>,
    pub(crate) version: Version,
    pub(crate) generation: u64,
    pub(crate) object: RawPluginObject,
    pub(crate) library: Library,
    pub(crate) host: Arc<HostObject>,
    pub(crate) limits: PluginLimits,
    pub(crate) executor: Handle,
    pub(crate) incidents: mpsc::UnboundedSender<Incident>,
}

/// One generation of a plugin.
pub(crate) struct Instance {
    // Dropping the object runs the plugin's code, which wants a plain thread and comes last of all: `into_parts` does it.
    object: ManuallyDrop<RawPluginObject>,
    library: Library,
    pub(crate) plugin: Arc<str>,
    pub(crate) version: Version,
    /// Unlike any other instance's in this process.
    pub(crate) serial: u32,
    /// 1 is the first load of this plugin.
    pub(crate) generation: u64,
    pub(crate) limits: PluginLimits,
    call_limit_ns: u64,
    registered: OnceLock<Registered>,
    pub(crate) host: Arc<HostObject>,
    threads: Arc<OwnThreads>,
    /// Where it is noted whom it is asked to act for; `None` for one that may act for anybody or hands nobody on.
    notes: Option<Arc<Principals>>,
    pub(crate) figures: Figures,
    executor: Handle,
    panicked: AtomicBool,
    /// It is about to be replaced or stopped.
    leaving: AtomicBool,
    incidents: mpsc::UnboundedSender<Incident>,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("plugin", &self.plugin)
            .field("version", &self.version)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Instance {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            plugin,
            version,
            generation,
            object,
            library,
            host,
            limits,
            executor,
            incidents,
        } = parts;
        let call_limit_ns = limits
            .call_ms
            .map_or(0, |limit| nanoseconds(Duration::from_millis(limit)));
        Self {
            object: ManuallyDrop::new(object),
            library,
            plugin,
            version,
            serial: host.threads().serial,
            generation,
            limits,
            call_limit_ns,
            registered: OnceLock::new(),
            threads: Arc::clone(host.threads()),
            notes: host.notes().cloned(),
            host,
            figures: Figures::default(),
            executor,
            panicked: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            incidents,
        }
    }

    /// Object and library: the object is to be dropped first, on a plain thread. An instance that is dropped otherwise leaves
    /// both where they are.
    pub(crate) fn into_parts(self) -> (RawPluginObject, Library) {
        (ManuallyDrop::into_inner(self.object), self.library)
    }

    /// The file that its library was made of.
    pub(crate) fn file(&self) -> LibraryFile {
        self.library.file()
    }

    pub(crate) fn object(&self) -> &RawPluginObject {
        &self.object
    }

    pub(crate) fn executor(&self) -> &Handle {
        &self.executor
    }

    /// Its own threads, and whether it is called there.
    pub(crate) fn threads(&self) -> &Arc<OwnThreads> {
        &self.threads
    }

    /// What `init` registered; nothing before that.
    pub(crate) fn registered(&self) -> &Registered {
        static NOTHING: OnceLock<Registered> = OnceLock::new();
        self.registered
            .get()
            .unwrap_or_else(|| NOTHING.get_or_init(Registered::default))
    }

    /// Sets what `init` registered. A second time is ignored: `init` is called once.
    pub(crate) fn set_registered(&self, registered: Registered) {
        let _ = self.registered.set(registered);
    }

    /// Limit for a call whose caller set none; 0 is none.
    pub(crate) fn call_limit_ns(&self) -> u64 {
        self.call_limit_ns
    }

    /// Notes for whom the plugin is asked. A flag test for the plugins that may say themselves who asks.
    fn note(&self, context: &RawContext<'_>) {
        if let Some(principals) = &self.notes {
            principals.note(context);
        }
    }

    /// Starts a call of a service, the routes or the commands.
    pub(crate) fn call(
        self: &Arc<Self>,
        index: u32,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> Started {
        self.figures.calls.fetch_add(1, Ordering::Relaxed);
        self.note(context);
        loader::checkpoint();
        let errand = Errand::Call(index);
        if self.threads.apart() {
            let asked = Asked::new(errand, method.as_str(), context, payload);
            return Started::Call(apart::begin(self, asked, context.deadline_ns));
        }
        let begun = presence::watched(self.serial, About::guest(errand), || {
            self.object.call(index, method, context, payload)
        });
        match begun {
            RawBegun::Answer(answer) => Started::Answer(self.own_answer(errand, answer)),
            RawBegun::Later(future) => {
                Started::Call(Call::looked_at(future, Arc::clone(self), context.deadline_ns, errand))
            }
        }
    }

    /// The same for a synchronous method.
    pub(crate) fn call_sync(
        &self,
        index: u32,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawResult {
        self.figures.calls.fetch_add(1, Ordering::Relaxed);
        self.note(context);
        let answer = presence::watched(self.serial, About::guest(Errand::SyncCall(index)), || {
            self.object.call_sync(index, method, context, payload)
        });
        self.own(answer)
    }

    /// Starts a hook handler.
    pub(crate) fn hook(
        self: &Arc<Self>,
        index: u32,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> Call {
        self.note(context);
        let errand = Errand::Hook(index);
        if self.threads.apart() {
            let asked = Asked::new(errand, subject.as_str(), context, payload);
            return apart::begin(self, asked, context.deadline_ns);
        }
        let future = presence::watched(self.serial, About::guest(errand), || {
            self.object.hook(index, subject, context, payload)
        });
        Call::new(future, Arc::clone(self), context.deadline_ns, errand)
    }

    /// Starts an event handler; `event` is `kernel/Event` as JSON.
    pub(crate) fn event(self: &Arc<Self>, index: u32, context: &RawContext<'_>, event: RSlice<'_, u8>) -> Call {
        self.note(context);
        let errand = Errand::Event(index);
        if self.threads.apart() {
            return apart::begin(self, Asked::new(errand, "", context, event), context.deadline_ns);
        }
        let future = presence::watched(self.serial, About::guest(errand), || {
            self.object.event(index, context, event)
        });
        Call::new(future, Arc::clone(self), context.deadline_ns, errand)
    }

    /// Copies an answer into the host's memory; notes a panic.
    pub(crate) fn own(&self, answer: RawResult) -> RawResult {
        match answer {
            RResult::ROk(bytes) => RResult::ROk(RVec::from(bytes.as_slice())),
            RResult::RErr(error) => RResult::RErr(self.own_error(&PluginError::from_raw(&error)).into_raw()),
        }
    }

    /// The same for the answer of a call, with the body that it may leave to be read.
    pub(crate) fn own_answer(self: &Arc<Self>, errand: Errand, mut answer: RawResult) -> RawResult {
        self.take_body(errand, &mut answer);
        self.own(answer)
    }

    /// Takes over the body or the socket that an answer of a route leaves open, so that it is in somebody's hands from the
    /// moment at which the plugin lets go of it.
    pub(crate) fn take_body(self: &Arc<Self>, errand: Errand, answer: &mut RawResult) {
        if errand == Errand::Call(ROUTES)
            && let RResult::ROk(frame) = answer
            && let Some(left) = Kind::of_frame(frame)
        {
            let number = self.host.open_stream(self, left);
            HttpResponse::set_stream(frame, number);
        }
    }

    #[cold]
    fn own_error(&self, error: &PluginError) -> PluginError {
        self.figures.errors.fetch_add(1, Ordering::Relaxed);
        match error.internal_message().strip_prefix(OWN_PANIC) {
            Some(text) if error.kind() == ErrorKind::Panicked => self.panicked(text),
            _ => error.clone(),
        }
    }

    /// Notes that the plugin panicked and answers what its caller reads.
    #[cold]
    pub(crate) fn panicked(&self, text: &str) -> PluginError {
        self.figures.panics.fetch_add(1, Ordering::Relaxed);
        if !self.panicked.swap(true, Ordering::Relaxed) {
            let incident = Incident {
                plugin: Arc::clone(&self.plugin),
                serial: self.serial,
                text: text.to_owned(),
            };
            // Nobody listens once the kernel is down.
            let _ = self.incidents.send(incident);
        }
        PluginError::new(ErrorKind::Panicked, "something went wrong on the server")
            .with_internal(format_args!("plugin {} panicked: {text}", self.plugin))
    }

    /// No socket is opened in it from now on.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// It was not replaced after all.
    pub(crate) fn stay(&self) {
        self.leaving.store(false, Ordering::SeqCst);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Whether it panicked at least once.
    pub(crate) fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Relaxed)
    }

    /// The plugin took too long.
    #[cold]
    pub(crate) fn timed_out(&self) -> PluginError {
        self.figures.timeouts.fetch_add(1, Ordering::Relaxed);
        PluginError::new(ErrorKind::Timeout, "the operation took too long")
            .with_internal(format_args!("plugin {} did not answer in time", self.plugin))
    }

    /// What it runs for, as part of a sentence: `a call of its service notes`.
    pub(crate) fn errand_text(&self, errand: Errand) -> String {
        let all = &self.registered().raw;
        let nth = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
        let service = |index| all.services.get(nth(index)).map_or("", |service| service.name.as_str());
        match errand {
            Errand::Call(ROUTES) => "one of its routes".to_owned(),
            Errand::Call(COMMANDS) => "one of its commands".to_owned(),
            Errand::Call(index) => format!("a call of its service {}", service(index)),
            Errand::SyncCall(index) => format!("a synchronous call of its service {}", service(index)),
            Errand::Hook(index) => {
                let hook = all.hooks.get(nth(index)).map_or("", |hook| hook.name.as_str());
                format!("its handler of the hook {hook}")
            }
            Errand::Event(index) => {
                let handler = all.events.get(nth(index)).map_or("", |event| event.name.as_str());
                format!("its event handler {handler}")
            }
            Errand::Body => "the body of an answer".to_owned(),
            Errand::Socket => "a socket".to_owned(),
            Errand::Task => "a background task".to_owned(),
        }
    }

    /// Wakes idle threads of the plugin so that they pass a checkpoint.
    pub(crate) fn poke(&self) {
        self.object.poke();
        self.threads.poke();
    }
}

/// Nanoseconds of a span, at most what fits.
pub(crate) fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
