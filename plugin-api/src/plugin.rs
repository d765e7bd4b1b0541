//! The one trait a plugin author writes, and the registry it fills.

use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, future::Future, path::PathBuf, pin::Pin, sync::Arc};

use crate::{
    body::{HttpAnswer, OpenStreams},
    context::Context,
    error::{Error, Result},
    event::Event,
    host::Host,
    http::{HttpRequest, HttpResponse},
    service::ServiceHandler,
};
use objectos_protocol::kernel::{HealthCheckResult, PluginHealthStatus};

/// A plugin. Write this, put `#[plugin]` on the `impl`, and lay a `plugin.json` beside `Cargo.toml`.
///
/// Order of calls: `init` → `resume` (after a swap) → `register` → `start` → … → `suspend` (before a swap) → `stop`. After a
/// failure of any of the first four, what was built is dropped and nothing else is called. Each has a time limit
/// (`limits` in `plugin.json`).
///
/// Handlers of services, hooks, events, routes and commands, and what [`Host::spawn`] runs, run on threads of the plugin's
/// own and may block them. With `"threads": "shared"` in `plugin.json` they run on the thread of whoever calls, which is
/// quicker, and must never block. Synchronous methods of services run there always.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Threads of the plugin's own tokio runtime; 0 is none. A plugin needs one for timers, sockets, files and `tokio::spawn`.
    const RUNTIME_WORKERS: usize = 0;

    /// Builds the plugin: reads its configuration, opens what it owns. No calls to services yet: they may not be there.
    ///
    /// # Errors
    /// Any; the message becomes the reason in the start report.
    fn init(setup: Setup) -> impl Future<Output = Result<Self>> + Send;

    /// Names what the plugin offers. Everything must be declared in `plugin.json`.
    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        let _ = registry;
    }

    /// Begins to work; services of the plugins it depends on are there.
    ///
    /// # Errors
    /// Any; undoes the start.
    fn start(self: Arc<Self>) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Ends work; calls in flight have ended or run out of time.
    ///
    /// # Errors
    /// Logged; the stop goes on.
    fn stop(self: Arc<Self>) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// State for the version that follows, in a form that version can read.
    ///
    /// # Errors
    /// Any; ends the swap, the plugin stays.
    fn suspend(self: Arc<Self>) -> impl Future<Output = Result<Vec<u8>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Takes over the state of the version before. Called only when that left any.
    ///
    /// # Errors
    /// Any; ends the swap, the version before stays.
    fn resume(self: Arc<Self>, state: Vec<u8>) -> impl Future<Output = Result<()>> + Send {
        async move {
            drop(state);
            Ok(())
        }
    }

    /// How the plugin does.
    fn health(self: Arc<Self>) -> impl Future<Output = Health> + Send {
        async { Health::healthy() }
    }
}

/// How a plugin does. The kernel makes a `kernel/PluginHealthReport` of it, with time and figures.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Health {
    /// In one word.
    pub status: PluginHealthStatus,
    /// In a sentence, when there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<HealthCheckResult>,
}

impl Health {
    /// All is well.
    #[must_use]
    pub fn healthy() -> Self {
        Self {
            status: PluginHealthStatus::Healthy,
            message: None,
            checks: Vec::new(),
        }
    }

    /// It works, but not as it should.
    #[must_use]
    pub fn degraded(message: impl Into<String>) -> Self {
        Self {
            status: PluginHealthStatus::Degraded,
            message: Some(message.into()),
            checks: Vec::new(),
        }
    }

    /// It does not work.
    #[must_use]
    pub fn unhealthy(message: impl Into<String>) -> Self {
        Self {
            status: PluginHealthStatus::Unhealthy,
            message: Some(message.into()),
            checks: Vec::new(),
        }
    }
}

/// What a plugin is built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The kernel.
    pub host: Host,
    /// The configuration from `objectos.yml`, checked against the manifest, defaults filled in.
    pub config: serde_json::Value,
    /// What the host was started with.
    pub settings: HostSettings,
    /// A folder of the plugin's own, made on first use by [`Setup::data_directory`].
    pub(crate) data_directory: PathBuf,
}

