//! The service `data` in memory, as far as the plugin uses it: equality and a few operators, unique fields as the metadata
//! declares them, and what is told with a transaction. Every question and every change is counted.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::data::{
        CreateRequest, Data, DeleteRequest, EventBeside, EventfulTransaction, FindRequest, GetRequest, UpdateRequest,
    },
};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::world::REQUEST;

type Rows = BTreeMap<String, Vec<Map<String, Value>>>;
type Meanwhile = Box<dyn FnOnce(&MemoryData) + Send>;

/// Records by object, in the order they were made.
#[derive(Default)]
pub(crate) struct MemoryData {
    rows: Mutex<Rows>,
    unique: BTreeMap<String, Vec<Vec<String>>>,
    counter: AtomicU64,
    meanwhile: Mutex<Option<Meanwhile>>,
    told: Mutex<Vec<EventBeside>>,
    /// Questions, and changes.
    asked: [AtomicU64; 2],
}

impl MemoryData {
    /// Reads which fields are unique from the plugin's own objects.
    pub(crate) fn new() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/metadata");
        let mut unique = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().replace(".object.yml", "");
            let text = std::fs::read_to_string(&path).unwrap();
            let mut sets = vec![vec!["id".to_owned()]];
            for line in text.lines().filter(|line| line.contains("unique: true")) {
                match line.split_once("fields: [") {
                    Some((_, rest)) => {
                        let list = rest.split(']').next().unwrap();
                        sets.push(list.split(", ").map(ToOwned::to_owned).collect());
                    }
                    None => sets.push(vec![line.trim().split(':').next().unwrap().to_owned()]),
                }
            }
            unique.insert(name, sets);
        }
        Self {
            unique,
            ..Self::default()
        }
    }

    /// What is stored of an object.
    pub(crate) fn rows(&self, object: &str) -> Vec<Map<String, Value>> {
        self.rows.lock().unwrap().get(object).cloned().unwrap_or_default()
    }

    /// What was told with changes so far.
    pub(crate) fn told(&self) -> Vec<EventBeside> {
        self.told.lock().unwrap().clone()
    }

    /// How many questions and changes requests made so far. What the plugin does by itself, at its start or from time to time, is
    /// none: it goes on beside them.
    pub(crate) fn asked(&self) -> [u64; 2] {
        self.asked.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    fn count(&self, context: &Context, place: usize) {
        if context.request_id() == REQUEST {
            self.asked[place].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Puts a record in, as somebody else would.
    pub(crate) fn put(&self, object: &str, record: Value) {
        let Value::Object(record) = record else {
            panic!("an object")
        };
        self.insert(&mut self.rows.lock().unwrap(), object, record).unwrap();
    }

    /// Puts many records in that are unlike, as somebody else would.
    pub(crate) fn put_all(&self, object: &str, records: impl Iterator<Item = Value>) {
        let records = records.map(|record| record.as_object().unwrap().clone());
        self.rows
            .lock()
            .unwrap()
            .entry(object.to_owned())
            .or_default()
            .extend(records);
    }

    /// Changes a record, as somebody else would.
    pub(crate) fn alter(&self, object: &str, id: &str, change: &Value) {
        let change = change.as_object().unwrap();
        self.change(&mut self.rows.lock().unwrap(), object, id, change, None)
            .unwrap();
    }

    /// What somebody else does just before the next transaction, and after what it is based on was read.
    pub(crate) fn meanwhile(&self, act: impl FnOnce(&Self) + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(act));
    }

    /// Takes a record out, as somebody else would.
    pub(crate) fn take(&self, object: &str, id: &str) {
        Self::remove(&mut self.rows.lock().unwrap(), object, id, None).unwrap();
    }

    fn stamp(&self) -> Value {
        // Moments that never repeat: versions are compared.
        let number = self.counter.fetch_add(1, Ordering::SeqCst);
        json!(format!(
            "2023-11-14T22:{:02}:{:02}.{:03}Z",
            number / 60_000 % 60,
            number / 1000 % 60,
            number % 1000
        ))
    }

    fn insert(&self, rows: &mut Rows, object: &str, mut record: Map<String, Value>) -> Result<Map<String, Value>> {
        let stamp = self.stamp();
        if !record.contains_key("id") {
            record.insert(
                "id".to_owned(),
                json!(format!("r{}", self.counter.fetch_add(1, Ordering::SeqCst))),
            );
        }
        record.insert("created_at".to_owned(), stamp.clone());
        record.insert("updated_at".to_owned(), stamp);
        self.check_unique(rows, object, &record, None)?;
        rows.entry(object.to_owned()).or_default().push(record.clone());
        Ok(record)
    }

    fn check_unique(&self, rows: &Rows, object: &str, record: &Map<String, Value>, own: Option<&str>) -> Result<()> {
        let sets = self
            .unique
            .get(object)
            .ok_or_else(|| Error::not_found(format!("no object {object}")))?;
        for set in sets {
            let value = |record: &Map<String, Value>| -> Vec<Value> {
                set.iter()
                    .map(|field| record.get(field).cloned().unwrap_or_default())
                    .collect()
            };
            let mine = value(record);
            let taken = rows.get(object).into_iter().flatten().any(|other| {
                other.get("id").and_then(Value::as_str) != own && value(other) == mine && !mine.contains(&Value::Null)
            });
            if taken {
                let fields: Vec<Value> = set
                    .iter()
                    .map(|field| json!({ "field": field, "code": "duplicate_value" }))
                    .collect();
                return Err(Error::new(ErrorKind::Invalid, "taken")
                    .with_code("duplicate_value")
                    .with_details(&json!({ "object": object, "fields": fields })));
            }
        }
        Ok(())
    }

    fn change(
        &self,
        rows: &mut Rows,
        object: &str,
        id: &str,
        change: &Map<String, Value>,
        version: Option<&str>,
    ) -> Result<Map<String, Value>> {
        let known = rows
            .get(object)
            .into_iter()
            .flatten()
            .find(|row| row["id"] == id)
            .cloned();
        let mut record = known.ok_or_else(|| Error::not_found("no such record"))?;
        if version.is_some_and(|version| record["updated_at"] != version) {
            return Err(Error::new(ErrorKind::Conflict, "stale").with_code("concurrent_modification"));
        }
        record.extend(change.clone());
        record.insert("updated_at".to_owned(), self.stamp());
        self.check_unique(rows, object, &record, Some(id))?;
        for row in rows.get_mut(object).into_iter().flatten().filter(|row| row["id"] == id) {
            row.clone_from(&record);
        }
        Ok(record)
    }

    fn remove(rows: &mut Rows, object: &str, id: &str, version: Option<&str>) -> Result<()> {
        let list = rows.entry(object.to_owned()).or_default();
        let known = list.iter().find(|row| row["id"] == id);
        if known.is_some_and(|row| version.is_some_and(|version| row["updated_at"] != version)) {
            return Err(Error::new(ErrorKind::Conflict, "stale").with_code("concurrent_modification"));
        }
        let before = list.len();
        list.retain(|row| row["id"] != id);
        if list.len() == before {
            return Err(Error::not_found("no such record"));
        }
        let fields = match object {
            "sys_user" => "user_id",
            "sys_organization" => "organization_id",
            "sys_team" => "team_id",
            _ => return Ok(()),
        };
        for list in rows.values_mut() {
            list.retain(|row| row.get(fields).is_none_or(|value| value != id));
        }
        Ok(())
    }
}

fn fits(row: &Map<String, Value>, filter: &Value) -> bool {
    let Value::Object(filter) = filter else { return true };
    filter.iter().all(|(key, wanted)| {
        match key.as_str() {
            "$or" => return wanted.as_array().unwrap().iter().any(|one| fits(row, one)),
            "$and" => return wanted.as_array().unwrap().iter().all(|one| fits(row, one)),
            "$not" => return !fits(row, wanted),
            _ => {}
        }
        let value = row.get(key).cloned().unwrap_or_default();
        match wanted {
            Value::Object(operators) => operators.iter().all(|(operator, operand)| match operator.as_str() {
                "$in" => operand.as_array().unwrap().contains(&value),
                "$lt" => value.as_str().is_some_and(|text| text < operand.as_str().unwrap()),
                "$gt" => value.as_str().is_some_and(|text| text > operand.as_str().unwrap()),
                "$ne" => value != *operand,
                "$exists" => value.is_null() != (*operand == true),
                "$contains" => holds(&value, operand, |text, part| text.contains(part)),
                "$startsWith" => holds(&value, operand, |text, part| text.starts_with(part)),
                "$endsWith" => holds(&value, operand, |text, part| text.ends_with(part)),
                other => panic!("{other} is not known here"),
            }),
            wanted => value == *wanted,
        }
    })
}

fn holds(value: &Value, part: &Value, how: fn(&str, &str) -> bool) -> bool {
    value.as_str().is_some_and(|text| how(text, part.as_str().unwrap()))
}

fn check_system(context: &Context) -> Result<()> {
    assert!(context.system(), "the plugin acts as the system on its own records");
    Ok(())
}

/// What the plugin writes it has to know again, where hooks hold others to more.
fn check_own(context: &Context) -> Result<()> {
    let mark = context.extra().get("authWrite").and_then(Value::as_str).map(str::len);
    assert_eq!(mark, Some(43), "the plugin marks its own writes");
    check_system(context)
}

impl Data for MemoryData {
    async fn find(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_system(&context)?;
        self.count(&context, 0);
        // As with a real store, others have their turn while it is asked.
        tokio::task::yield_now().await;
        let FindRequest { object, query } = serde_json::from_slice(&request)?;
        let filter = query.get("where").cloned().unwrap_or_default();
        let limit = query.get("limit").and_then(Value::as_u64).unwrap_or(100);
        let found: Vec<_> = self
            .rows(&object)
            .into_iter()
            .filter(|row| fits(row, &filter))
            .collect();
        let total = found.len();
        let offset = query.get("offset").and_then(Value::as_u64).unwrap_or(0);
        let page: Vec<_> = found
            .into_iter()
            .skip(usize::try_from(offset).unwrap())
            .take(usize::try_from(limit).unwrap())
            .collect();
        Ok(serde_json::to_vec(
            &json!({ "object": object, "records": page, "total": total }),
        )?)
    }

    async fn get(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_system(&context)?;
        self.count(&context, 0);
        let GetRequest { object, id, .. } = serde_json::from_slice(&request)?;
        let found = self.rows(&object).into_iter().find(|row| row["id"] == id.as_str());
        let record = found.ok_or_else(|| Error::not_found("no such record"))?;
        Ok(serde_json::to_vec(
            &json!({ "object": object, "id": id, "record": record }),
        )?)
    }

    async fn create(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_own(&context)?;
        self.count(&context, 1);
        let CreateRequest { object, record } = serde_json::from_slice(&request)?;
        let record = self.insert(&mut self.rows.lock().unwrap(), &object, record)?;
        Ok(serde_json::to_vec(&json!({ "object": object, "record": record }))?)
    }

    async fn update(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_own(&context)?;
        self.count(&context, 1);
        let request: UpdateRequest = serde_json::from_slice(&request)?;
        let version = request.expected_version.as_deref();
        let mut rows = self.rows.lock().unwrap();
        let record = self.change(&mut rows, &request.object, &request.id, &request.record, version)?;
        Ok(serde_json::to_vec(
            &json!({ "object": request.object, "record": record }),
        )?)
    }

    async fn delete(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_own(&context)?;
        self.count(&context, 1);
        let DeleteRequest { object, id, .. } = serde_json::from_slice(&request)?;
        Self::remove(&mut self.rows.lock().unwrap(), &object, &id, None)?;
        Ok(serde_json::to_vec(
            &json!({ "object": object, "id": id, "success": true, "deleted": true }),
        )?)
    }

    async fn batch(&self, _: Context, _: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::NotImplemented, "the plugin uses no batches"))
    }

    async fn transaction(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        check_own(&context)?;
        self.count(&context, 1);
        let EventfulTransaction { operations, events } = serde_json::from_slice(&request)?;
        assert!(!operations.is_empty(), "what changes nothing is published: {events:?}");
        let act = self.meanwhile.lock().unwrap().take();
        if let Some(act) = act {
            act(self);
        }
        let mut rows = self.rows.lock().unwrap();
        let mut changed = rows.clone();
        let mut results = Vec::new();
        for operation in &operations {
            let object = operation["object"].as_str().unwrap();
            let data = operation["data"].as_object().cloned().unwrap_or_default();
            let version = operation["expectedVersion"].as_str();
            let record = match (operation["action"].as_str().unwrap(), operation["id"].as_str()) {
                ("create", _) => Value::Object(self.insert(&mut changed, object, data)?),
                ("update", Some(id)) => Value::Object(self.change(&mut changed, object, id, &data, version)?),
                ("delete", Some(id)) => {
                    Self::remove(&mut changed, object, id, version)?;
                    Value::Null
                }
                other => panic!("{other:?} is no operation"),
            };
            results.push(json!({ "object": object, "record": record }));
        }
        *rows = changed;
        self.told.lock().unwrap().extend(events);
        Ok(serde_json::to_vec(&json!({ "success": true, "results": results }))?)
    }
}
