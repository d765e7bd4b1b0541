//! Puts a [`Plugin`] behind the ABI: each entry is guarded against panics, decodes, and hands over to the plugin. Called by
//! the kernel through the vtable that [`create`] makes; written out by `#[plugin]`, never by an author.
#![allow(unreachable_pub)]

use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RResult, RSlice, RStr},
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crate::{
    abi::{
        RawBegun, RawContext, RawError, RawFuture, RawHostObject, RawPlugin, RawPlugin_TO, RawPluginObject, RawResult,
    },
    body::{BodyStream, OpenStreams},
    context::Context,
    error::{Error, ErrorKind, Result},
    event::Event,
    host::Host,
    http::HttpRequest,
    log,
    plugin::{HookCall, HostSettings, Plugin, Registry, Setup},
    runtime::{PluginRuntime, guard, raw_result, ready, release},
    service::unknown_method,
    socket::SocketMessage,
};

/// Position of the plugin's routes among its services: the kernel calls a route as a method of this one.
pub const ROUTES: u32 = u32::MAX;
/// Position of the plugin's subcommands.
pub const COMMANDS: u32 = u32::MAX - 1;

/// `RawPlugin::init`'s argument. JSON, camelCase.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSetup {
    config: Value,
    data_directory: PathBuf,
    #[serde(default)]
    host: HostSettings,
    #[serde(default)]
    resume: Option<Vec<u8>>,
}

struct Exported<P> {
    host: Host,
    runtime: Arc<PluginRuntime>,
    /// Taken by the drop alone: what the author wrote may panic there.
    ready: Option<Arc<OnceLock<Ready<P>>>>,
}

struct Ready<P> {
    registry: Registry<P>,
    routes: HashMap<String, usize>,
    commands: HashMap<String, usize>,
}

/// Makes an instance; nothing of the author's runs yet.
#[must_use]
pub fn create<P: Plugin>(host: RawHostObject) -> RResult<RawPluginObject, RawError> {
    let made = guard(|| {
        let host = Host::new(host);
        log::attach(&host);
        let runtime = PluginRuntime::new(P::RUNTIME_WORKERS, &host)?;
        Ok(Exported::<P> {
            host,
            runtime: Arc::new(runtime),
            ready: Some(Arc::new(OnceLock::new())),
        })
    });
    match made {
        Ok(exported) => RResult::ROk(RawPlugin_TO::from_value(exported, TD_Opaque)),
        Err(error) => RResult::RErr(error.into_raw()),
    }
}

impl<P> fmt::Debug for Exported<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported").finish_non_exhaustive()
    }
}

impl<P> Drop for Exported<P> {
    /// Drops the author's plugin where a panic of it ends; the rest is ours and follows by itself. A panic is told to the
    /// host, which still is there.
    fn drop(&mut self) {
        if let Some(text) = release(self.ready.take()) {
            self.tell(&format!("the plugin panicked as it was dropped: {text}"));
        }
    }
}

impl<P> Exported<P> {
    /// Tells the host of a panic that has nobody else to be told to.
    fn tell(&self, message: &str) {
        drop(guard(|| {
            self.host.log(log::ERROR, module_path!(), message, "");
            Ok(())
        }));
    }
}

impl<P: Plugin> Exported<P> {
    fn ready(&self) -> Result<&Ready<P>> {
        self.ready
            .as_ref()
            .and_then(|slot| slot.get())
            .ok_or_else(|| Error::unavailable("the plugin is not initialised"))
    }

    fn slot(&self) -> Result<Arc<OnceLock<Ready<P>>>> {
        self.ready
            .clone()
            .ok_or_else(|| Error::unavailable("the plugin is at its end"))
    }

    fn plugin(&self) -> Result<Arc<P>> {
        self.ready().map(|ready| Arc::clone(&ready.registry.plugin))
    }