/// What the host was started with, the same for every plugin. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostSettings {
    /// Folders of apps (`--app`), absolute.
    pub apps: Vec<PathBuf>,
    /// Where to listen (`--listen`), `127.0.0.1:3000`.
    pub listen: String,
    /// `development`, `production`, `test` or `provisioning` (`kernel/RuntimeMode`).
    pub mode: String,
    /// The host's data folder (`--data`), absolute.
    pub data_directory: PathBuf,
    /// The plugin folder (`--plugins`), absolute.
    pub plugin_directory: PathBuf,
}

impl Setup {
    /// Reads the configuration into a type.
    ///
    /// # Errors
    /// `Invalid` when it does not have the shape.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.config.clone())
            .map_err(|error| Error::invalid(format!("the plugin's configuration does not have its shape: {error}")))
    }

    /// The folder that belongs to this plugin, inside the host's data folder; made if missing.
    ///
    /// # Errors
    /// `Internal` when it cannot be made.
    pub fn data_directory(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.data_directory).map_err(|error| {
            Error::internal(format!(
                "the folder {} cannot be made: {error}",
                self.data_directory.display()
            ))
        })?;
        Ok(self.data_directory.clone())
    }
}

pub(crate) type BytesFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>>;
pub(crate) type HookHandler<P> = Box<dyn Fn(Arc<P>, Context, HookCall) -> BytesFuture + Send + Sync>;
/// Takes one event, or several where it was registered for them.
pub(crate) type EventHandler<P> = Box<dyn Fn(Arc<P>, Context, Vec<Event>) -> BytesFuture + Send + Sync>;
pub(crate) type RouteHandler<P> = Box<dyn Fn(Arc<P>, Context, HttpRequest) -> BytesFuture + Send + Sync>;
pub(crate) type CommandHandler<P> = Box<dyn Fn(Arc<P>, Context, Vec<String>) -> BytesFuture + Send + Sync>;

/// What a hook handler gets.
#[derive(Clone, Debug)]
pub struct HookCall {
    /// What the hook is about; for data hooks the object's name.
    pub subject: String,
    /// JSON as the hook point documents it.
    pub payload: Vec<u8>,
}

impl HookCall {
    /// Reads the payload.
    ///
    /// # Errors
    /// `Invalid` when it does not have the shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.payload)?)
    }
}

/// What a hook handler says. A refusal is an error: `Err(Error::veto("…"))`.
#[derive(Clone, Debug)]
pub enum HookAnswer {
    /// Go on with the payload as it is.
    Unchanged,
    /// Go on with this payload (JSON, the same shape).
    Changed(Vec<u8>),
}

impl HookAnswer {
    /// Go on with this payload.
    ///
    /// # Errors
    /// `Internal` when it cannot be written as JSON.
    pub fn changed(payload: &impl Serialize) -> Result<Self> {
        serde_json::to_vec(payload).map(Self::Changed).map_err(Error::internal)
    }
}

/// What the answer of a command is: text for the terminal and an exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandAnswer {
    /// For standard output.
    pub output: String,
    /// For standard error.
    #[serde(default)]
    pub error: String,
    /// 0 is success.
    pub exit_code: u8,
}

/// Order of a hook handler among others of the same hook: lower first, then by plugin id.
pub const HOOK_PRIORITY: i32 = 100;

/// One registration, as the kernel is told. JSON, camelCase.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registrations {
    /// Services, by position.
    pub services: Vec<RegisteredService>,
    /// Hook handlers, by position.
    pub hooks: Vec<RegisteredHook>,
    /// Event handlers, by position.
    pub events: Vec<RegisteredEvent>,
    /// Routes as `METHOD /path`.
    pub routes: Vec<String>,
    /// Names of commands.
    pub commands: Vec<String>,
}

/// A service that was registered.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredService {
    /// Name.
    pub name: String,
    /// Version, semver.
    pub version: String,
    /// Names of methods.
    pub methods: Vec<String>,
}

/// A hook handler that was registered.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredHook {
    /// Name of the hook point.
    pub name: String,
    /// Subjects it wants; empty is all.
    pub subjects: Vec<String>,
    /// Lower first.
    pub priority: i32,
}

