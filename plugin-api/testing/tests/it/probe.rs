//! The plugin under test.

use objectos_plugin_api::{
    BodyStream, CommandAnswer, Context, Error, Health, HookAnswer, HttpAnswer, HttpResponse, NewEvent, Plugin,
    Registry, Result, Setup, Socket, SocketMessage, service,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

pub(crate) const MANIFEST: &str = r#"{
  "manifest": {"id": "test.probe", "version": "1.0.0", "type": "plugin", "name": "Probe"},
  "capabilities": {},
  "security": {"pluginId": "test.probe", "trustLevel": "community", "permissions": {"permissions": [], "defaultGrant": "deny"}, "sandbox": {}},
  "objectos": {
    "api": "^1",
    "services": {"provides": [{"name": "sum", "version": "1.2.0"}], "uses": [{"name": "store", "range": "^1"}]},
    "hooks": {"handles": ["data.before_insert"], "runs": []},
    "events": {"handles": ["data.record.*", "data.step.*"], "publishes": ["probe.seen"]},
    "routes": [
      {"method": "GET", "path": "/api/v1/probe/{name}"},
      {"method": "GET", "path": "/api/v1/probe/pieces/{count}"},
      {"method": "GET", "path": "/api/v1/probe/socket/{first}"}
    ],
    "commands": [{"name": "probe", "summary": "says what it was given"}]
  }
}"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub left: i64,
    pub right: i64,
}

#[service(name = "sum", version = "1.2.0")]
pub trait Sum {
    /// Adds, later.
    async fn add(&self, context: Context, numbers: Numbers) -> Result<i64>;
    /// Adds, now.
    fn add_now(&self, context: Context, numbers: Numbers) -> Result<i64>;
    /// How often it was asked.
    fn count(&self, context: Context) -> Result<u64>;
    /// Bytes backwards.
    #[raw]
    async fn reverse(&self, context: Context, bytes: Vec<u8>) -> Result<Vec<u8>>;
    /// Panics.
    async fn fall(&self, context: Context) -> Result<()>;
    /// Waits on a timer of the plugin's own runtime.
    async fn wait(&self, context: Context, milliseconds: u64) -> Result<String>;
}

#[service(name = "store", version = "1.0.0")]
pub trait Store {
    async fn keep(&self, context: Context, text: String) -> Result<usize>;
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    greeting: String,
    undeclared: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            greeting: "hello".to_owned(),
            undeclared: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Probe {
    setup: Setup,
    config: Config,
    store: StoreClient,
    asked: AtomicU64,
}

impl Plugin for Probe {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let config: Config = setup.config()?;
        let store = StoreClient::open(&setup.host)?;
        Ok(Self {
            store,
            config,
            asked: AtomicU64::new(0),
            setup,
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(SumServer::new(Arc::clone(self)));
        registry.hook("data.before_insert", &["account"], |_, _, call| async move {
            let mut payload: Value = call.json()?;
            match payload["record"]["name"].as_str() {
                Some("spam") => Err(Error::veto("no spam, please")),
                Some(name) => {
                    payload["record"]["name"] = json!(name.to_uppercase());
                    HookAnswer::changed(&payload)
                }
                None => Ok(HookAnswer::Unchanged),
            }
        });
        registry.durable_event("seen", "data.record.*", |probe, context, event| async move {
            probe.store.keep(&context, &event.name).await?;
            let payload = serde_json::to_vec(&event.payload)?;
            probe
                .setup
                .host
                .publish(&context, &NewEvent::new("probe.seen", &payload).with_key("k"))
        });
        registry.durable_events("steps", "data.step.*", 3, |probe, context, events| async move {
            let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
            probe.store.keep(&context, &names.join(" ")).await.map(drop)
        });
        registry.route("GET /api/v1/probe/{name}", |probe, context, request| async move {
            let answer = json!({
                "text": format!("{} {}", probe.config.greeting, request.parameter("name")),
                "query": request.query(),
                "accept": request.header("accept"),
                "body": String::from_utf8_lossy(request.body()),
                "user": context.user(),
            });
            Ok(HttpResponse::json(200, &answer)?.with_header("x-probe", "yes"))
        });
        registry.streaming_route("GET /api/v1/probe/pieces/{count}", |_, _, request| async move {
            let count: u32 = request.parameter("count").parse().map_err(Error::internal)?;
            if count == 0 {
                return Ok(HttpAnswer::Whole(HttpResponse::empty(204)));
            }
            let body = BodyStream::unfold(0, move |made| async move {
                // What waits is made on the plugin's own runtime, piece by piece.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                match made {
                    13 => panic!("the thirteenth piece"),
                    7 if count == 8 => Err(Error::not_found("the eighth piece is missing")),
                    made if made == count => Ok(None),
                    made => Ok(Some((format!("{made};").into_bytes(), made + 1))),
                }
            });
            let head = HttpResponse::empty(200).with_header("content-type", "text/plain");
            Ok(HttpAnswer::Streamed(head, body))
        });
        registry.streaming_route("GET /api/v1/probe/socket/{first}", |_, _, request| async move {
            match request.parameter("first") {
                "none" => Ok(HttpAnswer::Whole(HttpResponse::empty(204))),
                first => Ok(HttpAnswer::Socket(echo(first))),
            }
        });
        registry.command("probe", |_, _, arguments| async move {
            Ok(CommandAnswer {
                output: arguments.join("+"),
                ..CommandAnswer::default()
            })
        });
        if self.config.undeclared {
            registry.command("surprise", |_, _, _| async move { Ok(CommandAnswer::default()) });
        }
    }

