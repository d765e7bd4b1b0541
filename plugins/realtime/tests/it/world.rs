//! The plugin with a few deals, two tenants, people whose token is their name, and permissions by role: `boss` sees every deal
//! of the tenant, `seller` those that are theirs and not the field `secret`, `auditor` and `admin` hold system permissions.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Event, HttpRequestParts, HttpResponse, Principal, Result,
    contracts::{
        auth::{Auth, AuthServer, Credentials, Identity},
        data::{Data, DataServer, FindRequest, GetRequest},
        metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer},
        permissions::{
            AccessPlan, AccessRequest, FieldAccess, Permissions, PermissionsServer, SystemPermissionRequest,
        },
    },
};
use objectos_plugin_testing::{TestHost, TestPlugin};
use objectos_realtime::RealtimePlugin;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const MANIFEST: &str = include_str!("../../plugin.json");
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
/// How long the plugin goes on looking for messages of others beyond the end of a poll, at least.
const POLL_GRACE: Duration = Duration::from_millis(500);

/// What is there, and who is gone.
#[derive(Default)]
pub(crate) struct Ground {
    deals: Mutex<BTreeMap<String, Value>>,
    /// People whose session is over.
    pub(crate) over: Mutex<HashSet<String>>,
    /// How often a record was read.
    pub(crate) reads: AtomicUsize,
    /// Where it is there, whoever reads a record waits for it.
    pub(crate) gate: Mutex<Option<Arc<Notify>>>,
    /// With what was looked at a session, passively or not.
    pub(crate) looks: Mutex<Vec<bool>>,
}

fn principal(token: &str) -> Option<Principal> {
    let (role, tenant) = match token {
        "boss" => ("boss", "t1"),
        "ann" | "ann-phone" | "bob" => ("seller", "t1"),
        "guest" => ("nobody", "t1"),
        "other" => ("boss", "t2"),
        "auditor" => ("auditor", "t1"),
        "admin" => ("admin", "t1"),
        _ => return None,
    };
    Some(Principal {
        id: token.trim_end_matches("-phone").to_owned(),
        tenant: Some(tenant.to_owned()),
        roles: vec![role.to_owned()],
        session: Some(format!("session of {token}")),
        ..Principal::default()
    })
}

fn role(context: &Context) -> String {
    let principal = context.principal().unwrap().unwrap_or_default();
    principal.roles.first().cloned().unwrap_or_default()
}

impl Auth for Ground {
    async fn authenticate(&self, _: Context, credentials: Credentials) -> Result<Identity> {
        let token = credentials.authorization.unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        let over = self.over.lock().unwrap().contains(token);
        self.looks.lock().unwrap().push(credentials.passive);
        Ok(Identity {
            principal: principal(token).filter(|_| !over),
            headers: Vec::new(),
        })
    }
}

impl Permissions for Ground {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        Ok(match role(&context).as_str() {
            "auditor" => request.permission == "view_audit",
            "admin" => true,
            _ => false,
        })
    }
    async fn access_plan(&self, context: Context, _: AccessRequest) -> Result<AccessPlan> {
        let role = role(&context);
        let filter = (role == "seller").then(|| {
            json!({"$or": [
                {"owner_id": {"$eq": context.user()}},
                {"id": {"$inRecords": {"object": "share", "field": "record"}}},
            ]})
        });
        Ok(AccessPlan {
            allowed: matches!(role.as_str(), "boss" | "seller"),
            filter,
            readable: FieldAccess::All,
            ..AccessPlan::default()
        })
    }
}

impl Metadata for Ground {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(vec!["object".to_owned()])
    }
    async fn list(&self, _: Context, _: String) -> Result<Vec<MetadataItem>> {
        Ok(vec![MetadataItem {
            kind: "object".to_owned(),
            name: "deal".to_owned(),
            package: "test".to_owned(),
            definition: json!({"name": "deal", "tenancy": {"enabled": true, "strategy": "shared"}}),
        }])
    }
    async fn get(&self, _: Context, _: MetadataRequest) -> Result<Option<MetadataItem>> {
        Ok(None)
    }
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
}

fn unused() -> Result<Vec<u8>> {
    Err(Error::internal("nobody writes here"))
}

impl Data for Ground {
    async fn find(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request: FindRequest = serde_json::from_slice(&request)?;
        Err(Error::new(
            ErrorKind::NotImplemented,
            format!("{} has no bin", request.object),
        ))
    }
    async fn get(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let request: GetRequest = serde_json::from_slice(&request)?;
        let deals = self.deals.lock().unwrap();
        let seen = deals.get(&request.id).filter(|deal| {
            let own = role(&context) != "seller" || deal["owner_id"] == context.user();
            request.object == "deal" && own && deal["organization_id"] == context.tenant()
        });
        let mut record = seen.cloned().ok_or_else(|| Error::not_found("there is no such deal"))?;
        if role(&context) == "seller" {
            record.as_object_mut().unwrap().remove("secret");
        }
        Ok(serde_json::to_vec(
            &json!({"object": "deal", "id": request.id, "record": record}),
        )?)
    }
    async fn create(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        unused()
    }
    async fn update(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        unused()
    }
    async fn delete(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        unused()
    }
    async fn batch(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        unused()
    }
    async fn transaction(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        unused()
    }
}

/// The plugin in its world.
pub(crate) struct World {
    pub(crate) ground: Arc<Ground>,
    pub(crate) plugin: TestPlugin,
}

