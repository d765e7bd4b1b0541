//! A started plugin, a browser that keeps cookies, and the words tests are written in.

use objectos_auth::AuthPlugin;
use objectos_plugin_api::{
    Context, Error, HttpRequestParts, HttpResponse, Principal, Result,
    contracts::{
        auth::{AuthClient, Credentials, Identity},
        data::{DataServer, EventBeside},
        mailer::{MailMessage, Mailer, MailerServer},
    },
};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Map, Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::data::MemoryData;

/// Time of every test: 2023-11-14T22:13:20Z.
/// The id of every request of a browser here.
pub(crate) const REQUEST: &str = "r1";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
pub(crate) const PASSWORD: &str = "tangerine-otter-41";
pub(crate) const SECRET: &str = "a secret of tests that is long enough";

/// Mails that would have gone out.
#[derive(Default)]
pub(crate) struct Mailbox(pub(crate) Mutex<Vec<MailMessage>>);

impl Mailer for Mailbox {
    async fn send(&self, _: Context, message: MailMessage) -> Result<String> {
        self.0.lock().unwrap().push(message);
        Ok("m1".to_owned())
    }
}

pub(crate) struct World {
    pub(crate) plugin: TestPlugin,
    pub(crate) data: Arc<MemoryData>,
    pub(crate) mails: Arc<Mailbox>,
    /// So many mails were read.
    read: AtomicUsize,
    /// So much was told with changes before it was there.
    told_before: usize,
}

