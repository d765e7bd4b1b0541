//! The audit with records in memory that outlive it, some metadata, and permissions when a test wants them.

use objectos_audit::AuditPlugin;
use objectos_plugin_api::{
    Context, Error, Event, HttpRequestParts, HttpResponse, Principal, PrincipalKind, Result,
    contracts::{
        data::DataServer,
        metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer},
        permissions::{
            AccessPlan, AccessRequest, FieldAccess, Holdings, Permissions, PermissionsServer, SystemPermissionRequest,
        },
    },
};
use objectos_plugin_testing::{TestError, TestHost, TestPlugin};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::memory::Memory;

const MANIFEST: &str = include_str!("../../plugin.json");
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// Objects with labels and types.
#[derive(Default)]
pub(crate) struct Definitions {
    /// How often it was asked for `employee`.
    pub(crate) asked: AtomicU64,
}

impl Metadata for Definitions {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(vec!["object".to_owned()])
    }
    async fn list(&self, _: Context, _: String) -> Result<Vec<MetadataItem>> {
        Ok(Vec::new())
    }
    async fn get(&self, _: Context, request: MetadataRequest) -> Result<Option<MetadataItem>> {
        if request.name == "employee" {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
        // As with the real one, others have their turn while it is asked.
        tokio::task::yield_now().await;
        let definition = match request.name.as_str() {
            "employee" => json!({ "name": "employee", "label": "Employee", "fields": {
                "name": { "type": "text", "label": "Full name" },
                "salary": { "type": "currency", "label": "Salary" },
                "badge": { "type": "text", "label": "Badge", "maskingRule": {
                    "field": "badge", "strategy": "partial", "exemptRoles": ["payroll"],
                } },
                "door_code": { "type": "password", "label": "Door code" },
                "profile": { "type": "json", "label": "Profile" },
            } }),
            "sys_widget" => json!({ "name": "sys_widget", "label": "Widget", "isSystem": true, "fields": {
                "proof": { "type": "text", "label": "Proof", "hidden": true },
            } }),
            _ => return Ok(None),
        };
        Ok(Some(MetadataItem {
            kind: "object".to_owned(),
            name: request.name,
            package: "test".to_owned(),
            definition,
        }))
    }
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
}

/// Says what it was told to say: by the names of the principal's roles.
struct Rules;

impl Permissions for Rules {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        let principal = context.principal()?.unwrap_or_default();
        if principal.roles.iter().any(|role| role == "broken") {
            return Err(Error::unavailable("the permissions are away"));
        }
        Ok(principal.roles.contains(&request.permission))
    }
    async fn access_plan(&self, context: Context, _: AccessRequest) -> Result<AccessPlan> {
        let principal = context.principal()?.unwrap_or_default();
        let readable = if principal.roles.iter().any(|role| role == "payroll") {
            FieldAccess::All
        } else {
            FieldAccess::Except(vec!["salary".to_owned()])
        };
        // What the filter says does not matter: the records in memory are the ones that everybody sees.
        let bound = principal.roles.iter().any(|role| role == "bound");
        // Who is `clerk` by the session is `payroll` by what only the permissions know.
        let clerk = principal.roles.iter().any(|role| role == "clerk");
        let holdings = clerk.then(|| Holdings {
            roles: vec!["clerk".to_owned(), "payroll".to_owned()],
            ..Holdings::default()
        });
        Ok(AccessPlan {
            allowed: true,
            holdings,
            filter: bound.then(|| json!({ "owner_id": principal.id })),
            readable,
            ..AccessPlan::default()
        })
    }
}

/// What outlives the plugin.
pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) permissions: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::new(Memory::new(&[("sys_audit_event", "sequence")])),
            definitions: Arc::default(),
            permissions: false,
        }
    }

    pub(crate) async fn try_start(&self, config: Value) -> Result<TestPlugin, TestError> {
        let mut host = TestHost::new(MANIFEST)
            .config(config)
            .now_ms(NOW_MS)
            .service(DataServer::new(Arc::clone(&self.memory)))
            .service(MetadataServer::new(Arc::clone(&self.definitions)));
        if self.permissions {
            host = host.service(PermissionsServer::new(Arc::new(Rules)));
        }
        host.start::<AuditPlugin>().await
    }

    pub(crate) async fn start(&self, config: Value) -> TestPlugin {
        self.try_start(config).await.unwrap()
    }

    /// All rows in their order.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let mut rows: Vec<Value> = self
            .memory
            .records("sys_audit_event")
            .into_iter()
            .map(Value::Object)
            .collect();
        rows.sort_by_key(|row| row["sequence"].as_u64());
        rows
    }
}

/// An event as the bus delivers it.
#[allow(clippy::needless_pass_by_value, reason = "a payload is written where it is used")]
pub(crate) fn event(id: &str, name: &str, payload: Value) -> Event {
    serde_json::from_value(json!({
        "id": id, "name": name, "payload": payload,
        "metadata": { "source": "objectos.data", "timestamp": "2023-11-14T22:13:20.000Z", "userId": "u1", "correlationId": "req-1" },
    }))
    .unwrap()
}

pub(crate) fn origin() -> Value {
    json!({
        "actorId": "u1", "actorKind": "user", "actorName": "Ann", "actorEmail": "ann@example.com", "tenantId": "t1",
        "sessionId": "s1", "address": "192.0.2.7", "userAgent": "test/1", "requestId": "req-1",
    })
}

/// The creation of an employee.
pub(crate) fn created(id: &str, record: &str) -> Event {
    event(
        id,
        "data.record.created",
        json!({
            "type": "data.record.created", "object": "employee", "recordId": record, "timestamp": "2023-11-14T22:13:20.000Z",
            "organizationId": "t1",
            "after": { "id": record, "name": "Bob", "salary": 1000.0, "door_code": "1234", "created_at": "2023-11-14T22:13:20.000Z", "city": null },
            "origin": origin(),
        }),
    )
}

pub(crate) async fn deliver(plugin: &TestPlugin, event: &Event) {
    plugin.deliver(&Context::background(), event).await.unwrap();
}

/// A reader with roles, which the permissions of the test take for permissions.
pub(crate) fn reader(tenant: Option<&str>, roles: &[&str]) -> Context {
    Context::request("r").with_principal(&Principal {
        id: "reader".to_owned(),
        tenant: tenant.map(str::to_owned),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        ..Principal::default()
    })
}

pub(crate) fn local() -> Context {
    Context::request("r").with_principal(&Principal {
        id: "local".to_owned(),
        kind: PrincipalKind::Local,
        ..Principal::default()
    })
}

pub(crate) async fn get(
    plugin: &TestPlugin,
    context: &Context,
    route: &str,
    parameters: &[(&str, &str)],
    query: &str,
) -> Result<HttpResponse> {
    let request = HttpRequestParts {
        method: "GET",
        route,
        path: route,
        query,
        parameters,
        ..HttpRequestParts::default()
    };
    plugin.route(&format!("GET {route}"), context, &request).await
}

pub(crate) async fn events(plugin: &TestPlugin, context: &Context, query: &str) -> Result<Value> {
    let answer = get(plugin, context, "/api/v1/audit/events", &[], query).await?;
    Ok(serde_json::from_slice(&answer.body).unwrap())
}