impl World {
    pub(crate) async fn new(config: Value) -> Self {
        let ground = Arc::new(Ground::default());
        let plugin = TestHost::new(MANIFEST)
            .config(config)
            .now_ms(NOW_MS)
            .service(AuthServer::new(Arc::clone(&ground)))
            .service(PermissionsServer::new(Arc::clone(&ground)))
            .service(MetadataServer::new(Arc::clone(&ground)))
            .service(DataServer::new(Arc::clone(&ground)))
            .start::<RealtimePlugin>()
            .await
            .unwrap();
        Self { ground, plugin }
    }

    /// Stops the plugin.
    pub(crate) async fn end(self) {
        self.plugin.stop().await.unwrap();
    }

    /// A request of somebody; `line` is `METHOD /route?query`, with the channel of a route after `#`.
    pub(crate) async fn send(&self, token: &str, line: &str, body: &Value) -> Result<HttpResponse> {
        let (line, channel) = line.split_once('#').unwrap_or((line, ""));
        let (method, address) = line.split_once(' ').unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let parts = HttpRequestParts {
            method,
            route: path,
            path,
            query,
            parameters: &[("channel", channel)],
            headers: if token.is_empty() { &[] } else { &headers },
            body: &body,
        };
        let route = format!("{method} {path}");
        self.plugin.route(&route, &Context::request("r1"), &parts).await
    }

    /// The same, which must be answered.
    pub(crate) async fn ask(&self, token: &str, line: &str, body: Value) -> Value {
        let answer = self.send(token, line, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{line}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A connection that is polled, with a subscription to deals.
    pub(crate) async fn listening(&self, token: &str) -> String {
        let body = json!({"transport": "polling", "channels": ["deal"]});
        let made = self.ask(token, "POST /api/v1/realtime/connect", body).await;
        made["connectionId"].as_str().unwrap().to_owned()
    }

    /// What a connection hears after a number, without waiting.
    pub(crate) async fn poll(&self, token: &str, connection: &str, after: u64) -> Value {
        let line = format!("GET /api/v1/realtime/poll?connectionId={connection}&after={after}&timeoutMs=0");
        loop {
            let begun = Instant::now();
            let answer = self.ask(token, &line, Value::Null).await;
            // One that took longer was cut short, as it may be; the next one has all of it again.
            if begun.elapsed() < POLL_GRACE {
                return answer;
            }
        }
    }

    /// The events among that: name, id of the record, names of fields.
    pub(crate) async fn heard(&self, token: &str, connection: &str) -> Vec<String> {
        let answer = self.poll(token, connection, 0).await;
        let messages = answer["messages"].as_array().unwrap();
        messages.iter().map(|entry| told(&entry["message"])).collect()
    }

    /// A deal is made or changed, and the bus tells of it.
    pub(crate) async fn put(&self, id: &str, tenant: &str, owner: &str, changes: Option<&[&str]>) {
        let deal = json!({"id": id, "organization_id": tenant, "owner_id": owner, "amount": 1, "secret": "s"});
        self.ground.deals.lock().unwrap().insert(id.to_owned(), deal.clone());
        let name = if changes.is_some() {
            "data.record.updated"
        } else {
            "data.record.created"
        };
        let mut payload = record(name, id, tenant);
        payload["after"] = deal;
        if let Some(changes) = changes {
            payload["changes"] = json!(changes);
        }
        self.tell(name, payload).await;
    }

    /// A deal is deleted for good.
    pub(crate) async fn delete(&self, id: &str) {
        let before = self.ground.deals.lock().unwrap().remove(id).unwrap();
        let tenant = before["organization_id"].as_str().unwrap().to_owned();
        let mut payload = record("data.record.deleted", id, &tenant);
        payload["before"] = before;
        self.tell("data.record.deleted", payload).await;
    }

    /// Until records were read so often: whoever reads one is there.
    pub(crate) async fn until_read(&self, times: usize) {
        while self.ground.reads.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn tell(&self, name: &str, payload: Value) {
        let event = event(name, payload);
        assert_eq!(
            self.plugin.deliver(&Context::request("r1"), &event).await.unwrap(),
            1,
            "{name}"
        );
    }
}

fn record(name: &str, id: &str, tenant: &str) -> Value {
    json!({
        "type": name, "object": "deal", "recordId": id, "organizationId": tenant, "userId": "boss",
        "timestamp": "2023-11-14T22:13:20.000Z", "origin": {"address": "203.0.113.7"},
    })
}

/// An event of the bus, of tenant `t1` and `boss`.
#[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
pub(crate) fn event(name: &str, payload: Value) -> Event {
    serde_json::from_value(json!({
        "id": "e1", "name": name, "payload": payload,
        "metadata": {
            "source": "objectos.data", "timestamp": "2023-11-14T22:13:20.000Z", "userId": "boss", "tenantId": "t1",
        },
    }))
    .unwrap()
}

/// A message in a few words.
pub(crate) fn told(message: &Value) -> String {
    if message["type"] != "event" {
        return format!(
            "{} {}",
            message["type"].as_str().unwrap(),
            message["code"].as_str().unwrap_or_default()
        );
    }
    let payload = &message["payload"];
    let fields: Vec<&str> = payload["after"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let parts = [
        message["eventName"].as_str().unwrap(),
        payload["recordId"].as_str().unwrap_or_default(),
        &fields.join(","),
    ];
    parts.join(" ").trim_end().to_owned()
}
