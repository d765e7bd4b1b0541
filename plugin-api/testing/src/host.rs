//! The host side: services from the test and from the plugin, recorded events, a clock the test sets.
#![allow(clippy::large_types_passed_by_value)]

use objectos_plugin_api::{
    Context, Error, ErrorKind, Host, Plugin, Registrations, Result, ServiceHandler,
    abi::{
        RawBegun, RawContext, RawEvent, RawFuture, RawHookFuture, RawHost, RawHost_TO, RawHostObject, RawLogRecord,
        RawPluginObject, RawResult,
    },
    private::{
        RResult,
        abi_stable::{
            sabi_trait::TD_Opaque,
            std_types::{RArc, RSlice, RStr, RString, RVec},
        },
        async_ffi::FfiFuture,
    },
    protocol::kernel::plugin_document::PluginDocument,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    net::TcpListener,
    os::fd::IntoRawFd,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use crate::{error::TestError, plugin::TestPlugin};

/// An event that the plugin published.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedEvent {
    /// Name.
    pub name: String,
    /// Ordering key, empty for none.
    pub key: String,
    /// Payload.
    pub payload: Value,
    /// Published as durable.
    pub durable: bool,
}

/// Collects what the plugin needs, then starts it.
pub struct TestHost {
    manifest: String,
    config: Value,
    settings: Value,
    services: HashMap<String, Arc<dyn ServiceHandler>>,
    environment: HashMap<String, String>,
    now_ms: i64,
    resume: Vec<u8>,
}

impl fmt::Debug for TestHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestHost")
            .field("services", &self.services.keys())
            .finish_non_exhaustive()
    }
}

impl TestHost {
    /// A host for the plugin with this `plugin.json`.
    #[must_use]
    pub fn new(manifest: &str) -> Self {
        Self {
            manifest: manifest.to_owned(),
            config: json!({}),
            settings: json!({ "mode": "test" }),
            services: HashMap::new(),
            environment: HashMap::new(),
            now_ms: 1_700_000_000_000,
            resume: Vec::new(),
        }
    }

    /// The plugin's configuration.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// `HostSettings` as JSON: `{apps, listen, mode, dataDirectory, pluginDirectory}`.
    #[must_use]
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// A service that another plugin would provide.
    #[must_use]
    pub fn service(mut self, handler: impl ServiceHandler) -> Self {
        self.services.insert(handler.name().to_owned(), Arc::new(handler));
        self
    }

    /// An environment variable that the plugin was granted.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The time it is, milliseconds since 1970; [`TestPlugin::set_now_ms`] changes it.
    #[must_use]
    pub fn now_ms(mut self, now_ms: i64) -> Self {
        self.now_ms = now_ms;
        self
    }

    /// What the version before left in `suspend`.
    #[must_use]
    pub fn resume(mut self, state: Vec<u8>) -> Self {
        self.resume = state;
        self
    }

