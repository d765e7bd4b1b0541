//! A gateway without a kernel: routes are closures, services are entries in a list, and everything can be changed while the
//! server runs.

use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use objectos_plugin_api::{
    Context, Error, ErrorKind, HttpRequest, HttpResponse, Result,
    contracts::auth::{Credentials, Presented},
};
use objectos_server::{Flow, Gateway, Line, Listening, Server, ServerConfig};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

/// What a route answers.
pub(crate) type Answered = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send>>;
type MakeFlow = Arc<dyn Fn() -> Box<dyn Flow> + Send + Sync>;
type MakeLine = Arc<dyn Fn() -> Box<dyn Line> + Send + Sync>;
type Handler = Arc<dyn Fn(Context, HttpRequest) -> Answered + Send + Sync>;
type Permit = Arc<dyn Fn(Context, &str) -> Result<bool> + Send + Sync>;
type Authenticate = Arc<dyn Fn(Context, Credentials) -> Result<Value> + Send + Sync>;

/// Time of every test: 2023-11-14T22:13:20Z.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
/// The plugin that the tests' routes belong to.
pub(crate) const PLUGIN: &str = "test.plugin";

struct Route {
    plugin: String,
    method: String,
    path: String,
    access: &'static str,
    handler: Option<Handler>,
    /// Makes the body, which is not in the handler's answer.
    flow: Option<MakeFlow>,
    /// Makes the plugin's end of a socket, when the handler answers 101.
    line: Option<MakeLine>,
}

#[derive(Default)]
struct State {
    routes: Vec<Route>,
    services: Vec<Value>,
    authenticate: Option<Authenticate>,
    permit: Option<Permit>,
    kernel_answers: Vec<(String, Result<Value>)>,
    kernel_calls: Vec<(String, String)>,
    refused: Vec<String>,
    /// Bodies to be read, by number.
    flows: Vec<Option<Box<dyn Flow>>>,
    /// Sockets to be taken, by number.
    lines: Vec<Option<Box<dyn Line>>>,
}

/// Shared by the test and the server.
#[derive(Clone, Default)]
pub(crate) struct TestGateway {
    state: Arc<Mutex<State>>,
    epoch: Arc<AtomicU64>,
    /// One message for each answer whose memory was given back.
    released: Option<mpsc::UnboundedSender<usize>>,
}

/// An answer's bytes; tells when they are given back.
pub(crate) struct TestBytes {
    bytes: Vec<u8>,
    released: Option<mpsc::UnboundedSender<usize>>,
}

impl AsRef<[u8]> for TestBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for TestBytes {
    fn drop(&mut self) {
        if let Some(released) = &self.released {
            // A test that does not listen any more need not be told.
            let _ = released.send(self.bytes.len());
        }
    }
}

