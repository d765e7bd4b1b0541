//! An ObjectOS plugin by a third party. One trait, one attribute, and a manifest beside `Cargo.toml`.
//!
//! * Service `greeting`: other plugins ask it for a greeting.
//! * Routes `GET /api/v1/hello/{name}` and `GET /api/v1/hello`.
//! * Hook `data.before_insert`: refuses records whose name contains a refused word.
//! * Event `data.record.created`, durable: counts records; the count survives a swap of the plugin.

use objectos_plugin_api::{
    Context, Error, HookAnswer, Host, HttpResponse, NewEvent, Plugin, Registry, Result, Setup,
    contracts::{events::RECORD_CREATED, hooks},
    plugin, service,
};
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Whom to greet. JSON: `{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GreetRequest {
    /// A name, not empty.
    pub name: String,
}

/// A greeting. JSON: `{text}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The whole sentence.
    pub text: String,
}

/// Greets. From this one declaration come the provider's trait, `GreeterServer` and `GreeterClient`.
#[service(name = "greeting", version = "1.0.0")]
pub trait Greeter {
    /// Greets somebody.
    async fn greet(&self, context: Context, request: GreetRequest) -> Result<Greeting>;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    greeting: String,
    refused_words: Vec<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct Hello {
    host: Host,
    config: Config,
    created: AtomicU64,
}

#[plugin]
impl Plugin for Hello {
    async fn init(setup: Setup) -> Result<Self> {
        let config: Config = setup.config()?;
        tracing::info!(greeting = config.greeting, "hello is ready to greet");
        Ok(Self { config, created: AtomicU64::new(0), host: setup.host })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(GreeterServer::new(Arc::clone(self)));
        registry.route("GET /api/v1/hello/{name}", |hello, context, request| async move {
            let name = request.parameter("name").to_owned();
            HttpResponse::json(200, &hello.greet(context, GreetRequest { name }).await?)
        });
        registry.route("GET /api/v1/hello", |hello, _, _| async move {
            HttpResponse::json(200, &serde_json::json!({ "created": hello.created.load(Ordering::SeqCst) }))
        });
        registry.hook(hooks::BEFORE_INSERT, &[], |hello, _, call| async move {
            let payload: hooks::RecordHook = call.json()?;
            let name = payload.record.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_lowercase();
            match hello.config.refused_words.iter().find(|word| name.contains(&word.to_lowercase())) {
                Some(word) => Err(Error::veto(format!("names with the word {word} are not welcome"))),
                None => Ok(HookAnswer::Unchanged),
            }
        });
        registry.durable_event("count", RECORD_CREATED, |hello, _, _| async move {
            hello.created.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
    }

    async fn suspend(self: Arc<Self>) -> Result<Vec<u8>> {
        Ok(self.created.load(Ordering::SeqCst).to_string().into_bytes())
    }

    async fn resume(self: Arc<Self>, state: Vec<u8>) -> Result<()> {
        let count = String::from_utf8_lossy(&state).parse().map_err(Error::internal)?;
        self.created.store(count, Ordering::SeqCst);
        Ok(())
    }
}

impl Greeter for Hello {
    async fn greet(&self, context: Context, request: GreetRequest) -> Result<Greeting> {
        if request.name.trim().is_empty() {
            return Err(Error::invalid("name is empty: say whom to greet").with_code("missing_required_field"));
        }
        let greeting = Greeting { text: format!("{}, {}!", self.config.greeting, request.name) };
        let payload = serde_json::to_vec(&greeting)?;
        self.host.publish(&context, &NewEvent::new("hello.greeted", &payload))?;
        Ok(greeting)
    }
}
