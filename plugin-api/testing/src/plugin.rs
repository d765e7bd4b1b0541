//! A started plugin in a test: call its services, routes, sockets, hooks, event handlers and commands.

use objectos_plugin_api::{
    CommandAnswer, Context, Error, Event, Health, Host, HttpRequestParts, HttpResponse, Registrations, Result,
    abi::{RawPluginObject, RawResult},
    export::{COMMANDS, ROUTES},
    private::abi_stable::std_types::{RSlice, RStr},
};
use serde_json::Value;
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    host::{PublishedEvent, State, lock, test_view},
    socket::{TestSocket, answer_of},
};

/// A plugin that runs in the test host. Dropping it stops nothing; call [`TestPlugin::stop`].
pub struct TestPlugin {
    pub(crate) raw: Arc<RawPluginObject>,
    pub(crate) state: Arc<State>,
    pub(crate) folder: PathBuf,
    pub(crate) registrations: Registrations,
}

impl fmt::Debug for TestPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestPlugin")
            .field("registrations", &self.registrations)
            .finish_non_exhaustive()
    }
}

impl TestPlugin {
    /// Makes the plugin's own services reachable through [`TestPlugin::host`].
    pub(crate) fn connect(&self) {
        let names = self
            .registrations
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
        drop(self.state.own.set((Arc::clone(&self.raw), names)));
    }

    pub(crate) async fn finish(&self, future: impl Future<Output = RawResult>) -> Result<Vec<u8>> {
        answer_of(future.await)
    }

    /// What the plugin registered.
    #[must_use]
    pub fn registrations(&self) -> &Registrations {
        &self.registrations
    }

    /// A host through which a test opens the plugin's services: `GreetingClient::open(&plugin.host())`.
    #[must_use]
    pub fn host(&self) -> Host {
        test_view(&self.state)
    }

    /// Opens a socket by a request to a route, spelled as it was registered; the header `upgrade` is added.
    ///
    /// # Errors
    /// What the handler answers; `Invalid` when it answers something else than a socket.
    pub async fn socket(&self, route: &str, context: &Context, request: &HttpRequestParts<'_>) -> Result<TestSocket> {
        let headers: Vec<(&str, &str)> = [("upgrade", "websocket")]
            .iter()
            .chain(request.headers)
            .copied()
            .collect();
        let request = HttpRequestParts {
            headers: &headers,
            ..*request
        };
        let frame = self.call_route(route, context, &request).await?;
        let response = HttpResponse::decode(&frame)?;
        let Some(number) = HttpResponse::socket_of(&frame) else {
            if let Some(stream) = HttpResponse::stream_of(&frame) {
                self.raw.stream_drop(stream);
            }
            return Err(Error::invalid(format!(
                "the route answered {} and no socket",
                response.status
            )));
        };
        let protocol = response
            .headers
            .into_iter()
            .find(|(name, _)| name == "sec-websocket-protocol");
        let protocol = protocol.map(|(_, value)| value);
        Ok(TestSocket::new(Arc::clone(&self.raw), number, protocol))
    }

    async fn call_route(&self, route: &str, context: &Context, request: &HttpRequestParts<'_>) -> Result<Vec<u8>> {
        let frame = request.encode();
        let future = self.raw.call(
            ROUTES,
            RStr::from_str(route),
            &context.raw(),
            RSlice::from_slice(&frame),
        );
        self.finish(future).await
    }

    /// Sends a request to a route, spelled as it was registered. A body that streams is read to its end.
    ///
    /// # Errors
    /// What the handler answers, and the gateway would make an error document of it; what a piece of the body fails with.
    pub async fn route(&self, route: &str, context: &Context, request: &HttpRequestParts<'_>) -> Result<HttpResponse> {
        let frame = self.call_route(route, context, request).await?;
        let mut response = HttpResponse::decode(&frame)?;
        if let Some(stream) = HttpResponse::stream_of(&frame) {
            let body = self.read(stream).await;
            self.raw.stream_drop(stream);
            response.body = body?;
        }
        Ok(response)
    }