    /// Initialises and starts the plugin.
    ///
    /// # Errors
    /// See [`TestError`].
    pub async fn start<P: Plugin>(self) -> std::result::Result<TestPlugin, TestError> {
        let document = PluginDocument::parse(self.manifest.as_bytes()).map_err(|problems| {
            TestError::Manifest(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })?;
        let folder = std::env::temp_dir().join(format!("objectos-plugin-test-{}", Context::background().request_id()));
        let state = Arc::new(State {
            services: self.services,
            environment: self.environment,
            now_ms: AtomicI64::new(self.now_ms),
            uses: document
                .objectos
                .services
                .uses
                .iter()
                .map(|used| used.name.clone())
                .collect(),
            ..State::default()
        });
        let raw = match objectos_plugin_api::export::create::<P>(View::object(&state)) {
            RResult::ROk(raw) => raw,
            RResult::RErr(error) => return Err(TestError::Plugin(Error::from_raw(&error))),
        };
        let mut setup = json!({ "config": self.config, "dataDirectory": folder, "host": self.settings });
        if !self.resume.is_empty() {
            setup["resume"] = json!(self.resume);
        }
        let setup = serde_json::to_vec(&setup).map_err(Error::internal)?;
        let plugin = TestPlugin {
            raw: Arc::new(raw),
            state,
            folder,
            registrations: Registrations::default(),
        };
        let registered = plugin.finish(plugin.raw.init(RSlice::from_slice(&setup))).await?;
        let registrations: Registrations = serde_json::from_slice(&registered).map_err(Error::internal)?;
        if let Some(extra) = undeclared(&registrations, &document) {
            return Err(TestError::Undeclared(extra));
        }
        let plugin = TestPlugin {
            registrations,
            ..plugin
        };
        plugin.connect();
        plugin.finish(plugin.raw.start()).await?;
        Ok(plugin)
    }
}

fn undeclared(registrations: &Registrations, document: &PluginDocument) -> Option<String> {
    let declared = &document.objectos;
    let service = registrations.services.iter().find_map(|service| {
        let known = declared
            .services
            .provides
            .iter()
            .any(|provided| provided.name == service.name);
        (!known).then(|| format!("the service {}", service.name))
    });
    let hook = registrations.hooks.iter().find_map(|hook| {
        let known = declared.hooks.handles.contains(&hook.name);
        (!known).then(|| format!("a handler of the hook {}", hook.name))
    });
    let event = registrations.events.iter().find_map(|event| {
        let known = declared.events.handles.contains(&event.pattern);
        (!known).then(|| format!("a handler of the event {}", event.pattern))
    });
    let route = registrations.routes.iter().find_map(|route| {
        let known = declared
            .routes
            .iter()
            .any(|declared| format!("{} {}", declared.method.as_str(), declared.path) == *route);
        (!known).then(|| format!("the route {route}"))
    });
    let command = registrations.commands.iter().find_map(|command| {
        let known = declared.commands.iter().any(|declared| declared.name == *command);
        (!known).then(|| format!("the command {command}"))
    });
    service.or(hook).or(event).or(route).or(command)
}

#[derive(Default)]
pub(crate) struct State {
    services: HashMap<String, Arc<dyn ServiceHandler>>,
    environment: HashMap<String, String>,
    uses: Vec<String>,
    pub(crate) now_ms: AtomicI64,
    pub(crate) published: Mutex<Vec<PublishedEvent>>,
    pub(crate) logged: Mutex<Vec<String>>,
    pub(crate) own: OnceLock<(Arc<RawPluginObject>, Vec<String>)>,
    handles: Mutex<Vec<String>>,
    events: AtomicU64,
}

/// A lock that no panic of a test can poison for good.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The host as the plugin sees it, and as a test sees it to call the plugin's own services.
struct View {
    state: Arc<State>,
}

impl View {
    fn object(state: &Arc<State>) -> RawHostObject {
        RawHost_TO::from_ptr(
            RArc::new(Self {
                state: Arc::clone(state),
            }),
            TD_Opaque,
        )
    }

    fn name(&self, handle: u64) -> Result<String> {
        let handles = lock(&self.state.handles);
        let index = usize::try_from(handle).ok().and_then(|handle| handle.checked_sub(1));
        index
            .and_then(|index| handles.get(index).cloned())
            .ok_or_else(|| Error::invalid("no such handle"))
    }

    fn open(&self, name: &str) -> u64 {
        let mut handles = lock(&self.state.handles);
        handles.push(name.to_owned());
        u64::try_from(handles.len()).expect("a test opens few handles")
    }

    fn begin(&self, service: u64, method: &str, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> Result<RawBegun> {
        let name = self.name(service)?;
        if let Some((plugin, services)) = self.state.own.get()
            && let Some(index) = services.iter().position(|own| *own == name)
        {
            let index = u32::try_from(index).expect("a plugin has few services");
            return Ok(plugin.call(index, RStr::from_str(method), context, payload));
        }
        let handler = self.state.services.get(&name).ok_or_else(|| missing(&name))?;
        let future = handler.call(method, Context::from_raw(context), payload.as_slice());
        Ok(RawBegun::Later(FfiFuture::new(async move { raw(future.await) })))
    }
}

fn missing(name: &str) -> Error {
    Error::unavailable(format!(
        "the test host has no service {name}: add it with TestHost::service"
    ))
}

fn raw(result: Result<Vec<u8>>) -> RawResult {
    match result {
        Ok(bytes) => RResult::ROk(RVec::from(bytes)),
        Err(error) => RResult::RErr(error.into_raw()),
    }
}

impl RawHost for View {
    fn log_enabled(&self, level: u8, _: RStr<'_>) -> bool {
        level <= 4
    }

    fn log(&self, record: &RawLogRecord<'_>) {
        lock(&self.state.logged).push(format!("{} {} {}", record.level, record.message, record.fields));
    }

    fn service_open(&self, name: RStr<'_>, _: RStr<'_>) -> RResult<u64, objectos_plugin_api::abi::RawError> {
        let name = name.as_str();
        let own = self.state.own.get().is_some();
        let declared = self
            .state
            .uses
            .iter()
            .any(|used| used == name || used.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix)));
        if own || declared {
            return RResult::ROk(self.open(name));
        }
        let text = format!("the manifest does not declare the use of {name}: add it to services.uses");
        RResult::RErr(Error::new(ErrorKind::Denied, text).into_raw())
    }

