//! The plugin with two objects, and a service `data` that writes down what it is asked.

use objectos_graphql::GraphqlPlugin;
use objectos_plugin_api::{
    Context, Error, HttpRequestParts, HttpResponse, Principal, Result,
    contracts::{
        data::{Data, DataServer},
        metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer},
    },
};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

const MANIFEST: &str = include_str!("../../plugin.json");

/// What was asked: method, who asked, and the request.
type Asked = (String, String, Value);

/// Two accounts with contacts, whoever asks for whatever.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) asked: Mutex<Vec<Asked>>,
}

impl Records {
    fn note(&self, method: &str, context: &Context, request: &[u8]) -> Result<Value> {
        let request: Value = serde_json::from_slice(request)?;
        let asked = (method.to_owned(), context.user().to_owned(), request.clone());
        self.asked.lock().unwrap().push(asked);
        Ok(request)
    }

    /// What was asked since the last time.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::internal)
}

impl Data for Records {
    async fn find(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request = self.note("find", &context, &request)?;
        let query = &request["query"];
        if query.get("aggregations").is_some() {
            return bytes(&json!({ "records": [{ "account": "a1", "objectos_graphql_total": 7 }], "hasMore": false }));
        }
        if request["object"] == "contact" {
            return Err(Error::new(
                objectos_plugin_api::ErrorKind::Denied,
                "no permission to read 'contact'",
            )
            .with_details(&json!({ "object": "contact", "operation": "read" })));
        }
        let contacts = json!([{ "id": "c1", "last_name": "Ba" }, { "id": "c2", "last_name": "Bo" }, { "id": "c3", "last_name": "Bu" }]);
        let records = json!([
            { "id": "a1", "name": "Acme", "industry": "24h", "contact:account": contacts },
            { "id": "a2", "name": "Umbrella", "industry": null, "contact:account": [] }]);
        bytes(
            &json!({ "object": "account", "records": records, "total": 9, "hasMore": query["count"] == true, "nextCursor": "next" }),
        )
    }

    async fn get(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request = self.note("get", &context, &request)?;
        let id = request["id"].as_str().unwrap_or_default();
        if id == "gone" {
            return Err(Error::not_found("record 'gone' not found in 'account'").with_code("record_not_found"));
        }
        bytes(&json!({ "object": "account", "id": id, "record": { "id": id, "name": "Acme" } }))
    }

    async fn create(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request = self.note("create", &context, &request)?;
        let mut record = request["record"].clone();
        if record.get("name").is_none() {
            let errors =
                json!([{ "field": "name", "code": "missing_required_field", "message": "'name' is required" }]);
            return Err(Error::invalid("'name' is required").with_details(&json!({ "fieldErrors": errors })));
        }
        record["id"] = json!("a3");
        bytes(&json!({ "object": "account", "id": "a3", "record": record }))
    }

    async fn update(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request = self.note("update", &context, &request)?;
        let id = request["id"].clone();
        bytes(&json!({ "object": "account", "id": id, "record": { "id": id, "name": "Changed" } }))
    }

    async fn delete(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        self.note("delete", &context, &request)?;
        bytes(&json!({ "success": true }))
    }

    async fn batch(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        self.note("batch", &context, &request)?;
        Err(Error::invalid("nobody asks for batches"))
    }

    async fn transaction(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let request = self.note("transaction", &context, &request)?;
        let operations = request["operations"].as_array().cloned().unwrap_or_default();
        let result = |(index, operation): (usize, &Value)| {
            let mut record = operation["data"].clone();
            record["id"] = json!(format!("n{index}"));
            json!({ "object": "account", "id": record["id"], "record": record })
        };
        let results: Vec<Value> = operations.iter().enumerate().map(result).collect();
        bytes(&json!({ "success": true, "results": results }))
    }
}

/// Accounts and contacts; from the second version on there is a field more.
pub(crate) struct Definitions(pub(crate) AtomicU64);

impl Metadata for Definitions {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(vec!["object".to_owned()])
    }

    async fn list(&self, _: Context, _: String) -> Result<Vec<MetadataItem>> {
        let mut account = json!({ "name": "account", "fields": {
            "name": { "type": "text", "required": true },
            "industry": { "type": "select", "options": [{ "value": "24h", "label": "Day and night" }] } } });
        if self.0.load(Ordering::SeqCst) > 1 {
            account["fields"]["motto"] = json!({ "type": "text" });
        }
        let contact = json!({ "name": "contact", "fields": {
            "last_name": { "type": "text" }, "account": { "type": "lookup", "reference": "account" } } });
        let item = |definition: Value| MetadataItem {
            kind: "object".to_owned(),
            name: definition["name"].as_str().unwrap_or_default().to_owned(),
            package: "test".to_owned(),
            definition,
        };
        Ok(vec![item(account), item(contact)])
    }

    async fn get(&self, _: Context, _: MetadataRequest) -> Result<Option<MetadataItem>> {
        Ok(None)
    }

    fn version(&self, _: Context) -> Result<u64> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}

/// The plugin, and what it talks to.
pub(crate) struct World {
    pub(crate) plugin: TestPlugin,
    pub(crate) records: Arc<Records>,
    pub(crate) definitions: Arc<Definitions>,
}

impl World {
    pub(crate) async fn new(mode: &str, config: Value) -> Self {
        let records = Arc::new(Records::default());
        let definitions = Arc::new(Definitions(AtomicU64::new(1)));
        let host = TestHost::new(MANIFEST)
            .config(config)
            .settings(json!({ "mode": mode }))
            .service(DataServer::new(Arc::clone(&records)))
            .service(MetadataServer::new(Arc::clone(&definitions)));
        Self {
            plugin: host.start::<GraphqlPlugin>().await.unwrap(),
            records,
            definitions,
        }
    }

    pub(crate) async fn get(&self, query: &str) -> HttpResponse {
        let parts = HttpRequestParts {
            method: "GET",
            route: "/graphql",
            path: "/graphql",
            query,
            ..HttpRequestParts::default()
        };
        self.plugin.route("GET /graphql", &ann(), &parts).await.unwrap()
    }

    pub(crate) async fn post(&self, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let parts = HttpRequestParts {
            method: "POST",
            route: "/api/v1/graphql",
            path: "/api/v1/graphql",
            headers: &[("content-type", "application/json")],
            body: body.as_bytes(),
            ..HttpRequestParts::default()
        };
        let answer = self.plugin.route("POST /api/v1/graphql", &ann(), &parts).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Runs a query that must be answered without an error.
    pub(crate) async fn data(&self, query: &str) -> Value {
        let (status, answer) = self.post(&json!({ "query": query })).await;
        assert!(status == 200 && answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }
}

fn ann() -> Context {
    Context::request("r").with_principal(&Principal {
        id: "ann".to_owned(),
        ..Principal::default()
    })
}
