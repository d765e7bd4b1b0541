//! The plugin's records behind the service `data`: everything is read and written as the system, with the request's context,
//! so that events tell who caused it. Knows objects and fields, not what they mean.
//!
//! What is told of a change goes with it, in one transaction: `transaction` and everything whose name ends with `telling`. Neither
//! is ever there without the other, whatever ends the process in between. And whatever is written bears the mark of `own`, by which
//! `veto` knows it again.

pub(crate) mod kinds;
mod own;

use objectos_plugin_api::{
    Context, Host,
    contracts::data::{
        CreateRequest, DataClient, DeleteRequest, EventBeside, EventfulTransaction, FindRequest, GetRequest,
        UpdateRequest,
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

pub(crate) use self::own::Mark;
use crate::error::{AuthError, Result};

/// Records that are read at once at most.
pub(crate) const PAGE: usize = 1000;

/// A record as a type; its object's name goes with it.
pub(crate) trait Record: DeserializeOwned + Send {
    /// Name of the object.
    const OBJECT: &'static str;
}

/// The service, as this plugin uses it.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    data: DataClient,
    mark: Mark,
}

#[derive(Deserialize)]
struct Found<T> {
    records: Vec<T>,
}

#[derive(Deserialize)]
struct Counted<T> {
    records: Vec<T>,
    total: Option<u64>,
}

#[derive(Deserialize)]
struct One<T> {
    record: T,
}

/// What a transaction left, in the order of its operations.
#[derive(Debug, Deserialize)]
pub(crate) struct Stored {
    results: Vec<Value>,
}

impl Stored {
    /// The record as the operation at this place left it; to be asked for once.
    ///
    /// # Errors
    /// `Internal` when there is none, as after a delete.
    pub(crate) fn record<T: Record>(&mut self, place: usize) -> Result<T> {
        let result = self.results.get_mut(place);
        let record = result.and_then(|result| result.get_mut("record")).map(Value::take);
        serde_json::from_value(record.unwrap_or_default()).map_err(|error| unreadable(T::OBJECT, &error))
    }
}

impl Records {
    /// Opens the service; what is written bears the mark.
    pub(crate) fn open(host: &Host, mark: Mark) -> Result<Self> {
        Ok(Self {
            data: DataClient::open(host)?,
            mark,
        })
    }

    /// Whether a change that a hook shows is one of the plugin's own.
    pub(crate) fn is_own(&self, context: &Context) -> bool {
        self.mark.is_shown(context)
    }

    /// Records that match, oldest first, at most [`PAGE`].
    pub(crate) async fn find<T: Record>(&self, context: &Context, filter: Value) -> Result<Vec<T>> {
        let query = json!({
            "where": filter, "limit": PAGE, "count": false,
            "orderBy": [{ "field": "created_at", "order": "asc" }],
        });
        self.query(context, query).await
    }

    /// Every record that matches, oldest first, however many there are.
    pub(crate) async fn all<T: Record>(&self, context: &Context, filter: Value) -> Result<Vec<T>> {
        let mut all = Vec::new();
        loop {
            let query = json!({
                "where": filter, "limit": PAGE, "offset": all.len(), "count": false, "orderBy": oldest_first(),
            });
            let found: Vec<T> = self.query(context, query).await?;
            let last = found.len() < PAGE;
            all.extend(found);
            if last {
                return Ok(all);
            }
        }
    }

    /// A page of the records that match, oldest first, and how many match in all.
    pub(crate) async fn page<T: Record>(
        &self,
        context: &Context,
        filter: Value,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<T>, u64)> {
        let query = json!({ "where": filter, "limit": limit, "offset": offset, "orderBy": oldest_first() });
        let answer = self.find_raw(context, T::OBJECT, query).await?;
        let found: Counted<T> = read(T::OBJECT, &answer)?;
        Ok((found.records, found.total.unwrap_or_default()))
    }

    /// Records of a query.
    pub(crate) async fn query<T: Record>(&self, context: &Context, query: Value) -> Result<Vec<T>> {
        let answer = self.find_raw(context, T::OBJECT, query).await?;
        let found: Found<T> = read(T::OBJECT, &answer)?;
        Ok(found.records)
    }

    /// A query as the store answers it: `{records, total, …}`.
    pub(crate) async fn find_raw(&self, context: &Context, object: &str, query: Value) -> Result<Vec<u8>> {
        let request = FindRequest {
            object: object.to_owned(),
            query: map(query),
        };
        Ok(self.data.find(&context.as_system(), &write(&request)?).await?.to_vec())
    }

    /// The one record that matches.
    pub(crate) async fn find_one<T: Record>(&self, context: &Context, filter: Value) -> Result<Option<T>> {
        let found = self
            .query(context, json!({ "where": filter, "limit": 1, "count": false }))
            .await?;
        Ok(found.into_iter().next())
    }

    /// A record by its id.
    pub(crate) async fn get<T: Record>(&self, context: &Context, id: &str) -> Result<Option<T>> {
        let request = GetRequest {
            object: T::OBJECT.to_owned(),
            id: id.to_owned(),
            fields: Vec::new(),
        };
        match self.data.get(&context.as_system(), &write(&request)?).await {
            Ok(answer) => Ok(Some(read::<One<T>>(T::OBJECT, &answer)?.record)),
            Err(error) => match AuthError::from(error) {
                error if error.is_not_found() => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Makes a record.
    pub(crate) async fn create<T: Record>(&self, context: &Context, record: Value) -> Result<T> {
        let request = CreateRequest {
            object: T::OBJECT.to_owned(),
            record: map(record),
        };
        let answer = self.data.create(&self.mark.show(context), &write(&request)?).await?;
        Ok(read::<One<T>>(T::OBJECT, &answer)?.record)
    }

    /// Changes fields of a record.
    pub(crate) async fn update<T: Record>(&self, context: &Context, id: &str, record: Value) -> Result<T> {
        self.update_based_on(context, id, record, None).await
    }

    /// Changes fields of a record, if it is still the one that was read; `Conflict` if not.
    pub(crate) async fn update_based_on<T: Record>(
        &self,
        context: &Context,
        id: &str,
        record: Value,
        version: Option<&str>,
    ) -> Result<T> {
        let request = UpdateRequest {
            object: T::OBJECT.to_owned(),
            id: id.to_owned(),
            record: map(record),
            expected_version: version.map(ToOwned::to_owned),
        };
        let answer = self.data.update(&self.mark.show(context), &write(&request)?).await?;
        Ok(read::<One<T>>(T::OBJECT, &answer)?.record)
    }

    /// Deletes a record. False when it was not there: of several that try at once, one hears true.
    pub(crate) async fn delete<T: Record>(&self, context: &Context, id: &str) -> Result<bool> {
        let request = DeleteRequest {
            object: T::OBJECT.to_owned(),
            id: id.to_owned(),
            ..DeleteRequest::default()
        };
        match self.data.delete(&self.mark.show(context), &write(&request)?).await {
            Ok(_) => Ok(true),
            Err(error) => match AuthError::from(error) {
                error if error.is_not_found() => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Several changes and what is told of them, all or none.
    pub(crate) async fn transaction(
        &self,
        context: &Context,
        operations: Vec<Value>,
        told: Vec<EventBeside>,
    ) -> Result<Stored> {
        let request = EventfulTransaction {
            operations,
            events: told,
        };
        let answer = self
            .data
            .transaction(&self.mark.show(context), &write(&request)?)
            .await?;
        read("a transaction", &answer)
    }

    /// Makes a record, and tells of it.
    pub(crate) async fn create_telling<T: Record>(
        &self,
        context: &Context,
        record: &Value,
        told: Vec<EventBeside>,
    ) -> Result<T> {
        let operations = vec![making::<T>(record)];
        self.transaction(context, operations, told).await?.record(0)
    }

    /// Changes fields of a record, and tells of it.
    pub(crate) async fn update_telling<T: Record>(
        &self,
        context: &Context,
        id: &str,
        record: &Value,
        told: Vec<EventBeside>,
    ) -> Result<T> {
        let operations = vec![changing::<T>(id, record)];
        self.transaction(context, operations, told).await?.record(0)
    }

    /// Deletes a record, and tells of it. False when it was not there, and then nothing is told.
    pub(crate) async fn delete_telling<T: Record>(
        &self,
        context: &Context,
        id: &str,
        told: Vec<EventBeside>,
    ) -> Result<bool> {
        match self.transaction(context, vec![deleting::<T>(id)], told).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// One operation of a transaction.
pub(crate) fn making<T: Record>(record: &Value) -> Value {
    json!({ "object": T::OBJECT, "action": "create", "data": record })
}

/// One operation of a transaction.
pub(crate) fn changing<T: Record>(id: &str, record: &Value) -> Value {
    json!({ "object": T::OBJECT, "action": "update", "id": id, "data": record })
}

/// One operation of a transaction: a change of the record that was read and of no later one; `Conflict` undoes all.
pub(crate) fn changing_based_on<T: Record>(id: &str, record: &Value, version: &str) -> Value {
    json!({ "object": T::OBJECT, "action": "update", "id": id, "data": record, "expectedVersion": version })
}

/// One operation of a transaction.
pub(crate) fn deleting<T: Record>(id: &str) -> Value {
    json!({ "object": T::OBJECT, "action": "delete", "id": id })
}

/// One operation of a transaction: deletes the record that was read and no later one; `Conflict` undoes all.
pub(crate) fn deleting_based_on<T: Record>(id: &str, version: &str) -> Value {
    json!({ "object": T::OBJECT, "action": "delete", "id": id, "expectedVersion": version })
}

/// An order that is the same each time: many records may be made in one moment.
fn oldest_first() -> Value {
    json!([{ "field": "created_at", "order": "asc" }, { "field": "id", "order": "asc" }])
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn write(request: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(request).map_err(|error| AuthError::Internal(error.to_string()))
}

fn read<T: DeserializeOwned>(object: &str, answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer).map_err(|error| unreadable(object, &error))
}

fn unreadable(object: &str, error: &serde_json::Error) -> AuthError {
    AuthError::Internal(format!("a record of {object} cannot be read: {error}"))
}