    async fn read(&self, stream: u64) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let piece = self.finish(self.raw.stream_next(stream)).await?;
            if piece.is_empty() {
                return Ok(body);
            }
            body.extend_from_slice(&piece);
        }
    }

    /// Runs the plugin's handlers of a hook in their order; `None` when none changed the payload.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn hook(&self, name: &str, subject: &str, context: &Context, payload: &Value) -> Result<Option<Value>> {
        let mut order: Vec<(i32, usize)> = self
            .registrations
            .hooks
            .iter()
            .enumerate()
            .filter(|(_, hook)| hook.name == name)
            .filter(|(_, hook)| hook.subjects.is_empty() || hook.subjects.iter().any(|wanted| wanted == subject))
            .map(|(index, hook)| (hook.priority, index))
            .collect();
        order.sort_unstable();
        let mut changed = None;
        for (_, index) in order {
            let current = serde_json::to_vec(changed.as_ref().unwrap_or(payload))?;
            let index = u32::try_from(index).map_err(Error::internal)?;
            let future = self.raw.hook(
                index,
                RStr::from_str(subject),
                &context.raw(),
                RSlice::from_slice(&current),
            );
            let answer = self.finish(future).await?;
            if !answer.is_empty() {
                changed = Some(serde_json::from_slice(&answer)?);
            }
        }
        Ok(changed)
    }

    /// Delivers an event to every handler whose pattern fits; answers how many had it.
    ///
    /// # Errors
    /// The first failure.
    pub async fn deliver(&self, context: &Context, event: &Event) -> Result<usize> {
        let bytes = serde_json::to_vec(event)?;
        self.deliver_bytes(context, &event.name, 1, &bytes).await
    }

    /// Delivers events of one key, of which the first tells the name, in one call to every handler that takes so many together
    /// and whose pattern fits; answers how many handlers had them.
    ///
    /// # Errors
    /// The first failure.
    pub async fn deliver_together(&self, context: &Context, events: &[Event]) -> Result<usize> {
        let Some(first) = events.first() else { return Ok(0) };
        let count = u32::try_from(events.len()).map_err(Error::internal)?;
        let bytes = serde_json::to_vec(events)?;
        self.deliver_bytes(context, &first.name, count, &bytes).await
    }

    async fn deliver_bytes(&self, context: &Context, name: &str, together: u32, bytes: &[u8]) -> Result<usize> {
        let mut count = 0;
        for (index, handler) in self.registrations.events.iter().enumerate() {
            let fits = match handler.pattern.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == handler.pattern,
            };
            if fits && handler.together_max >= together {
                let index = u32::try_from(index).map_err(Error::internal)?;
                self.finish(self.raw.event(index, &context.raw(), RSlice::from_slice(bytes)))
                    .await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Runs a command.
    ///
    /// # Errors
    /// What the command answers.
    pub async fn command(&self, name: &str, arguments: &[&str]) -> Result<CommandAnswer> {
        let arguments = serde_json::to_vec(arguments)?;
        let context = Context::background();
        let future = self.raw.call(
            COMMANDS,
            RStr::from_str(name),
            &context.raw(),
            RSlice::from_slice(&arguments),
        );
        Ok(serde_json::from_slice(&self.finish(future).await?)?)
    }

    /// What the plugin says of its health.
    ///
    /// # Errors
    /// `Panicked` and the like.
    pub async fn health(&self) -> Result<Health> {
        Ok(serde_json::from_slice(&self.finish(self.raw.health()).await?)?)
    }

    /// The state it would leave to its successor.
    ///
    /// # Errors
    /// What the plugin answers.
    pub async fn suspend(&self) -> Result<Vec<u8>> {
        self.finish(self.raw.suspend()).await
    }

    /// Everything it published so far.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedEvent> {
        lock(&self.state.published).clone()
    }

    /// Everything it logged so far: level number, message, fields.
    #[must_use]
    pub fn logged(&self) -> Vec<String> {
        lock(&self.state.logged).clone()
    }

    /// Sets the time, milliseconds since 1970.
    pub fn set_now_ms(&self, now_ms: i64) {
        self.state.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Stops the plugin, joins its threads and removes its folder.
    ///
    /// # Errors
    /// What `stop` answers.
    pub async fn stop(self) -> Result<()> {
        let stopped = self.finish(self.raw.stop()).await;
        let raw = Arc::clone(&self.raw);
        // A plugin's runtime must end on a thread that is no runtime's.
        let ended = tokio::task::spawn_blocking(move || raw.shutdown_blocking()).await;
        drop(std::fs::remove_dir_all(&self.folder));
        ended.map_err(Error::internal)?;
        stopped.map(drop)
    }
}