/// What the tests use of the configuration: cheap hashes.
pub(crate) fn config(more: &Value) -> Value {
    let mut config = json!({ "hashing": { "memoryKib": 64, "iterations": 1, "parallelism": 1 } });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

pub(crate) async fn world(more: Value) -> World {
    world_in("development", more, Arc::new(MemoryData::new()), &[]).await
}

pub(crate) async fn world_in(mode: &str, more: Value, data: Arc<MemoryData>, environment: &[(&str, &str)]) -> World {
    let with = |host: TestHost| {
        environment
            .iter()
            .fold(host, |host, (name, value)| host.environment(name, value))
    };
    world_with(mode, more, data, with).await
}

/// A world whose host has something more.
pub(crate) async fn world_with(
    mode: &str,
    more: Value,
    data: Arc<MemoryData>,
    with: impl FnOnce(TestHost) -> TestHost,
) -> World {
    let mails = Arc::new(Mailbox::default());
    let told_before = data.told().len();
    let host = TestHost::new(include_str!("../../plugin.json"))
        .config(config(&more))
        .settings(json!({ "mode": mode, "listen": "127.0.0.1:3000" }))
        .now_ms(NOW_MS)
        .environment("OBJECTOS_AUTH_SECRET", SECRET)
        .service(DataServer::new(Arc::clone(&data)))
        .service(MailerServer::new(Arc::clone(&mails)));
    let plugin = with(host).start::<AuthPlugin>().await.unwrap();
    World {
        plugin,
        data,
        mails,
        read: AtomicUsize::new(0),
        told_before,
    }
}

impl World {
    /// The security events that came with changes so far.
    pub(crate) fn told(&self) -> Vec<EventBeside> {
        self.data.told().split_off(self.told_before)
    }

    /// Names of the security events that came by themselves so far.
    pub(crate) fn published(&self) -> Vec<String> {
        let published = self.plugin.published();
        published
            .into_iter()
            .inspect(|event| assert!(event.durable, "{} is durable", event.name))
            .map(|event| event.name)
            .collect()
    }

    /// Names of the security events so far.
    pub(crate) fn events(&self) -> Vec<String> {
        let told = self.told().into_iter().map(|event| event.name);
        told.chain(self.published()).collect()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|name| *name == event).count()
    }

    /// Who the gateway would say it is.
    pub(crate) async fn who(&self, credentials: &Credentials) -> Result<Option<Principal>> {
        Ok(self.identity(credentials).await?.principal)
    }

    pub(crate) async fn identity(&self, credentials: &Credentials) -> Result<Identity> {
        let client = AuthClient::open(&self.plugin.host())?;
        client.authenticate(&Context::background(), credentials).await
    }

    /// The next mail that was not read yet. Mails may go out after the answer.
    pub(crate) async fn mailed(&self) -> MailMessage {
        let read = self.read.fetch_add(1, Ordering::SeqCst);
        for _ in 0..30_000 {
            if let Some(mail) = self.mails.0.lock().unwrap().get(read) {
                return mail.clone();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("no mail")
    }

    /// The token in the link of the next mail.
    pub(crate) async fn mailed_token(&self) -> String {
        token_in(&self.mailed().await.text)
    }

    /// The end of the link in the last mail, which is one of an invitation.
    pub(crate) fn invited(&self) -> String {
        let mails = self.mails.0.lock().unwrap();
        let text = &mails.last().expect("a mail").text;
        let (_, rest) = text.split_once("accept-invitation/").expect("a link");
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// Takes what every mailbox has got so far as read.
    pub(crate) fn read_all(&self) {
        self.read.store(self.mails.0.lock().unwrap().len(), Ordering::SeqCst);
    }

    /// A browser in which somebody registered.
    pub(crate) async fn registered(&self, email: &str) -> Browser<'_> {
        let mut browser = Browser::new(self);
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
        browser.post("sign-up/email", body).await.expect(200);
        browser
    }
}

/// The token in the link of a mail.
pub(crate) fn token_in(text: &str) -> String {
    let at = text
        .find("token=")
        .map(|at| at + 6)
        .or_else(|| text.find("reset-password/").map(|at| at + 15));
    text[at.expect("a link")..]
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

pub(crate) fn bearer(token: &str) -> Credentials {
    Credentials {
        authorization: Some(format!("Bearer {token}")),
        method: "GET".to_owned(),
        path: "/api/v1/data/account".to_owned(),
        ..Credentials::default()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) {
        assert_eq!(
            (self.status, &self.body["code"]),
            (status, &json!(code)),
            "{}",
            self.body
        );
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A browser: keeps cookies, and says which page it is on.
pub(crate) struct Browser<'a> {
    world: &'a World,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) origin: Option<String>,
    pub(crate) address: String,
    pub(crate) token: String,
    more: Vec<(&'static str, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            cookies: Vec::new(),
            origin: Some("http://localhost:3000".to_owned()),
            address: "192.0.2.1".to_owned(),
            token: String::new(),
            more: Vec::new(),
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.more.push((name, value.to_owned()));
        self
    }

    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, "", body.to_string()).await
    }

    /// A request about one resource, by its id.
    pub(crate) async fn one(&mut self, method: &str, folder: &str, id: &str, body: Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, &format!("{folder}/{id}"), "", body).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send("GET", path, query, String::new()).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, query: &str, body: String) -> Answer {
        let full = format!("/api/v1/auth/{path}");
        let known = [
            ("reset-password/", "token"),
            ("oauth2/callback/", "provider"),
            ("scim/v2/Users/", "id"),
            ("scim/v2/Groups/", "id"),
            ("scim/v2/Schemas/", "id"),
            ("scim/v2/ResourceTypes/", "id"),
        ];
        let placed = known
            .iter()
            .find_map(|(base, name)| Some((*base, *name, path.strip_prefix(base)?)));
        let (pattern, name, parameter) = match placed {
            Some((base, name, value)) => (format!("/api/v1/auth/{base}{{{name}}}"), name, value.to_owned()),
            None => (full.clone(), "token", String::new()),
        };
        let cookies = self.cookie_header();
        let mut headers = vec![("host", "localhost:3000"), ("content-type", "application/json")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if let Some(origin) = &self.origin {
            headers.push(("origin", origin));
        }
        headers.extend(self.more.iter().map(|(name, value)| (*name, value.as_str())));
        let parameters = [(name, parameter.as_str())];
        let request = HttpRequestParts {
            method,
            route: &pattern,
            path: &full,
            query,
            parameters: &parameters,
            headers: &headers,
            body: body.as_bytes(),
        };
        let route = format!("{method} {pattern}");
        let context = self.context(method, &full).await;
        let answered = match context {
            Ok(context) => self.world.plugin.route(&route, &context, &request).await,
            Err(error) => Err(error),
        };
        self.take(answered)
    }

    /// As the gateway makes it: with the principal, if the caller is somebody.
    async fn context(&self, method: &str, path: &str) -> Result<Context> {
        let mut extra = Map::new();
        extra.insert("address".to_owned(), self.address.as_str().into());
        extra.insert("userAgent".to_owned(), "tests".into());
        let context = Context::request(REQUEST).with_extra(&extra);
        let header = |name: &str| {
            self.more
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        };
        let credentials = Credentials {
            authorization: header("authorization"),
            cookie: Some(self.cookie_header()).filter(|text| !text.is_empty()),
            api_key: header("x-api-key"),
            origin: self.origin.clone(),
            host: Some("localhost:3000".to_owned()),
            method: method.to_owned(),
            path: path.to_owned(),
            address: self.address.clone(),
            ..Credentials::default()
        };
        Ok(match self.world.who(&credentials).await {
            Ok(Some(principal)) => context.with_principal(&principal),
            _ => context,
        })
    }

    fn take(&mut self, answered: Result<HttpResponse, Error>) -> Answer {
        let response = match answered {
            Ok(response) => response,
            Err(error) => panic!("{error}: {}", error.internal_message()),
        };
        for (name, value) in &response.headers {
            if name == "set-cookie" {
                let (pair, attributes) = value.split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.retain(|(known, _)| known != name);
                if !attributes.contains("Max-Age=0") {
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let body: Value = if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&response.body).unwrap_or(Value::Null)
        };
        if let Some(token) = body["token"].as_str() {
            token.clone_into(&mut self.token);
        }
        Answer {
            status: response.status,
            body,
            headers: response.headers,
        }
    }

    /// Whether the gateway would know who it is.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        !self.get("get-session").await.expect(200).is_null()
    }
}
