//! Records in memory behind the service `data`, for the tests of plugins that keep records of their own: enough of filters,
//! orders, pages, versions and transactions, and as strict as the engine about what is unique and what is there. Not here:
//! access plans, validation and events; those are tested with the real host.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::data::{
        BatchRequest, CreateRequest, Data, DeleteRequest, FindRequest, GetRequest, TransactionRequest, UpdateRequest,
    },
};
use serde_json::{Map, Value, json};
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering as Atomic},
    },
};

type Record = Map<String, Value>;
type Tables = BTreeMap<String, Vec<Record>>;

/// The records.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    tables: Mutex<Tables>,
    /// Object and field that no two records share.
    unique: Vec<(&'static str, &'static str)>,
    version: AtomicU64,
    /// Calls that change something and are to fail as if the engine were away.
    outage: AtomicU64,
}

impl Memory {
    pub(crate) fn new(unique: &[(&'static str, &'static str)]) -> Self {
        Self {
            unique: unique.to_vec(),
            ..Self::default()
        }
    }

    /// The next so many changes fail.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn fail_next(&self, count: u64) {
        self.outage.store(count, Atomic::SeqCst);
    }

    /// All records of an object.
    pub(crate) fn records(&self, object: &str) -> Vec<Record> {
        self.tables.lock().unwrap().get(object).cloned().unwrap_or_default()
    }

    /// Changes a record behind everybody's back, as somebody with the database file can.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn tamper(&self, object: &str, change: impl FnOnce(&mut Vec<Record>)) {
        change(self.tables.lock().unwrap().entry(object.to_owned()).or_default());
    }

    fn change<T>(&self, work: impl FnOnce(&mut Tables) -> Result<T>) -> Result<T> {
        let fails = self
            .outage
            .fetch_update(Atomic::SeqCst, Atomic::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if fails {
            return Err(Error::unavailable("the database is away"));
        }
        let mut tables = self.tables.lock().unwrap();
        let mut draft = tables.clone();
        let answer = work(&mut draft)?;
        *tables = draft;
        Ok(answer)
    }

    fn stamp(&self) -> Value {
        json!(format!("v{}", self.version.fetch_add(1, Atomic::SeqCst)))
    }

    fn insert(&self, tables: &mut Tables, object: &str, mut record: Record) -> Result<Record> {
        let id = record
            .get("id")
            .cloned()
            .unwrap_or_else(|| json!(format!("r{:08}", self.version.load(Atomic::SeqCst))));
        record.insert("id".to_owned(), id);
        record.insert("updated_at".to_owned(), self.stamp());
        let rows = tables.entry(object.to_owned()).or_default();
        let unique = self
            .unique
            .iter()
            .filter(|(of, _)| *of == object)
            .map(|(_, field)| *field);
        for field in std::iter::once("id").chain(unique) {
            if rows.iter().any(|row| row.get(field) == record.get(field)) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("'{field}' of '{object}' must be unique"),
                ));
            }
        }
        rows.push(record.clone());
        Ok(record)
    }

    fn modify(
        &self,
        tables: &mut Tables,
        object: &str,
        id: &str,
        fields: &Record,
        version: Option<&str>,
    ) -> Result<Record> {
        let rows = tables.entry(object.to_owned()).or_default();
        let row = rows
            .iter_mut()
            .find(|row| row["id"] == id)
            .ok_or_else(|| missing(object, id))?;
        if version.is_some_and(|version| row["updated_at"] != version) {
            return Err(Error::new(ErrorKind::Conflict, "somebody else changed the record"));
        }
        for (name, value) in fields {
            row.insert(name.clone(), value.clone());
        }
        row.insert("updated_at".to_owned(), self.stamp());
        Ok(row.clone())
    }

    fn remove(tables: &mut Tables, object: &str, id: &str) -> Result<()> {
        let rows = tables.entry(object.to_owned()).or_default();
        let place = rows
            .iter()
            .position(|row| row["id"] == id)
            .ok_or_else(|| missing(object, id))?;
        rows.remove(place);
        Ok(())
    }
}

fn missing(object: &str, id: &str) -> Error {
    Error::not_found(format!("there is no {object} with the id '{id}'")).with_code("record_not_found")
}

fn answer(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::internal)
}

fn read<T: serde::de::DeserializeOwned>(request: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(request)?)
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => left.to_string().cmp(&right.to_string()),
    }
}