/// An event handler that was registered.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredEvent {
    /// Exact name, `prefix.*` or `*`.
    pub pattern: String,
    /// Wants durable delivery: at least once, ordered by key, retried. Otherwise best effort.
    pub durable: bool,
    /// Stable name of the handler; retries, dead letters and progress are kept under `plugin/name`.
    pub name: String,
    /// How many events of one key it takes in one call at most; 1 is one at a time.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub together_max: u32,
}

fn one() -> u32 {
    1
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

/// Filled by [`Plugin::register`].
pub struct Registry<P> {
    pub(crate) plugin: Arc<P>,
    pub(crate) services: Vec<Arc<dyn ServiceHandler>>,
    pub(crate) hooks: Vec<(RegisteredHook, HookHandler<P>)>,
    pub(crate) events: Vec<(RegisteredEvent, EventHandler<P>)>,
    pub(crate) routes: Vec<(String, RouteHandler<P>)>,
    /// Bodies and sockets that routes answered with and that are not at their end.
    pub(crate) streams: Arc<OpenStreams>,
    pub(crate) commands: Vec<(String, CommandHandler<P>)>,
}

impl<P> fmt::Debug for Registry<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("services", &self.services.len())
            .field("hooks", &self.hooks.len())
            .field("events", &self.events.len())
            .field("routes", &self.routes.len())
            .field("commands", &self.commands.len())
            .finish()
    }
}

impl<P: Plugin> Registry<P> {
    pub(crate) fn new(plugin: Arc<P>) -> Self {
        Self {
            plugin,
            services: Vec::new(),
            hooks: Vec::new(),
            events: Vec::new(),
            routes: Vec::new(),
            streams: Arc::default(),
            commands: Vec::new(),
        }
    }

    /// Offers a service: `registry.service(GreetingServer::new(Arc::clone(self)))`.
    pub fn service(&mut self, handler: impl ServiceHandler) {
        self.services.push(Arc::new(handler));
    }