    /// Starts what `begin` makes, or answers with its error.
    fn start_call<F>(&self, begin: impl FnOnce() -> Result<F>) -> RawFuture
    where
        F: Future<Output = Result<Vec<u8>>> + Send + 'static,
    {
        let entered = self.runtime.handle().map(tokio::runtime::Handle::enter);
        let begun = guard(begin);
        drop(entered);
        match begun {
            Ok(future) => self.runtime.future(future),
            Err(error) => ready(Err(error)),
        }
    }

    /// A step of the plugin's life, made and polled under its own name in the log.
    fn live<F>(&self, begin: impl FnOnce() -> Result<F>) -> RawFuture
    where
        F: Future<Output = Result<Vec<u8>>> + Send + 'static,
    {
        let owner = self.host.identity();
        self.start_call(|| begin().map(|future| log::owned(owner, future)))
    }
}

/// Makes one piece of a body, and puts the body back for the next one.
async fn next_piece(streams: Arc<OpenStreams>, number: u64, mut body: BodyStream) -> Result<Vec<u8>> {
    let Some(piece) = body.next().await? else {
        return Ok(Vec::new());
    };
    streams.put_back(number, body);
    Ok(piece)
}

/// Builds the plugin and tells what it registered.
async fn initialise<P: Plugin>(host: Host, setup: RawSetup, slot: Arc<OnceLock<Ready<P>>>) -> Result<Vec<u8>> {
    let RawSetup {
        config,
        data_directory,
        host: settings,
        resume,
    } = setup;
    let plugin = Arc::new(
        P::init(Setup {
            host,
            config,
            settings,
            data_directory,
        })
        .await?,
    );
    if let Some(state) = resume.filter(|state| !state.is_empty()) {
        Arc::clone(&plugin).resume(state).await?;
    }
    let mut registry = Registry::new(Arc::clone(&plugin));
    plugin.register(&mut registry);
    let registrations = serde_json::to_vec(&registry.registrations()).map_err(Error::internal)?;
    let routes = registry
        .routes
        .iter()
        .enumerate()
        .map(|(index, (route, _))| (route.clone(), index))
        .collect();
    let commands = registry
        .commands
        .iter()
        .enumerate()
        .map(|(index, (command, _))| (command.clone(), index))
        .collect();
    slot.set(Ready {
        registry,
        routes,
        commands,
    })
    .map_err(|_| Error::internal("the kernel initialised the plugin twice"))?;
    Ok(registrations)
}

impl<P: Plugin> RawPlugin for Exported<P> {
    fn init(&self, setup: RSlice<'_, u8>) -> RawFuture {
        self.live(|| {
            let setup: RawSetup = serde_json::from_slice(setup.as_slice())
                .map_err(|error| Error::internal(format!("the kernel's setup cannot be read: {error}")))?;
            Ok(initialise(self.host.clone(), setup, self.slot()?))
        })
    }

    fn start(&self) -> RawFuture {
        self.live(|| {
            let future = self.plugin()?.start();
            Ok(async move { future.await.map(|()| Vec::new()) })
        })
    }

    fn stop(&self) -> RawFuture {
        self.live(|| {
            let future = self.plugin()?.stop();
            Ok(async move { future.await.map(|()| Vec::new()) })
        })
    }

    fn suspend(&self) -> RawFuture {
        self.live(|| Ok(self.plugin()?.suspend()))
    }

    fn health(&self) -> RawFuture {
        self.live(|| {
            let future = self.plugin()?.health();
            Ok(async move { serde_json::to_vec(&future.await).map_err(Error::internal) })
        })
    }

