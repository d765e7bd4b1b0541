//! The discovery document: which surfaces the loaded plugins really offer, and where. A connected client trusts it, so a
//! route, service or capability stands in it only when a plugin declares it. Source: `api/Discovery` and
//! `api/GetDiscoveryResponse`, with the keys of later versions beside. `permissions` and `views` are never named as routes:
//! clients of different versions append different tails to them, and all fall back rightly when the keys are absent.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{gateway::ContributedService, router::Table, snapshot::Snapshot};

/// Key in `routes`, and the paths that it may stand for, best first.
const SURFACES: [(&str, &[&str]); 15] = [
    ("data", &["/api/v1/data"]),
    ("metadata", &["/api/v1/meta"]),
    ("discovery", &["/api/v1/discovery"]),
    ("ui", &["/api/v1/ui"]),
    ("auth", &["/api/v1/auth"]),
    ("automation", &["/api/v1/automation"]),
    ("storage", &["/api/v1/storage"]),
    ("analytics", &["/api/v1/analytics"]),
    ("graphql", &["/graphql", "/api/v1/graphql"]),
    ("packages", &["/api/v1/packages"]),
    ("workflow", &["/api/v1/workflow"]),
    ("realtime", &["/api/v1/realtime"]),
    ("notifications", &["/api/v1/notifications"]),
    ("ai", &["/api/v1/ai"]),
    ("i18n", &["/api/v1/i18n"]),
];

/// Services that clients know by name, and the key of their surface.
const SERVICES: [(&str, &str); 18] = [
    ("metadata", "metadata"),
    ("data", "data"),
    ("auth", "auth"),
    ("automation", "automation"),
    ("analytics", "analytics"),
    ("cache", ""),
    ("queue", ""),
    ("job", ""),
    ("ui", "ui"),
    ("workflow", "workflow"),
    ("realtime", "realtime"),
    ("notification", "notifications"),
    ("ai", "ai"),
    ("i18n", "i18n"),
    ("graphql", "graphql"),
    ("file-storage", "storage"),
    ("search", ""),
    ("permissions", ""),
];

/// The document in its two forms, as bytes.
#[derive(Debug)]
pub(crate) struct Documents {
    /// For `/api/v1` and `/api/v1/discovery`.
    pub(crate) bare: Bytes,
    /// For `/.well-known/objectstack`.
    pub(crate) wrapped: Bytes,
}

impl Documents {
    pub(crate) fn build<R>(snapshot: &Snapshot<R>, environment: &str) -> Self {
        let paths = Paths::of(&snapshot.table);
        let routes = paths.routes();
        let mut document = json!({
            "version": "v1",
            "apiName": "ObjectOS",
            "name": "ObjectOS",
            "environment": environment,
            "routes": routes,
            "locale": { "default": "en", "supported": ["en"], "timezone": "UTC" },
            "services": services(&snapshot.services, &routes),
            "capabilities": paths.capabilities(&routes, &snapshot.services),
        });
        if paths.exact("/api/v1/openapi.json") {
            document["schemaDiscovery"] = json!({ "openapi": "/api/v1/openapi.json" });
        }
        let bare = document.to_string().into();
        document["features"] = paths.features(&routes);
        let wrapped = json!({ "success": true, "data": document }).to_string().into();
        Self { bare, wrapped }
    }
}

/// The patterns of all routes.
struct Paths<'a>(Vec<&'a str>);

impl<'a> Paths<'a> {
    fn of<R>(table: &'a Table<R>) -> Self {
        Self(table.routes.iter().map(|route| route.pattern()).collect())
    }

    fn exact(&self, path: &str) -> bool {
        self.0.contains(&path)
    }

    fn under(&self, base: &str) -> bool {
        let below = |path: &&str| {
            path.strip_prefix(base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().any(below)
    }

    fn ending(&self, base: &str, end: &str) -> bool {
        self.0.iter().any(|path| path.starts_with(base) && path.ends_with(end))
    }

    fn routes(&self) -> Map<String, Value> {
        let there = |bases: &[&'static str]| bases.iter().copied().find(|base| self.under(base));
        SURFACES
            .iter()
            .filter_map(|(key, bases)| Some(((*key).to_owned(), there(bases)?.into())))
            .collect()
    }

    /// The vocabulary of all versions: newer clients want every key of theirs, older ones read past what they do not know.
    fn capabilities(&self, routes: &Map<String, Value>, services: &[ContributedService]) -> Value {
        let enabled = |enabled: bool| json!({ "enabled": enabled });
        let there = |key: &str| enabled(routes.contains_key(key));
        json!({
            "feed": enabled(self.ending("/api/v1/data/", "/feed")),
            "comments": enabled(self.ending("/api/v1/data/", "/feed")),
            "automation": enabled(self.under("/api/v1/automation")),
            "cron": enabled(services.iter().any(|service| service.name == "job" && service.available)),
            "search": enabled(self.exact("/api/v1/search")),
            "export": enabled(self.ending("/api/v1/data/", "/export")),
            "chunkedUpload": enabled(self.under("/api/v1/storage/upload/chunked")),
            "transactionalBatch": enabled(self.exact("/api/v1/batch")),
            "websockets": enabled(self.exact("/ws")),
            "files": there("storage"),
            "analytics": there("analytics"),
            "ai": there("ai"),
            "notifications": there("notifications"),
            "i18n": there("i18n"),
        })
    }

    fn features(&self, routes: &Map<String, Value>) -> Value {
        let there = |key: &str| routes.contains_key(key);
        json!({
            "graphql": there("graphql"),
            "search": self.exact("/api/v1/search"),
            "websockets": self.exact("/ws"),
            "files": there("storage"),
            "analytics": there("analytics"),
            "ai": there("ai"),
            "workflow": there("workflow"),
            "notifications": there("notifications"),
            "i18n": there("i18n"),
        })
    }
}

fn services(contributed: &[ContributedService], routes: &Map<String, Value>) -> Map<String, Value> {
    let entry = |(name, surface): &(&str, &str)| {
        let service = contributed.iter().find(|service| service.name == *name)?;
        let mut entry = Map::new();
        entry.insert("enabled".to_owned(), service.available.into());
        let status = if service.available { "available" } else { "unavailable" };
        entry.insert("status".to_owned(), status.into());
        if let Some(route) = routes.get(*surface) {
            entry.insert("route".to_owned(), route.clone());
        }
        entry.insert("provider".to_owned(), service.plugin.as_str().into());
        Some(((*name).to_owned(), Value::Object(entry)))
    };
    SERVICES.iter().filter_map(entry).collect()
}