impl TestGateway {
    /// A gateway with the server's own routes, as its manifest declares them, and `/echo/{name}`.
    pub(crate) fn new() -> Self {
        let gateway = Self::default();
        let manifest: Value = serde_json::from_str(include_str!("../../plugin.json")).unwrap();
        for route in manifest["objectos"]["routes"].as_array().unwrap() {
            let text = |key: &str| route[key].as_str().unwrap().to_owned();
            let access: &'static str = match route["access"].as_str() {
                Some("public") => "public",
                Some("system") => "system",
                _ => "authenticated",
            };
            let (method, path) = (text("method"), text("path"));
            let own = Route {
                plugin: "objectos.server".to_owned(),
                method,
                path,
                access,
                handler: None,
                flow: None,
                line: None,
            };
            gateway.state.lock().unwrap().routes.push(own);
        }
        for method in ["GET", "POST"] {
            gateway.route(PLUGIN, &format!("{method} /echo/{{name}}"), "authenticated", echo);
            gateway.route(
                PLUGIN,
                &format!("{method} /api/v1/echo/{{name}}"),
                "authenticated",
                echo,
            );
        }
        gateway
    }

    /// Tells the test when the memory of an answer is given back.
    pub(crate) fn tell_releases(mut self) -> (Self, mpsc::UnboundedReceiver<usize>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.released = Some(sender);
        (self, receiver)
    }

    pub(crate) fn route<F, Fut>(&self, plugin: &str, route: &str, access: &'static str, handler: F)
    where
        F: Fn(Context, HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
    {
        let (method, path) = route.split_once(' ').unwrap();
        let handler: Handler = Arc::new(move |context, request| Box::pin(handler(context, request)));
        let (plugin, method, path) = (plugin.to_owned(), method.to_owned(), path.to_owned());
        self.state.lock().unwrap().routes.push(Route {
            plugin,
            method,
            path,
            access,
            handler: Some(handler),
            flow: None,
            line: None,
        });
        self.changed();
    }

    /// A route whose body is made while it is sent.
    pub(crate) fn flowing(&self, route: &str, make: impl Fn() -> Box<dyn Flow> + Send + Sync + 'static) {
        self.route(PLUGIN, route, "authenticated", |_, _| async {
            Ok(HttpResponse::empty(200).with_header("content-type", "text/plain"))
        });
        let mut state = self.state.lock().unwrap();
        state.routes.last_mut().unwrap().flow = Some(Arc::new(make));
    }

    /// Has the route that was added last go on as a socket where its handler answers 101.
    pub(crate) fn socketing(&self, make: impl Fn() -> Box<dyn Line> + Send + Sync + 'static) {
        let mut state = self.state.lock().unwrap();
        state.routes.last_mut().unwrap().line = Some(Arc::new(make));
    }

    pub(crate) fn remove_routes(&self, plugin: &str) {
        self.state.lock().unwrap().routes.retain(|route| route.plugin != plugin);
        self.changed();
    }

    pub(crate) fn service(&self, plugin: &str, name: &str, available: bool) {
        let entry = json!({ "name": name, "version": "1.0.0", "plugin": plugin, "available": available });
        self.state.lock().unwrap().services.push(entry);
        self.changed();
    }

    /// Declares `auth` and says what it answers: JSON of an identity.
    pub(crate) fn auth(&self, answer: impl Fn(Context, Credentials) -> Result<Value> + Send + Sync + 'static) {
        self.service("test.auth", "auth", true);
        self.state.lock().unwrap().authenticate = Some(Arc::new(answer));
    }

    /// Declares `permissions` and says who holds what.
    pub(crate) fn permissions(&self, answer: impl Fn(Context, &str) -> Result<bool> + Send + Sync + 'static) {
        self.service("test.permissions", "permissions", true);
        self.state.lock().unwrap().permit = Some(Arc::new(answer));
    }

    pub(crate) fn kernel(&self, method: &str, answer: Result<Value>) {
        let mut state = self.state.lock().unwrap();
        state.kernel_answers.retain(|(known, _)| known != method);
        state.kernel_answers.push((method.to_owned(), answer));
    }

    /// Calls of the kernel so far: method and request.
    pub(crate) fn kernel_calls(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().kernel_calls.clone()
    }

    /// User, route and code of what was told to be refused.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.state.lock().unwrap().refused.clone()
    }

    fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

impl Gateway for TestGateway {
    type Routes = String;
    type Bytes = TestBytes;

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    fn contributions(&self, kind: &str) -> TestBytes {
        let state = self.state.lock().unwrap();
        let routes = || {
            let entry = |route: &Route| json!({ "plugin": route.plugin, "method": route.method, "path": route.path, "access": route.access });
            state.routes.iter().map(entry).collect::<Vec<_>>()
        };
        let entries = if kind == "routes" {
            routes()
        } else {
            state.services.clone()
        };
        TestBytes {
            bytes: serde_json::to_vec(&entries).unwrap(),
            released: None,
        }
    }

    fn open(&self, plugin: &str) -> Result<String> {
        match plugin {
            "test.forbidden" => Err(Error::new(ErrorKind::Denied, "not granted")),
            _ => Ok(plugin.to_owned()),
        }
    }

    fn call(
        &self,
        routes: &String,
        context: &Context,
        route: &str,
        frame: &[u8],
    ) -> impl Future<Output = Result<TestBytes>> + Send + 'static {
        let state = self.state.lock().unwrap();
        let found = state
            .routes
            .iter()
            .find(|known| known.plugin == *routes && route == format!("{} {}", known.method, known.path));
        let handler = found.and_then(|route| route.handler.clone());
        let flow = found.and_then(|route| route.flow.clone());
        let line = found.and_then(|route| route.line.clone());
        let shared = Arc::clone(&self.state);
        let begun = handler
            .ok_or_else(|| Error::unavailable("the plugin is gone"))
            .and_then(|handler| Ok(handler(context.clone(), HttpRequest::decode(frame.to_vec())?)));
        let released = self.released.clone();
        async move {
            let response = begun?.await?;
            let bytes = match (flow, line) {
                (_, Some(make)) if response.status == 101 => {
                    let mut state = shared.lock().unwrap();
                    state.lines.push(Some(make()));
                    response.encode_socket(u64::try_from(state.lines.len() - 1).unwrap())
                }
                (Some(make), _) => {
                    let mut state = shared.lock().unwrap();
                    state.flows.push(Some(make()));
                    response.encode_streamed(u64::try_from(state.flows.len() - 1).unwrap())
                }
                _ => response.encode(),
            };
            Ok(TestBytes { bytes, released })
        }
    }

    fn flow(&self, stream: u64) -> Box<dyn Flow> {
        let number = usize::try_from(stream).unwrap();
        self.state.lock().unwrap().flows[number]
            .take()
            .expect("it is read once")
    }

    fn line(&self, socket: u64) -> Box<dyn Line> {
        let number = usize::try_from(socket).unwrap();
        self.state.lock().unwrap().lines[number]
            .take()
            .expect("it is taken once")
    }

    async fn authenticate(&self, context: &Context, presented: &Presented<'_>) -> Result<TestBytes> {
        let authenticate = self.state.lock().unwrap().authenticate.clone();
        let authenticate = authenticate.ok_or_else(|| Error::unavailable("auth is down"))?;
        let credentials = serde_json::from_value(json!(presented)).expect("both have one shape");
        let identity = authenticate(context.clone(), credentials)?;
        Ok(TestBytes {
            bytes: serde_json::to_vec(&identity).unwrap(),
            released: None,
        })
    }

    async fn has_system_permission(&self, context: &Context, permission: &'static str) -> Result<bool> {
        let permit = self.state.lock().unwrap().permit.clone();
        permit.ok_or_else(|| Error::unavailable("permissions is down"))?(context.clone(), permission)
    }

    async fn kernel(&self, _: &Context, method: &'static str, request: &[u8]) -> Result<TestBytes> {
        let mut state = self.state.lock().unwrap();
        state
            .kernel_calls
            .push((method.to_owned(), String::from_utf8(request.to_vec()).unwrap()));
        let answer = state.kernel_answers.iter().find(|(known, _)| known == method);
        let answer = answer.map_or_else(|| Err(Error::unavailable("no kernel")), |(_, answer)| answer.clone())?;
        Ok(TestBytes {
            bytes: serde_json::to_vec(&answer).unwrap(),
            released: None,
        })
    }

    async fn refused(&self, context: &Context, route: &str, error: &Error) {
        let line = format!("{} {route} {}", context.user(), error.code());
        self.state.lock().unwrap().refused.push(line);
    }

    fn now_ms(&self) -> i64 {
        NOW_MS
    }
}