    fn service_available(&self, service: u64) -> bool {
        self.name(service).is_ok_and(|name| {
            self.state.services.contains_key(&name)
                || self
                    .state
                    .own
                    .get()
                    .is_some_and(|(_, services)| services.contains(&name))
        })
    }

    fn call(&self, service: u64, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawBegun {
        self.begin(service, method.as_str(), context, payload)
            .unwrap_or_else(|error| RawBegun::Answer(raw(Err(error))))
    }

    fn call_sync(
        &self,
        service: u64,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawResult {
        let name = match self.name(service) {
            Ok(name) => name,
            Err(error) => return raw(Err(error)),
        };
        if let Some((plugin, services)) = self.state.own.get()
            && let Some(index) = services.iter().position(|own| *own == name)
        {
            let index = u32::try_from(index).expect("a plugin has few services");
            return plugin.call_sync(index, method, context, payload);
        }
        match self.state.services.get(&name) {
            Some(handler) => raw(handler.call_sync(method.as_str(), Context::from_raw(context), payload.as_slice())),
            None => raw(Err(missing(&name))),
        }
    }

    fn hook_open(&self, name: RStr<'_>) -> RResult<u64, objectos_plugin_api::abi::RawError> {
        RResult::ROk(self.open(name.as_str()))
    }

    fn hook_armed(&self, _: u64, _: RStr<'_>) -> bool {
        false
    }

    fn hook_run(&self, _: u64, _: RStr<'_>, _: &RawContext<'_>, _: RSlice<'_, u8>) -> RawFuture {
        FfiFuture::new(std::future::ready(raw(Ok(Vec::new()))))
    }

    fn hook_steps(&self, _: u64, _: RStr<'_>, _: &RawContext<'_>, _: RSlice<'_, u8>) -> RawHookFuture {
        FfiFuture::new(std::future::ready(RResult::ROk(RVec::new())))
    }

    fn publish(&self, _: &RawContext<'_>, event: &RawEvent<'_>) -> RResult<(), objectos_plugin_api::abi::RawError> {
        self.record(event, false);
        RResult::ROk(())
    }

    fn publish_durable(&self, _: &RawContext<'_>, event: &RawEvent<'_>) -> RawFuture {
        let number = self.record(event, true);
        FfiFuture::new(std::future::ready(raw(Ok(format!("event-{number}").into_bytes()))))
    }

    fn events_stored(&self) {}

    fn listen(&self, address: RStr<'_>) -> RResult<i32, objectos_plugin_api::abi::RawError> {
        // What is spoken there may stand before it.
        let place = address.as_str().rsplit("://").next().unwrap_or_default();
        match TcpListener::bind(place) {
            Ok(listener) => RResult::ROk(listener.into_raw_fd()),
            Err(error) => RResult::RErr(Error::invalid(format!("{}: {error}", address.as_str())).into_raw()),
        }
    }

    /// The services that the test brings; nothing of any other kind.
    fn contributions(&self, kind: RStr<'_>) -> RVec<u8> {
        let services: Vec<Value> = match kind.as_str() {
            "services" => self.state.services.keys().map(|name| json!({ "name": name })).collect(),
            _ => Vec::new(),
        };
        RVec::from(Value::from(services).to_string().into_bytes())
    }

    fn contributions_epoch(&self) -> u64 {
        0
    }

    fn kernel_context(&self) -> RVec<u8> {
        RVec::from(b"{}".to_vec())
    }

    fn environment(&self, name: RStr<'_>) -> RResult<RString, objectos_plugin_api::abi::RawError> {
        match self.state.environment.get(name.as_str()) {
            Some(value) => RResult::ROk(RString::from(value.as_str())),
            None => RResult::RErr(Error::not_found(format!("{} is not set", name.as_str())).into_raw()),
        }
    }

    fn now_ms(&self) -> i64 {
        self.state.now_ms.load(Ordering::SeqCst)
    }

    fn spawn(&self, future: FfiFuture<()>) {
        drop(tokio::spawn(future));
    }

    fn checkpoint(&self) {}
}

impl View {
    fn record(&self, event: &RawEvent<'_>, durable: bool) -> u64 {
        lock(&self.state.published).push(PublishedEvent {
            name: event.name.as_str().to_owned(),
            key: event.key.as_str().to_owned(),
            payload: serde_json::from_slice(event.payload.as_slice()).unwrap_or(Value::Null),
            durable,
        });
        self.state.events.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A view for the test itself.
pub(crate) fn test_view(state: &Arc<State>) -> Host {
    Host::new(View::object(state))
}