    fn call(&self, service: u32, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawBegun {
        let begin = || {
            let ready = self.ready()?;
            let context = Context::from_raw(context);
            let plugin = || Arc::clone(&ready.registry.plugin);
            match service {
                ROUTES => {
                    let index = ready
                        .routes
                        .get(method.as_str())
                        .ok_or_else(|| unknown_method("route", &method))?;
                    let request = HttpRequest::decode(payload.as_slice().to_vec())?;
                    Ok(ready.registry.routes[*index].1(plugin(), context, request))
                }
                COMMANDS => {
                    let index = ready
                        .commands
                        .get(method.as_str())
                        .ok_or_else(|| unknown_method("command", &method))?;
                    let arguments = serde_json::from_slice(payload.as_slice())?;
                    Ok(ready.registry.commands[*index].1(plugin(), context, arguments))
                }
                index => Ok(handler(ready, index)?.call(method.as_str(), context, payload.as_slice())),
            }
        };
        self.runtime.first_look(begin)
    }

    fn call_sync(
        &self,
        service: u32,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawResult {
        raw_result(guard(|| {
            let handler = handler(self.ready()?, service)?;
            handler.call_sync(method.as_str(), Context::from_raw(context), payload.as_slice())
        }))
    }

    fn hook(&self, hook: u32, subject: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawFuture {
        self.start_call(|| {
            let ready = self.ready()?;
            let (_, handler) = at(&ready.registry.hooks, hook)?;
            let call = HookCall {
                subject: subject.as_str().to_owned(),
                payload: payload.as_slice().to_vec(),
            };
            Ok(handler(
                Arc::clone(&ready.registry.plugin),
                Context::from_raw(context),
                call,
            ))
        })
    }

    fn event(&self, handler: u32, context: &RawContext<'_>, event: RSlice<'_, u8>) -> RawFuture {
        self.start_call(|| {
            let ready = self.ready()?;
            let (_, handler) = at(&ready.registry.events, handler)?;
            let events = events_of(event.as_slice())
                .map_err(|error| Error::internal(format!("an event cannot be read: {error}")))?;
            Ok(handler(
                Arc::clone(&ready.registry.plugin),
                Context::from_raw(context),
                events,
            ))
        })
    }

    fn poke(&self) {
        drop(guard(|| {
            self.runtime.poke();
            Ok(())
        }));
    }

    fn rebuild_log_interest(&self) {
        drop(guard(|| {
            log::rebuild_interest();
            Ok(())
        }));
    }

    fn shutdown_blocking(&self) {
        drop(guard(|| {
            self.runtime.shutdown();
            log::detach(&self.host);
            Ok(())
        }));
    }

    fn stream_next(&self, stream: u64) -> RawFuture {
        self.start_call(|| {
            let streams = Arc::clone(&self.ready()?.registry.streams);
            let body = streams
                .take(stream)
                .ok_or_else(|| Error::unavailable("the body is at its end"))?;
            Ok(next_piece(streams, stream, body))
        })
    }

    fn stream_drop(&self, stream: u64) {
        // What a body owns may need the runtime to let go.
        let _entered = self.runtime.handle().map(tokio::runtime::Handle::enter);
        let taken = guard(|| Ok(self.ready()?.registry.streams.end(stream)));
        if let Some(text) = release(taken) {
            self.tell(&format!("a body or a socket panicked as it was dropped: {text}"));
        }
    }

    fn stream_push(&self, stream: u64, message: RSlice<'_, u8>) -> RawFuture {
        self.start_call(|| {
            let message = SocketMessage::decode(message.as_slice().to_vec())?;
            let turn = self
                .ready()?
                .registry
                .streams
                .listen(stream)
                .ok_or_else(|| Error::unavailable("the socket is at its end, or hears another message"))?;
            Ok(async move { turn.hear(message).await.map(|()| Vec::new()) })
        })
    }
}

fn handler<P>(ready: &Ready<P>, index: u32) -> Result<&Arc<dyn crate::service::ServiceHandler>> {
    at(&ready.registry.services, index)
}

/// One event, or an array of them.
fn events_of(json: &[u8]) -> serde_json::Result<Vec<Event>> {
    if json.starts_with(b"[") {
        serde_json::from_slice(json)
    } else {
        Ok(vec![serde_json::from_slice(json)?])
    }
}

fn at<T>(list: &[T], index: u32) -> Result<&T> {
    usize::try_from(index)
        .ok()
        .and_then(|index| list.get(index))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NotImplemented,
                "the kernel asked for what was never registered",
            )
        })
}