    async fn suspend(self: Arc<Self>) -> Result<Vec<u8>> {
        Ok(self.asked.load(Ordering::SeqCst).to_le_bytes().to_vec())
    }

    async fn resume(self: Arc<Self>, state: Vec<u8>) -> Result<()> {
        let bytes = state.try_into().map_err(|_| Error::invalid("not eight bytes"))?;
        self.asked.store(u64::from_le_bytes(bytes), Ordering::SeqCst);
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        Health::degraded("a little tired")
    }
}

/// Says `first`, then whatever it hears; nothing more after a `Close`. Does not like `no`, is done with `until taken` once the
/// client has its echo, and never with `for good`.
fn echo(first: &str) -> Socket {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    drop(sender.send(SocketMessage::Text(first.to_owned())));
    let mut sender = Some(sender);
    let taken = Arc::new(Notify::new());
    let waiting = Arc::clone(&taken);
    Socket::new(
        Some("echo".to_owned()),
        receiver,
        move |mut receiver| {
            let taken = Arc::clone(&taken);
            async move {
                let message = receiver.recv().await;
                taken.notify_waiters();
                Ok(message.map(|message| (message, receiver)))
            }
        },
        move |message| {
            let taken = Arc::clone(&waiting).notified_owned();
            let order = match &message {
                SocketMessage::Text(text) => text.clone(),
                _ => String::new(),
            };
            if matches!(message, SocketMessage::Close { .. }) {
                sender = None;
            } else if order != "no" {
                drop(sender.as_ref().map(|sender| sender.send(message)));
            }
            async move {
                match order.as_str() {
                    "no" => return Err(Error::invalid("it does not like that")),
                    "until taken" => taken.await,
                    "for good" => std::future::pending().await,
                    // What waits is heard on the plugin's own runtime.
                    _ => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
                }
                Ok(())
            }
        },
    )
}

impl Sum for Probe {
    async fn add(&self, _: Context, numbers: Numbers) -> Result<i64> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        numbers
            .left
            .checked_add(numbers.right)
            .ok_or_else(|| Error::invalid("too large").with_code("value_out_of_range"))
    }

    fn add_now(&self, _: Context, numbers: Numbers) -> Result<i64> {
        Ok(numbers.left + numbers.right)
    }

    fn count(&self, _: Context) -> Result<u64> {
        Ok(self.asked.load(Ordering::SeqCst))
    }

    async fn reverse(&self, _: Context, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        bytes.reverse();
        Ok(bytes)
    }

    async fn fall(&self, _: Context) -> Result<()> {
        panic!("the floor is gone")
    }

    async fn wait(&self, _: Context, milliseconds: u64) -> Result<String> {
        tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
        Ok("waited".to_owned())
    }
}

/// What another plugin would provide.
#[derive(Debug, Default)]
pub(crate) struct Shelf(pub std::sync::Mutex<Vec<String>>);

impl Store for Shelf {
    async fn keep(&self, _: Context, text: String) -> Result<usize> {
        let mut kept = self.0.lock().map_err(Error::internal)?;
        kept.push(text);
        Ok(kept.len())
    }
}