    /// Takes part in a hook, for some subjects or (empty) all, with the default priority.
    pub fn hook<F, Fut>(&mut self, name: &str, subjects: &[&str], handler: F)
    where
        F: Fn(Arc<P>, Context, HookCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HookAnswer>> + Send + 'static,
    {
        self.hook_with_priority(name, subjects, HOOK_PRIORITY, handler);
    }

    /// Takes part in a hook at a place in its order.
    pub fn hook_with_priority<F, Fut>(&mut self, name: &str, subjects: &[&str], priority: i32, handler: F)
    where
        F: Fn(Arc<P>, Context, HookCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HookAnswer>> + Send + 'static,
    {
        let registered = RegisteredHook {
            name: name.to_owned(),
            subjects: subjects.iter().map(|&subject| subject.to_owned()).collect(),
            priority,
        };
        let boxed: HookHandler<P> = Box::new(move |plugin, context, call| {
            let future = handler(plugin, context, call);
            Box::pin(async move {
                Ok(match future.await? {
                    HookAnswer::Unchanged => Vec::new(),
                    HookAnswer::Changed(payload) => payload,
                })
            })
        });
        self.hooks.push((registered, boxed));
    }

    /// Handles durable events: at least once, in order for one key, retried with backoff, then a dead letter. The handler
    /// must stand being called twice for the same event id. `name` is the handler's own, stable across versions.
    pub fn durable_event<F, Fut>(&mut self, name: &str, pattern: &str, handler: F)
    where
        F: Fn(Arc<P>, Context, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.push_event(name, pattern, true, handler);
    }

    /// The same for a handler that stores what it is told, and stores several as cheaply as one. Events of one key that wait
    /// one behind the other come in one call, in their order and `together_max` at most; events of other keys come in calls of
    /// their own, at the same time. The context is that of the first. An error gives all of them back: they come again one by
    /// one, so that a single event cannot hold up or give up others, and only those calls count as attempts.
    pub fn durable_events<F, Fut>(&mut self, name: &str, pattern: &str, together_max: u32, handler: F)
    where
        F: Fn(Arc<P>, Context, Vec<Event>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let registered = RegisteredEvent {
            pattern: pattern.to_owned(),
            durable: true,
            name: name.to_owned(),
            together_max: together_max.max(1),
        };
        self.push_events(registered, handler);
    }

    /// Handles events as they fly by: best effort, not kept, not retried.
    pub fn event<F, Fut>(&mut self, name: &str, pattern: &str, handler: F)
    where
        F: Fn(Arc<P>, Context, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.push_event(name, pattern, false, handler);
    }

    fn push_event<F, Fut>(&mut self, name: &str, pattern: &str, durable: bool, handler: F)
    where
        F: Fn(Arc<P>, Context, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let registered = RegisteredEvent {
            pattern: pattern.to_owned(),
            durable,
            name: name.to_owned(),
            together_max: 1,
        };
        let handler = Arc::new(handler);
        self.push_events(registered, move |plugin, context, events: Vec<Event>| {
            let handler = Arc::clone(&handler);
            async move {
                for event in events {
                    handler(Arc::clone(&plugin), context.clone(), event).await?;
                }
                Ok(())
            }
        });
    }

    fn push_events<F, Fut>(&mut self, registered: RegisteredEvent, handler: F)
    where
        F: Fn(Arc<P>, Context, Vec<Event>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let boxed: EventHandler<P> = Box::new(move |plugin, context, events| {
            let future = handler(plugin, context, events);
            Box::pin(async move { future.await.map(|()| Vec::new()) })
        });
        self.events.push((registered, boxed));
    }

    /// Answers a route: `registry.route("GET /api/v1/hello/{name}", …)`, spelled as in `plugin.json`.
    pub fn route<F, Fut>(&mut self, route: &str, handler: F)
    where
        F: Fn(Arc<P>, Context, HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
    {
        let boxed: RouteHandler<P> = Box::new(move |plugin, context, request| {
            let future = handler(plugin, context, request);
            Box::pin(async move { future.await.map(|response| response.encode()) })
        });
        self.routes.push((route.to_owned(), boxed));
    }

    /// Answers a route whose body may be made while it is sent, or that may go on as a WebSocket. One that never does either
    /// goes with [`Registry::route`].
    pub fn streaming_route<F, Fut>(&mut self, route: &str, handler: F)
    where
        F: Fn(Arc<P>, Context, HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpAnswer>> + Send + 'static,
    {
        let open = Arc::clone(&self.streams);
        let boxed: RouteHandler<P> = Box::new(move |plugin, context, request| {
            // The gateway lets this header through when the handshake is good, and only then.
            let upgrades = request.header("upgrade") == Some("websocket");
            let (future, streams) = (handler(plugin, context, request), Arc::clone(&open));
            Box::pin(async move { future.await?.encode(&streams, upgrades) })
        });
        self.routes.push((route.to_owned(), boxed));
    }

    /// Runs a subcommand of `objectos-host`.
    pub fn command<F, Fut>(&mut self, name: &str, handler: F)
    where
        F: Fn(Arc<P>, Context, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CommandAnswer>> + Send + 'static,
    {
        let boxed: CommandHandler<P> = Box::new(move |plugin, context, arguments| {
            let future = handler(plugin, context, arguments);
            Box::pin(async move { serde_json::to_vec(&future.await?).map_err(Error::internal) })
        });
        self.commands.push((name.to_owned(), boxed));
    }

    pub(crate) fn registrations(&self) -> Registrations {
        Registrations {
            services: self
                .services
                .iter()
                .map(|service| RegisteredService {
                    name: service.name().to_owned(),
                    version: service.version().to_owned(),
                    methods: service.methods().iter().map(|method| method.name.to_owned()).collect(),
                })
                .collect(),
            hooks: self.hooks.iter().map(|(hook, _)| hook.clone()).collect(),
            events: self.events.iter().map(|(event, _)| event.clone()).collect(),
            routes: self.routes.iter().map(|(route, _)| route.clone()).collect(),
            commands: self.commands.iter().map(|(command, _)| command.clone()).collect(),
        }
    }
}