fn matches(record: &Record, filter: &Value) -> bool {
    let Some(filter) = filter.as_object() else { return true };
    filter.iter().all(|(name, test)| match name.as_str() {
        "$and" => test.as_array().unwrap().iter().all(|part| matches(record, part)),
        "$or" => test.as_array().unwrap().iter().any(|part| matches(record, part)),
        _ => {
            let value = record.get(name).unwrap_or(&Value::Null);
            match test.as_object() {
                Some(tests) => tests
                    .iter()
                    .all(|(operator, operand)| test_of(value, operator, operand)),
                None => value == test,
            }
        }
    })
}

fn test_of(value: &Value, operator: &str, operand: &Value) -> bool {
    let order = compare(value, operand);
    let within = || operand.as_array().unwrap().contains(value);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    match operator {
        "$eq" => value == operand,
        "$ne" => value != operand,
        "$in" => within(),
        "$nin" => !within(),
        "$gt" => !value.is_null() && order == Ordering::Greater,
        "$gte" => !value.is_null() && order != Ordering::Less,
        "$lt" => !value.is_null() && order == Ordering::Less,
        "$lte" => !value.is_null() && order != Ordering::Greater,
        "$icontains" => text(value).contains(&text(operand)),
        other => panic!("the records in memory do not know the operator {other}"),
    }
}

fn sort(records: &mut [Record], order: &Value) {
    let keys: Vec<(String, bool)> = match order {
        Value::String(name) => vec![(name.clone(), false)],
        Value::Array(keys) => keys
            .iter()
            .map(|key| (key["field"].as_str().unwrap().to_owned(), key["order"] == "desc"))
            .collect(),
        _ => Vec::new(),
    };
    records.sort_by(|left, right| {
        keys.iter()
            .map(|(name, descending)| {
                let order = compare(&left[name.as_str()], &right[name.as_str()]);
                if *descending { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
}

impl Data for Memory {
    async fn find(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let FindRequest { object, query } = read(&request)?;
        let mut found = self.records(&object);
        let filter = query.get("where").cloned().unwrap_or_default();
        found.retain(|record| matches(record, &filter));
        sort(&mut found, query.get("orderBy").unwrap_or(&json!("id")));
        let total = found.len();
        let number = |key: &str| {
            query
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|number| usize::try_from(number).ok())
        };
        // A cursor is the number of records before the page.
        let cursor = query
            .get("cursor")
            .and_then(Value::as_str)
            .map(|cursor| cursor.parse().unwrap());
        let skip = cursor.or(number("offset")).unwrap_or(0);
        let limit = number("limit").unwrap_or(100);
        let page: Vec<Record> = found.into_iter().skip(skip).take(limit).collect();
        let end = skip + page.len();
        let mut out = json!({ "object": object, "records": page, "total": total, "hasMore": end < total });
        if end < total {
            out["nextCursor"] = json!(end.to_string());
        }
        answer(&out)
    }

    async fn get(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let GetRequest { object, id, .. } = read(&request)?;
        let records = self.records(&object);
        let record = records
            .iter()
            .find(|row| row["id"] == id)
            .ok_or_else(|| missing(&object, &id))?;
        answer(&json!({ "object": object, "id": id, "record": record }))
    }

    async fn create(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let CreateRequest { object, record } = read(&request)?;
        let record = self.change(|tables| self.insert(tables, &object, record))?;
        answer(&json!({ "object": object, "id": record["id"], "record": record }))
    }

    async fn update(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let UpdateRequest {
            object,
            id,
            record,
            expected_version,
        } = read(&request)?;
        let record = self.change(|tables| self.modify(tables, &object, &id, &record, expected_version.as_deref()))?;
        answer(&json!({ "object": object, "id": id, "record": record }))
    }

    async fn delete(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let DeleteRequest { object, id, .. } = read(&request)?;
        self.change(|tables| Self::remove(tables, &object, &id))?;
        answer(&json!({ "object": object, "id": id, "success": true, "deleted": true }))
    }

    async fn batch(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let BatchRequest { .. } = read(&request)?;
        Err(Error::new(
            ErrorKind::NotImplemented,
            "the records in memory know no batches",
        ))
    }

    async fn transaction(&self, _: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let TransactionRequest { operations } = read(&request)?;
        self.change(|tables| {
            for operation in &operations {
                let (object, id) = (
                    operation["object"].as_str().unwrap(),
                    operation["id"].as_str().unwrap_or_default(),
                );
                let data = operation["data"].as_object().cloned().unwrap_or_default();
                match operation["action"].as_str().unwrap() {
                    "create" => drop(self.insert(tables, object, data)?),
                    "update" => drop(self.modify(tables, object, id, &data, None)?),
                    _ => Self::remove(tables, object, id)?,
                }
            }
            Ok(())
        })?;
        answer(&json!({ "results": [] }))
    }
}