/// Answers with everything that a handler sees.
pub(crate) async fn echo(context: Context, request: HttpRequest) -> Result<HttpResponse> {
    let headers: Vec<(&str, &str)> = request.headers().collect();
    let body = String::from_utf8_lossy(request.body());
    HttpResponse::json(
        200,
        &json!({
            "method": request.method(),
            "route": request.route(),
            "path": request.path(),
            "query": request.query(),
            "name": request.parameter("name"),
            "headers": headers,
            "body": if body.len() > 4096 { json!(body.len()) } else { json!(body) },
            "principal": context.principal()?,
            "user": context.user(),
            "tenant": context.tenant(),
            "request_id": context.request_id(),
            "trace_id": context.trace_id(),
            "extra": context.extra(),
            "limited": context.remaining().is_some(),
        }),
    )
}

/// A handler that tells when it was called and when its future was dropped, and answers when it is let.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) entered: Arc<Notify>,
    pub(crate) open: Arc<Notify>,
    pub(crate) dropped: Arc<Notify>,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Gate {
    pub(crate) fn handler(&self) -> impl Fn(Context, HttpRequest) -> Answered + Send + Sync + 'static {
        let gate = self.clone();
        move |_, _| {
            let gate = gate.clone();
            Box::pin(async move {
                let _dropped = OnDrop(gate.dropped.clone());
                gate.entered.notify_one();
                gate.open.notified().await;
                Ok(HttpResponse::json_bytes(200, b"\"through\"".to_vec()))
            })
        }
    }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) listening: Listening<TestGateway>,
    pub(crate) address: SocketAddr,
    socket: TcpListener,
}

impl Running {
    /// Another server on the same socket, as the next version of the plugin.
    pub(crate) fn successor(&self, gateway: TestGateway, config: Value) -> Self {
        start_on(self.socket.try_clone().unwrap(), gateway, config, None)
    }
}

pub(crate) fn start(gateway: &TestGateway, config: Value) -> Running {
    start_on(TcpListener::bind("127.0.0.1:0").unwrap(), gateway.clone(), config, None)
}

pub(crate) fn start_tls(gateway: &TestGateway, config: Value, tls: TlsAcceptor) -> Running {
    start_on(
        TcpListener::bind("127.0.0.1:0").unwrap(),
        gateway.clone(),
        config,
        Some(tls),
    )
}

fn start_on(socket: TcpListener, gateway: TestGateway, config: Value, tls: Option<TlsAcceptor>) -> Running {
    let server = Arc::new(server(gateway, config));
    let listening = Listening::start(server, OwnedFd::from(socket.try_clone().unwrap()), tls).unwrap();
    Running {
        address: listening.address(),
        listening,
        socket,
    }
}

pub(crate) fn server(gateway: TestGateway, config: Value) -> Server<TestGateway> {
    let config: ServerConfig = serde_json::from_value(config).unwrap();
    Server::new(gateway, config, "development").unwrap()
}
