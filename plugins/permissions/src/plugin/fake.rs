//! The services `data` and `metadata` for tests: records and definitions in memory, read with the meaning of the data engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_plugin_api::contracts::data::{
    CreateRequest, Data, DataServer, DeleteRequest, FindRequest, UpdateRequest,
};
use objectos_plugin_api::contracts::metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer};
use objectos_plugin_api::{Context, Error, Result};
use objectos_plugin_testing::TestHost;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::evaluate::{BoxFuture, Record, Records, is_among};
use crate::rows::Rows;

/// Records by object.
#[derive(Debug, Default)]
pub(super) struct FakeData {
    pub(super) records: Mutex<HashMap<String, Vec<Record>>>,
    made: AtomicU64,
}

impl FakeData {
    pub(super) fn put(&self, object: &str, mut record: Map<String, Value>) -> String {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let id = record
            .entry("id")
            .or_insert_with(|| json!(format!("r{number}")))
            .clone();
        self.records.lock().entry(object.to_owned()).or_default().push(record);
        id.as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn get(&self, object: &str, id: &str) -> Option<Record> {
        let records = self.records.lock();
        records.get(object)?.iter().find(|record| record["id"] == id).cloned()
    }

    pub(super) fn all(&self, object: &str) -> Vec<Record> {
        self.records.lock().get(object).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, object: &str, id: &str, change: &Map<String, Value>) {
        let mut records = self.records.lock();
        let found = records
            .get_mut(object)
            .and_then(|all| all.iter_mut().find(|record| record["id"] == id));
        if let Some(record) = found {
            record.extend(change.clone());
        }
    }

    pub(super) fn remove(&self, object: &str, id: &str) {
        if let Some(all) = self.records.lock().get_mut(object) {
            all.retain(|record| record["id"] != id);
        }
    }
}

impl Records for FakeData {
    fn with_value<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Record>>> {
        let found = self
            .all(object)
            .into_iter()
            .filter(|record| record.get(field) == Some(value))
            .collect();
        Box::pin(std::future::ready(Ok(found)))
    }
}

fn as_system(context: &Context) -> Result<()> {
    if context.system() {
        Ok(())
    } else {
        Err(Error::internal("the plugin reads as the system"))
    }
}

impl Data for FakeData {
    async fn find(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        as_system(&context)?;
        let request: FindRequest = serde_json::from_slice(&request)?;
        let rows = Rows::Where(request.query.get("where").cloned().unwrap_or_else(|| json!({})));
        let mut found = Vec::new();
        for record in self.all(&request.object) {
            if is_among(&rows, &record, self).await? {
                found.push(record);
            }
        }
        if let Some(order) = request.query.get("orderBy").and_then(|order| order.get(0)) {
            let field = order["field"].as_str().unwrap_or_default().to_owned();
            found.sort_by_key(|record| {
                record.get(&field).map(|value| match value.as_f64() {
                    Some(number) => format!("{number:020.3}"),
                    None => value.to_string(),
                })
            });
            if order["order"] == "desc" {
                found.reverse();
            }
        }
        let number = |key: &str, default: usize| {
            request
                .query
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(default)
        };
        let total = found.len();
        let page: Vec<Record> = found
            .into_iter()
            .skip(number("offset", 0))
            .take(number("limit", 100))
            .collect();
        let more = number("offset", 0) + page.len() < total;
        Ok(serde_json::to_vec(
            &json!({ "object": request.object, "records": page, "total": total, "hasMore": more }),
        )?)
    }

    async fn get(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::internal("not asked for"))
    }

    async fn create(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        as_system(&context)?;
        let request: CreateRequest = serde_json::from_slice(&request)?;
        let id = self.put(&request.object, request.record);
        Ok(serde_json::to_vec(
            &json!({ "object": request.object, "id": id, "record": {} }),
        )?)
    }

    async fn update(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        as_system(&context)?;
        let request: UpdateRequest = serde_json::from_slice(&request)?;
        self.change(&request.object, &request.id, &request.record);
        Ok(b"{}".to_vec())
    }

    async fn delete(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        as_system(&context)?;
        let request: DeleteRequest = serde_json::from_slice(&request)?;
        self.remove(&request.object, &request.id);
        Ok(b"{}".to_vec())
    }

    async fn batch(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::internal("not asked for"))
    }

    async fn transaction(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::internal("not asked for"))
    }
}

/// Definitions by kind.
#[derive(Debug, Default)]
pub(super) struct FakeMetadata {
    items: Mutex<BTreeMap<String, Vec<(String, Value)>>>,
    version: AtomicU64,
    /// How often all objects were asked for, with which every reading begins.
    pub(super) readings: AtomicU64,
}

impl FakeMetadata {
    /// Declares a definition in the place of one of that name.
    pub(super) fn declare(&self, kind: &str, name: &str, yaml: &str) {
        let value = Document::parse("a.yml", yaml).expect("YAML").value;
        let mut items = self.items.lock();
        let list = items.entry(kind.to_owned()).or_default();
        list.retain(|(known, _)| known != name);
        list.push((name.to_owned(), value));
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

impl Metadata for FakeMetadata {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(self.items.lock().keys().cloned().collect())
    }

    async fn list(&self, _: Context, kind: String) -> Result<Vec<MetadataItem>> {
        if kind == "object" {
            self.readings.fetch_add(1, Ordering::SeqCst);
        }
        // As with the real one, others have their turn while it is asked.
        tokio::task::yield_now().await;
        let items = self.items.lock();
        let item = |(name, definition): &(String, Value)| MetadataItem {
            kind: kind.clone(),
            name: name.clone(),
            package: "app".to_owned(),
            definition: definition.clone(),
        };
        Ok(items.get(&kind).into_iter().flatten().map(item).collect())
    }

    async fn get(&self, _: Context, _: MetadataRequest) -> Result<Option<MetadataItem>> {
        Ok(None)
    }

    fn version(&self, _: Context) -> Result<u64> {
        Ok(self.version.load(Ordering::SeqCst))
    }
}

/// The plugin's own objects and one of an app, and a host with both services.
pub(super) fn host() -> (TestHost, Arc<FakeData>, Arc<FakeMetadata>) {
    let (data, metadata) = (Arc::new(FakeData::default()), Arc::new(FakeMetadata::default()));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata");
    for entry in std::fs::read_dir(folder).expect("the plugin has objects") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        metadata.declare("object", name.trim_end_matches(".object.yml"), &text);
    }
    metadata.declare(
        "object",
        "account",
        "name: account\nfields:\n  name: {type: text}\n  region: {type: text}\n  revenue: {type: currency}\n",
    );
    metadata.declare(
        "object",
        "sys_user",
        "name: sys_user\nfields:\n  name: {type: text}\n  role: {type: text}\n",
    );
    metadata.declare("permission", "sales", "name: sales\nobjects:\n  account: {allowRead: true, allowEdit: true, allowCreate: true}\nfields:\n  account.revenue: {readable: false}\n");
    let host = TestHost::new(include_str!("../../plugin.json"))
        .service(DataServer::new(Arc::clone(&data)))
        .service(MetadataServer::new(Arc::clone(&metadata)));
    (host, data, metadata)
}
